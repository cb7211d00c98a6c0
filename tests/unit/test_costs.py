"""A job's cost is that of a pocket calculator, and what is unknown is named with its place."""

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hybridbatch.cost.memory import Texts, training_memory
from hybridbatch.cost.model import RATES_FILE, Cost, Rate, Rates, Shape, Span, generation, hours
from hybridbatch.cost.page import ASSUMED, duration, plan_text, scaled
from hybridbatch.cost.plan import Job, plan
from hybridbatch.cost.requests import Request, of_job
from hybridbatch.cost.rules.training import steps
from hybridbatch.cost.stages import STAGES, cost_of
from hybridbatch.cost.work import Work, read_rates, read_work
from hybridbatch.experiment.encoders import Encoder
from hybridbatch.experiment.load import load, validate
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
# Two layers, width 4, feed-forward 8: 2 x (4 x 16 + 2 x 32) = 256 weights in the encoder and
# 2 x (8 x 16 + 2 x 32) = 384 in the decoder, 40 in the embeddings. The encoder also has 16 + 8 + 4
# biases and 2 x 8 parameters of normalisations in each layer, and 8 outside.
TINY = Shape(2, 2, 4, 8, 10, "made up")
ENCODER = Shape(2, 0, 4, 8, 10, "made up")
MORE = 2 * (16 + 8 + 4 + 16) + 8
# Seconds are counts: a core does 1 of everything a second, a GPU 50 FLOP/s.
RATES = """
gpus:
  small: {name: Small, bf16_flops: 100, fp32_flops: 10, memory: 20000, cores: 2, source: made up}
rates:
  train_share: {low: 0.5, high: 0.5, source: made up}
  encode_share: {low: 0.5, high: 0.5, source: made up}
  encode_float32_share: {low: 1, high: 1, source: made up}
  generate_share: {low: 0.5, high: 0.5, source: made up}
  ctranslate2_gain: {low: 2, high: 4, source: made up}
  fetch_bytes: {low: 1, high: 1, source: made up}
  read_pairs: {low: 1, high: 1, source: made up}
  shard_pairs: {low: 1, high: 1, source: made up}
  parallel_texts: {low: 1, high: 1, source: made up}
  filter_pairs: {low: 1, high: 1, source: made up}
  duplicate_texts: {low: 1, high: 1, source: made up}
  tokenizer_characters: {low: 1, high: 1, source: made up}
  tokenize_words: {low: 1, high: 1, source: made up}
  apertium_lines: {low: 1, high: 2, source: made up}
  static_pairs: {low: 1, high: 1, source: made up}
  cpu_flops: {low: 2, high: 2, source: made up}
  search_flops: {low: 1, high: 1, source: made up}
  rank_compares: {low: 1, high: 1, source: made up}
seconds:
  table: {low: 0, high: 0, source: made up}
  start: {low: 0, high: 0, source: made up}
memory:
  snakemake: {process: 1, source: made up}
  light: {process: 10, source: made up}
  torch: {process: 100, source: made up}
  datasets: {process: 9, source: made up}
  texts: {text: 2, source: made up}
  table: {process: 7, source: made up}
  read_corpus: {pair: 1, text: 3, source: made up}
  shard_texts: {pair: 1, text: 3, source: made up}
  read_parallel: {text: 3, source: made up}
  filter_pairs: {pair: 1, text: 3, source: made up}
  tokenize_pairs: {pair: 1, text: 3, source: made up}
  find_duplicates: {text: 3, source: made up}
  tokenizer_characters: {text: 3, source: made up}
  translation_engine: {process: 5, source: made up}
text:
  tokens_a_word: {value: 2}
  special_tokens: {value: 1}
  prefix_tokens: {value: 1}
  bytes_a_word: {value: 5}
  padding: {value: 3}
  parquet_share: {value: 0.5}
  gzip_share: {value: 0.25}
bytes_of_language: {source: made up, values: {en: 1, th: 3, other: 2}}
models:
  some/encoder: {encoder_layers: 2, decoder_layers: 0, width: 4, feed_forward: 8, vocabulary: 10,
                 source: made up}
  some/translator: {encoder_layers: 2, decoder_layers: 2, width: 4, feed_forward: 8, vocabulary: 10,
                    source: made up}
corpora:
  films: {pairs: 30, question_words: 1, passage_words: 4, negative_share: 1, source: made up}
  notes: {pairs: 10, question_words: 2, passage_words: 3, passages: 5, source: made up}
  check: {pairs: 6, question_words: 1, passage_words: 1, source: made up}
benchmarks:
  quiz: {query_words: 1, candidate_words: 2, queries: 4, candidates: 10, judged_a_query: 2,
         source: made up}
  other: {query_words: 1, candidate_words: 2, queries: 5, candidates: 11, source: made up}
references:
  people: {texts: 6, words: 3, source: made up}
"""
CONFIG = """
pathvars: {results: results/small, downloads: downloads}
scale: laptop
corpora: [films, notes]
validation: [check]
target_languages: [th]
translator: apertium
encoders: [large]
samplings: [hybrid]
seeds: [0]
benchmarks: [quiz]
quality: [people]
filtering: {max_unknown_share: 0.5, min_length_ratio: 0.4, max_length_ratio: 2.5}
contamination: {ngram: 5, threshold: 0.8}
training:
  batch_size: 2
  max_steps: 10
  corpus_weighting: {temperature: 1.0}
  warmup_steps: 1
  decay_share: 0.1
  learning_rate: 0.01
  weight_decay: 0.0
  temperature: 0.05
  max_grad_norm: 1.0
  evaluate_every: 2
  patience: 2
statistics: {confidence: 0.95, resamples: 100, seed: 0}
exports: {depth: 10}
ablations:
  benchmarks: [quiz]
  samplings: [hybrid]
  alpha: []
  data_size: []
  languages: []
  unseen_languages: []
  seeds: 1
  temperature: []
  batch_size: []
  steps: []
  corpus_weighting: []
  encoders: []
  lareqa: []
catalogue:
  sources: {}
  corpora:
    films: {kind: jsonl, language: en, path: films.jsonl, holdout: 0.0, shards: 2}
    notes: {kind: jsonl, language: en, path: notes.jsonl, languages: [], holdout: 0.0, shards: 1}
    check: {kind: jsonl, language: en, path: check.jsonl, holdout: 1.0, shards: 1}
  benchmarks:
    quiz: {title: Quiz, kind: lareqa, path: "{language}.json", languages: [en, th, xx]}
    other: {title: Other, kind: lareqa, path: "{language}.json", languages: [en]}
  references:
    people: {kind: questions, path: "{language}.json", languages: [en, th]}
  samplings:
    en-en: {kind: en-en}
    x-x: {kind: x-x}
    x-x-mono: {kind: x-x-mono}
    x-y: {kind: x-y}
    hybrid: {kind: hybrid, alpha: 0.25}
  translators:
    apertium:
      kind: apertium
      routes: {th: {source: en, mode: eng-tha, package: apertium-eng-tha}}
    neural:
      kind: transformers_mt
      model: some/translator
      codes: {en: en, th: th}
      beams: 3
      max_new_tokens: 16
      batch_tokens: 16
      routes: {th: {source: en}}
  encoders:
    large: {kind: transformer, model: some/encoder, pooling: mean, max_tokens: 8,
            query_prefix: "", passage_prefix: ""}
    little: {kind: scratch, layers: 2, heads: 2, dimension: 4, feed_forward: 8, dropout: 0.0,
             vocabulary: 100, tokenizer_characters: 1000, max_tokens: 8, query_prefix: "",
             passage_prefix: ""}
    static: {kind: static, dimension: 4, vocabulary: 100, tokenizer_characters: 1000,
             max_tokens: 8, query_prefix: "", passage_prefix: ""}
"""


HYBRID = {"system": "large_hybrid", "seed": "0"}


@pytest.fixture
def config() -> dict:
    """A small valid configuration, which a test may change."""
    return yaml.safe_load(CONFIG)


@pytest.fixture
def values() -> dict:
    """The parsed rates, which a test may change."""
    return yaml.safe_load(RATES)


def _work(
    config: dict,
    values: dict | None = None,
    published: Mapping = {},
    evaluation: Mapping = {},
    **counts: dict,
) -> Work:
    rates = Rates.of(values or yaml.safe_load(RATES))
    gpu = rates.gpus["small"]
    return Work(validate(config), rates, gpu, published, evaluation, counts.get)


def _cost(config: dict, rule: str, values: dict | None = None, **wildcards: str) -> Cost:
    return cost_of(_work(config, values), rule, wildcards)


# --- the parts ---


def test_parameters():
    assert (TINY.encoder_parameters, TINY.decoder_parameters) == (256, 384)
    assert TINY.parameters == 256 + 384 + 40 + MORE
    assert ENCODER.parameters == 256 + 40 + MORE
    assert Shape(0, 0, 4, 0, 10, "made up").parameters == 40  # the mean of token embeddings
    # Three heads of one dimension: 4 x 4 x 3 weights and 3 x 3 + 4 biases of attention.
    narrow = replace(ENCODER, attention=3, positions=7, token_types=2, pooler=True)
    layer = 4 * 4 * 3 + 3 * 3 + 4 + 2 * 32 + 8 + 4 + 16
    assert narrow.layer_parameters == layer
    assert narrow.parameters == 4 * (10 + 7 + 2) + 2 * layer + 8 + 20


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("FacebookAI/xlm-roberta-base", 278_043_648),
        ("FacebookAI/xlm-roberta-large", 559_890_432),
        ("sentence-transformers/LaBSE", 470_926_848),
        ("intfloat/multilingual-e5-small", 117_653_760),
    ],
)
def test_shipped_encoders_have_the_models_parameters(model, published):
    assert read_rates().models[model].parameters == published


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("facebook/xlm-roberta-xl", 3.48e9),
        ("facebook/xlm-roberta-xxl", 10.7e9),
        ("facebook/nllb-200-1.3B", 1_370_638_336),
        ("facebook/m2m100_418M", 483_905_536),
    ],
)
def test_shipped_shapes_have_about_the_models_parameters(model, published):
    # A decoder's biases and norms are left out; two of the published numbers are round.
    assert read_rates().models[model].parameters == pytest.approx(published, rel=0.005)


def test_forward_pass_is_two_flops_a_parameter_and_token_and_attention():
    # Attention: scores and weighted sum, 2 x 2 x width FLOPs a layer and token attended to.
    assert TINY.forward(10, 5) == 10 * (2 * 256 + 2 * 4 * 4 * 5)


def test_mean_of_embeddings_is_an_addition_a_number():
    assert Shape(0, 0, 4, 0, 10, "made up").forward(10, 5) == 40


def test_generation_counts_every_beam_and_projects_the_source_once():
    source, target, beams = 3, 6, 2
    encoder = 3 * (2 * 256 + 2 * 4 * 4 * 3)
    keys_and_values = 3 * 2 * (2 * 2 * 16)
    # Without those 64 parameters, with the output's 40; attends to 3 and on average 3 more.
    decoder = 6 * (2 * (384 - 64 + 40) + 2 * 4 * 4 * (3 + 3))
    assert generation(TINY, source, target, beams) == encoder + 2 * (keys_and_values + decoder)


def test_slow_rates_make_the_high_end():
    assert Rate(2, 4, "made up").seconds(8) == Span(2, 4)
    assert Rate(0.25, 0.5, "made up").seconds(8, unit=2) == Span(8, 16)


@pytest.mark.parametrize(
    ("seconds", "devices", "longest"),
    [
        ([1, 1, 1, 1, 1, 1], 8, 1),  # six jobs leave two of eight devices idle
        ([1] * 10, 8, 2),
        ([3, 3, 2, 2, 2], 2, 7),  # 3 2 2 | 3 2: the longest first is not always the best
        ([5, 1, 1, 1], 2, 5),
        ([], 4, 0),
    ],
)
def test_jobs_wait_for_devices(seconds, devices, longest):
    jobs = [Cost(Span(s, 2 * s), on_gpu=True) for s in seconds]
    assert hours(jobs, devices, 1) == Span(longest / 3600, 2 * longest / 3600)


def test_gpus_and_cores_work_side_by_side():
    jobs = [Cost(Span(3600, 3600), on_gpu=True), *[Cost(Span(3600, 3600))] * 3]
    assert hours(jobs, 1, 1) == Span(3, 3)
    assert hours(jobs, 1, 3) == Span(1, 1)


# --- jobs ---


def test_a_file_of_a_source_is_its_share_of_the_text(config):
    source = {"base": "https://x.org/", "licence": "CC0"}
    config["catalogue"]["sources"]["made"] = source | {
        "files": dict.fromkeys(["en", "ids", "th", "unused"])
    }
    config["catalogue"]["corpora"]["films"] = {
        "kind": "mmarco",
        "language": "en",
        "source": "made",
        "files": ["en", "ids"],
        "parallel": {"th": ["th"]},
        "holdout": 0.0,
        "shards": 2,
    }
    bytes_of_text = (30 * 1 + 60 * 4) * 5
    for name, size in (
        ("en", bytes_of_text / 2),
        ("ids", bytes_of_text / 2),
        ("th", 3 * bytes_of_text),
        ("unused", 0),
    ):
        cost = _cost(config, "fetch", source_file=f"x.org/{name}")
        assert (cost.disk, cost.seconds) == (size, Span(size, size)), name
    # It comes translated: its shards are read, not translated.
    shard = _cost(config, "read_parallel", translator="apertium", corpus="films", language="th")
    assert shard.disk == bytes_of_text * 3 * 0.5 / 2
    assert shard.seconds == Span(90, 90)


def test_what_a_corpus_says_of_its_download_goes_first(config, values):
    config["catalogue"]["sources"]["made"] = {
        "base": "https://x.org/",
        "licence": "CC0",
        "files": {"notes": None},
    }
    config["catalogue"]["corpora"]["notes"] = {
        "kind": "jsonl",
        "language": "en",
        "source": "made",
        "files": ["notes"],
        "holdout": 0.0,
        "shards": 1,
    }
    values["corpora"]["notes"]["download"] = 77
    assert _cost(config, "fetch", values, source_file="x.org/notes").disk == 77


def test_rows_of_a_data_set_are_streamed(config):
    config["catalogue"]["corpora"]["films"] = {
        "kind": "datasets",
        "language": "en",
        "path": "some/films",
        "revision": "0" * 40,
        "split": "train",
        "columns": {"question": "question", "passage": "answer"},
        "holdout": 0.0,
        "shards": 1,
    }
    cost = _cost(config, "fetch_dataset", corpus="films")
    assert cost.seconds == Span(30 * 9 * 5, 30 * 9 * 5)
    assert (cost.disk, cost.memory) == (30 * 9 * 5 * 0.5, 1 + 10 + 9)


def test_reading_and_sharding_a_corpus(config):
    read = _cost(config, "read_corpus", corpus="films")
    assert read.seconds == Span(30, 30)
    # Pairs with their question, passage and hard negative in full; 90 different texts.
    assert read.disk == 30 * (1 + 2 * 4) * 5 * 0.5
    assert read.memory == 1 + 10 + 30 + 3 * 90
    assert _cost(config, "shard_texts", corpus="films", shard="000").disk == 270 * 5 * 0.5 / 2


def test_reading_a_benchmark_and_a_reference_set(config):
    read = _cost(config, "read_benchmark", benchmark="quiz", language="th")
    assert (read.seconds, read.disk) == (Span(14, 14), (4 * 1 + 10 * 2) * 5 * 3 * 0.5)
    assert _cost(config, "read_references", references="people", language="en").disk == 45


def test_apertium_translates_a_shard_on_a_core(config):
    cost = _cost(config, "translate", corpus="films", language="th", shard="000")
    assert (cost.on_gpu, cost.threads, cost.flops) == (False, 1, 0)
    assert cost.disk == (30 * 1 + 60 * 4) * 5 * 3 * 0.5 / 2
    # 45 lines at 1 to 2 a second.
    assert cost.seconds == Span(22.5, 45)
    assert cost.memory == 1 + 10 + 5 + 2 * 45


def test_neural_translation(config):
    config["translator"] = "neural"
    cost = _cost(config, "translate", corpus="films", language="th", shard="000")
    # Questions have 1 x 2 + 1 tokens, passages 4 x 2 + 1; there and back.
    assert cost.tokens == 15 * 2 * 3 + 30 * 2 * 9
    flops = 15 * generation(TINY, 3, 3, 3) + 30 * generation(TINY, 9, 9, 3)
    assert cost.flops == pytest.approx(flops)
    assert (cost.on_gpu, cost.threads) == (True, 8)
    assert cost.seconds.high == pytest.approx(flops / 50)
    # Keys and values: 16 tokens, 3 beams, 2 layers, width 4, 2 bytes, twice source and
    # translation; scores of 10 words for 16 / 3 texts, three times in float32.
    assert (
        cost.gpu_memory
        == 2 * (680 + MORE) + 2 * 2 * 16 * 3 * 2 * 2 * 4 * 2 + 16 / 3 * 3 * 10 * 4 * 3
    )
    assert cost.memory == 1 + 100 + 2 * 45 + 4 * (680 + MORE)


def test_reference_sets_are_translated_there_and_back(config):
    config["translator"] = "neural"
    there = _cost(config, "translate_references", references="people", language="th")
    assert there.flops == pytest.approx(6 * generation(TINY, 7, 7, 3))
    back = _cost(config, "translate_back", references="people", language="th", target="en")
    assert (back.flops, back.disk) == (there.flops, there.disk / 3)


def test_text_that_is_too_long_is_split(config, values):
    config["translator"] = "neural"
    values["corpora"]["films"] |= {"passage_words": 23.5, "negative_share": 0}
    cost = _cost(config, "translate", values, corpus="films", language="th", shard="000")
    # 48 tokens are three pieces of 16.
    flops = 15 * generation(TINY, 3, 3, 3) + 15 * 3 * generation(TINY, 16, 16, 3)
    assert cost.flops == pytest.approx(flops)


def test_ctranslate2_is_as_much_work_in_less_time(config):
    config["translator"] = "neural"
    job = {"corpus": "films", "language": "th", "shard": "000"}
    slow = _cost(config, "translate", **job)
    translator = config["catalogue"]["translators"]["neural"]
    translator |= {"kind": "ctranslate2_mt", "quantization": "int8"}
    fast = _cost(config, "translate", **job)
    assert fast.flops == slow.flops
    assert fast.seconds.low == pytest.approx(slow.seconds.low / 4)
    assert fast.seconds.high == pytest.approx(slow.seconds.high / 2)


def test_filtering_and_near_duplicates(config):
    cost = _cost(config, "filter_pairs", corpus="films", language="th")
    assert (cost.seconds, cost.disk) == (Span(30, 30), 30 * 9 * 5 * 3 * 0.5)
    # Hard negatives are not compared.
    duplicates = _cost(config, "find_duplicates", corpus="films", language="th")
    assert duplicates.seconds == Span(60, 60)


def test_tokens_are_made_of_different_texts_and_kept_for_every_pair(config):
    films = _cost(config, "tokenize_pairs", encoder="large", corpus="films", language="th")
    # 4 + 8 tokens (10 cut at 8), negatives apart.
    assert films.tokens == 30 * 4 + 60 * 8
    assert films.disk == 4 * films.tokens + 36 * 30
    notes = _cost(config, "tokenize_pairs", encoder="large", corpus="notes", language="en")
    assert notes.tokens == 10 * 6 + 5 * 8  # 5 different passages
    check = _cost(config, "tokenize_validation", encoder="large", corpus="check")
    assert (check.tokens, check.disk) == (6 * 8, 4 * 6 * 8 + 36 * 6)


def test_preparing_an_encoder_fetches_weights_or_trains_a_tokenizer(config):
    fetched = _cost(config, "prepare_encoder", encoder="large")
    size = 4 * (296 + MORE)
    assert (fetched.disk, fetched.seconds) == (size, Span(size, size))
    trained = _cost(config, "prepare_encoder", encoder="static")
    assert (trained.disk, trained.seconds) == (4 * 400, Span(2000, 2000))  # English and Thai


def test_fine_tuning(config):
    """alpha .25: a quarter of the batches in proportion to pairs (30 to 10), the rest of films."""
    cost = _cost(config, "finetune", **HYBRID)
    films, notes = 0.25 * 30 / 40 + 0.75, 0.25 * 10 / 40
    # A question of one word has 4 tokens, 12 with padding, cut at 8; so is everything else here.
    texts = 2 * (films * 3 + notes * 2)  # with hard negatives, and without
    # Every other step 6 + 6 validation texts.
    tokens = 10 * 8 * (texts + 12 / 2)
    flops = 10 * (3 * ENCODER.forward(8 * texts, 8) + ENCODER.forward(8 * 12 / 2, 8))
    assert cost.tokens == pytest.approx(tokens)
    assert cost.flops == pytest.approx(flops)
    assert cost.disk == 4 * (256 + 40 + MORE)
    assert (cost.on_gpu, cost.threads) == (True, 8)
    assert cost.seconds.high == pytest.approx(flops / 50)
    # The rate decays at the earliest after 3 validations of 2 steps, for a tenth of all steps.
    assert cost.seconds.low == pytest.approx(0.7 * flops / 50)


def test_memory_of_fine_tuning(config):
    cost = _cost(config, "finetune", **HYBRID)
    # 20 bytes a parameter; 3 sides of 2 texts of 8 tokens. test_memory.py has what
    # a layer saves.
    batch = [(ENCODER, Texts(2, 8))] * 3
    number = 256 + 40 + MORE
    memory = training_memory(batch, number, number, gpu=True)
    state = 20 * number
    assert (memory.frozen, memory.trained, memory.again) == (0, state, 0)
    assert memory.kept > 3 * 2 * 8 * 2 * 4 * 34 + 2 * 256
    assert cost.gpu_memory == memory.total
    tokens = sum(
        _cost(config, "tokenize_pairs", encoder="large", corpus=corpus, language=code).disk
        for corpus, code in (("films", "en"), ("films", "th"), ("notes", "en"))
    )
    assert cost.memory == 1 + 100 + tokens + state
    config["encoders"] = ["little"]  # of the same shape but for the vocabulary, on a core
    on_core = _cost(config, "finetune", system="little_hybrid", seed="0")
    assert on_core.gpu_memory == 0
    little = replace(ENCODER, vocabulary=100, positions=8, heads=2, dropout=False)
    activations = training_memory([(little, Texts(2, 8))] * 3, 0, 0).kept
    state = 20 * (256 + 400 + 8 * 4 + MORE)
    assert on_core.memory == 1 + 100 + tokens + state + activations


def test_an_ablation_with_fewer_languages_holds_fewer_tokens(config):
    config["target_languages"] = ["th", "xx"]
    config["catalogue"]["translators"]["apertium"]["routes"]["xx"] = {
        "source": "en",
        "mode": "eng-xx",
        "package": "apertium-eng-xx",
    }
    config["ablations"]["languages"] = [2, 3]
    fewer = _cost(config, "finetune", system="large@languages-2_hybrid", seed="0")
    assert fewer.memory < _cost(config, "finetune", **HYBRID).memory


@pytest.mark.parametrize(
    ("sampling", "share"), [("en-en", 0.75), ("x-x-mono", 0.75), ("x-x", 0.75), ("x-y", 1.0)]
)
def test_corpus_of_one_language_has_no_cross_lingual_batch(config, sampling, share):
    config["samplings"] = [sampling]
    texts = 2 * (share * 3 + (1 - share) * 2)
    cost = _cost(config, "finetune", system=f"large_{sampling}", seed="0")
    assert cost.tokens == pytest.approx(10 * 8 * (texts + 6))


def test_no_run_is_longer_than_its_steps(config):
    config["training"]["patience"] = 100
    work = _work(config)
    assert steps(work, work.systems["large_hybrid"]) == (10, 10)


def test_an_encoders_own_training_counts(config):
    config["catalogue"]["encoders"]["large"]["training"] = {"max_steps": 40}
    work = _work(config)
    assert steps(work, work.systems["large_hybrid"])[1] == 40


def test_a_transformer_from_scratch_is_the_same_work_on_a_core(config):
    on_gpu = _cost(config, "finetune", **HYBRID)
    config["encoders"] = ["little"]
    on_core = _cost(config, "finetune", system="little_hybrid", seed="0")
    assert (on_core.tokens, on_core.flops) == (on_gpu.tokens, on_gpu.flops)
    assert (on_core.on_gpu, on_core.threads) == (False, 1)
    assert on_core.seconds.high == pytest.approx(on_core.flops / 2)


def test_a_static_encoder_trains_by_pairs_on_one_thread(config):
    config["encoders"] = ["static"]
    cost = _cost(config, "finetune", system="static_hybrid", seed="0")
    assert (cost.on_gpu, cost.threads) == (False, 1)
    # A step of 2 pairs, and every other step a third of 6.
    assert cost.seconds == Span(7 * 3, 10 * 3)


def test_encoding(config):
    cost = _cost(config, "encode", benchmark="quiz", language="th", **HYBRID)
    # 4 queries (4 tokens) and 10 candidates (6 tokens).
    assert cost.tokens == 4 * 4 + 10 * 6
    assert cost.flops == ENCODER.forward(16, 4) + ENCODER.forward(60, 6)
    assert cost.disk == 14 * 4 * 4
    assert cost.memory == 1 + 100 + 2 * 4 * (296 + MORE) + 2 * 14 * 4 * 4 + 2 * 14


def test_ranking_is_over_all_languages(config):
    cost = _cost(config, "evaluate", benchmark="quiz", language="th", **HYBRID)
    assert cost.flops == 2 * 4 * 30 * 4
    assert cost.seconds == Span(960 + 4 * 3 * 30, 960 + 4 * 3 * 30)


@pytest.fixture
def passages(config) -> dict:
    """With a benchmark like MIRACL: three files of passages in two jobs, and one file in one."""
    config["catalogue"]["benchmarks"]["quiz"] = {
        "title": "Quiz",
        "kind": "miracl",
        "topics": "topics.{language}",
        "qrels": "qrels.{language}",
        "passages": "{language}.{number}",
        "shards": {"en": 3, "th": 1},
        "shards_a_job": 2,
        "languages": ["en", "th"],
        "index": "Flat",
        "depth": 100,
    }
    return config


def _search(config: dict, language: str, part: str) -> Cost:
    return _cost(
        config, "search_passages", benchmark="quiz", language=language, part=part, **HYBRID
    )


def test_passages_are_searched_where_they_are_encoded(passages):
    jobs = [_search(passages, *job) for job in (("en", "000"), ("en", "001"), ("th", "000"))]
    # Each job encodes all queries.
    assert sum(job.tokens for job in jobs) == pytest.approx(3 * 4 * 4 + 2 * 10 * 6)
    search = 2 * 2 * 4 * 10 * 4
    encoding = 3 * ENCODER.forward(16, 4) + 2 * ENCODER.forward(60, 6)
    assert sum(job.flops for job in jobs) == pytest.approx(encoding + search)
    assert {job.disk for job in jobs} == {4 * 100 * 24}
    # A file at a time, as vectors and as an index.
    thai = jobs[2].memory - jobs[0].memory
    assert thai == pytest.approx((2 * 4 * 4 + 2) * (10 - 10 / 3))


@pytest.mark.parametrize(("precision", "rate"), [("float32", 10), ("bfloat16", 50)])
def test_search_and_tokenizing_of_passages_take_the_cores_beside_the_gpu(passages, precision, rate):
    passages["catalogue"]["encoders"]["large"]["precision"] = precision
    words, search = 4 * 1 + 10 * 2, 2 * 4 * 10 * 4
    encoding = (ENCODER.forward(16, 4) + ENCODER.forward(60, 6)) / rate
    # Two cores: tokenizing is at the rate of two, searching twice that of one.
    seconds = encoding + words + search / 2
    assert _search(passages, "th", "000").seconds.high == pytest.approx(seconds)


def test_judged_passages_only(passages):
    passages["catalogue"]["benchmarks"]["quiz"]["judged_only"] = True
    assert _search(passages, "en", "000").tokens == 4 * 4 + 4 * 2 * 6


def test_files_of_passages_are_fetched_gzipped(passages):
    made = {"base": "https://x.org/", "licence": "CC0", "series": {"en.{number}.gz": 3}}
    made["series"]["th.{number}.gz"] = 1
    passages["catalogue"]["sources"]["made"] = made
    passages["catalogue"]["benchmarks"]["quiz"] |= {
        "corpus": "made",
        "passages": "{language}.{number}.gz",
    }
    words = 4 * 1 + 10 * 2
    english = _cost(passages, "fetch", source_file="x.org/en.2.gz")
    assert english.disk == pytest.approx(words * 5 * 0.25 / 3)
    thai = _cost(passages, "fetch", source_file="x.org/th.0.gz")
    assert thai.disk == pytest.approx(words * 5 * 3 * 0.25)


def test_more_samplings_and_seeds_are_more_to_test(config):
    cells = _cost(config, "score_system", system="large_hybrid", benchmark="quiz").memory
    config |= {"samplings": ["x-y", "hybrid"], "seeds": [0, 1]}
    config["catalogue"]["encoders"]["large"]["seeds"] = None
    tests = _cost(config, "compare_samplings", variant="large", benchmark="quiz").memory
    assert tests - 11 == 4 * (cells - 11)


@pytest.mark.parametrize(
    ("rule", "wildcards"),
    [
        ("read_corpus", {"corpus": "films"}),
        ("shard_texts", {"corpus": "films", "shard": "000"}),
        ("translate", {"corpus": "films", "language": "th", "shard": "000"}),
        ("filter_pairs", {"corpus": "films", "language": "th"}),
        ("find_duplicates", {"corpus": "films", "language": "th"}),
        ("tokenize_pairs", {"encoder": "large", "corpus": "films", "language": "th"}),
        ("finetune", HYBRID),
        ("read_benchmark", {"benchmark": "quiz", "language": "th"}),
        ("encode", HYBRID | {"benchmark": "quiz", "language": "th"}),
        ("evaluate", HYBRID | {"benchmark": "quiz", "language": "th"}),
        ("measure_bias", HYBRID | {"benchmark": "quiz"}),
        ("score_system", HYBRID | {"benchmark": "quiz"}),
        ("compare_samplings", {"variant": "large", "benchmark": "quiz"}),
    ],
)
def test_more_work_asks_for_more(config, values, rule, wildcards):
    small = _cost(config, rule, **wildcards)
    values["corpora"]["films"]["pairs"] = 300_000_000
    values["benchmarks"]["quiz"] |= {"queries": 4_000_000, "candidates": 900_000_000}
    large = _cost(config, rule, values, **wildcards)
    assert large.memory > small.memory
    assert large.disk >= small.disk
    if rule not in ("finetune", "score_system", "compare_samplings", "measure_bias"):
        assert large.seconds.high > small.seconds.high
    assert Request(large).mem_mb() > Request(small).mem_mb()


# --- requests ---


def test_a_request_has_room_to_spare_and_doubles_on_another_attempt():
    request = Request(Cost(Span(60, 3600), on_gpu=True, threads=8, disk=1e9, memory=36e9))
    assert (request.threads, request.mem_mb(), request.runtime()) == (8, 43200, 90)
    assert (request.disk_mb(), request.gpu()) == (1200, 1)
    assert (request.mem_mb(2), request.runtime(2), request.disk_mb(2)) == (86400, 180, 2400)
    assert (request.mem_mb(3), request.gpu(2)) == (172800, 1)


def test_a_job_without_work_asks_for_minutes_and_what_its_processes_take():
    work = read_work(load([ROOT / "config" / "demo.yaml"]), read_rates(), "h100", ROOT)
    request = of_job(work, "record_provenance", {"table": "bundled"})
    assert (request.mem_mb(), request.runtime(), request.disk_mb()) == (600, 10, 100)
    assert (request.gpu(), request.threads) == (0, 1)


@pytest.mark.parametrize("encoder", ["large", "static"])
def test_an_unknown_size_is_no_reason_not_to_run(config, values, encoder):
    config["encoders"] = [encoder]
    job = {"system": f"{encoder}_hybrid", "seed": "0"}
    known = of_job(_work(config), "finetune", job)
    del values["corpora"]["films"]
    request = of_job(_work(config, values), "finetune", job)
    assert "corpora has no 'films'" in request.unknown
    assert not known.unknown
    # More threads would change the last bits of a static encoder's weights.
    assert (request.threads, request.gpu()) == (known.threads, known.gpu())
    assert request.mem_mb() > 4000


def test_a_rule_without_a_cost_is_named(config):
    with pytest.raises(LookupError, match="rule bake has no stage and no cost: add both to STAGES"):
        of_job(_work(config), "bake", {})


def test_a_kind_of_encoder_without_a_cost_is_named():
    with pytest.raises(ConfigError, match=r"experiment/encoders/towers\.py: Config has no `shape`"):
        Encoder(kind="towers").shape("query", lambda name: TINY)


# --- the plan ---


def _jobs() -> list[Job]:
    return [
        Job("filter_pairs", {"corpus": "films", "language": "th"}, 1, 600, 10),
        Job("filter_pairs", {"corpus": "films", "language": "en"}, 1, 700, 10),
        Job("finetune", HYBRID, 8, 5000, 60),
        Job("finetune", {"system": "large_hybrid", "seed": "1"}, 8, 5000, 90),
    ]


def test_a_plan_sums_jobs_by_stage(config):
    config["seeds"] = [0, 1]
    shown = plan(_work(config), _jobs())
    assert [(row.stage, row.jobs, row.on_gpu) for row in shown.rows] == [
        ("filter", 2, False),
        ("fine-tune", 2, True),
    ]
    one = _cost(config, "finetune", **HYBRID)
    tuned = shown.rows[1]
    assert (tuned.flops, tuned.disk) == (2 * one.flops, 2 * one.disk)
    assert tuned.hours_1.high == pytest.approx(2 * one.seconds.high / 3600)
    assert tuned.hours_8.high == pytest.approx(one.seconds.high / 3600)
    assert shown.gpu_hours.high == pytest.approx(2 * one.seconds.high / 3600)
    assert (shown.models, shown.steps, shown.ablations) == (2, (7, 10), ())
    filtering, tuning = shown.largest
    assert (filtering.rule, filtering.jobs, filtering.mem_mb) == ("filter_pairs", 2, 700)
    assert (tuning.threads, tuning.mem_mb, tuning.runtime) == (8, 5000, 90)
    assert tuning.gpu_memory == one.gpu_memory


def test_what_ablations_add_stands_apart(config):
    jobs = _jobs()
    shown = plan(_work(config), jobs[:3], jobs[3:])
    assert (shown.models, shown.ablation_models) == (1, 1)
    assert [row.stage for row in shown.ablations] == ["fine-tune"]
    page = plan_text(shown, Rates.of(yaml.safe_load(RATES)), ["mine.yaml"])
    assert "1 model of 7 to 10 steps; 2 corpora of 40 pairs." in page
    assert "`snakemake ablations` adds 1 model:" in page
    assert "| finetune          |      2 |         8 |          5 GB |" in page


def test_every_rule_stands_in_one_stage():
    rules = [rule for rules in STAGES.values() for rule in rules]
    assert len(rules) == len(set(rules))


# --- sizes ---


def _films(config, published=None, counts=None):
    of = {"films": counts} if counts else {}
    return _work(config, published=published or {}, **of).corpus("films")


def test_the_workflows_counts_go_before_published_sizes_and_those_before_the_rates(config):
    assert _films(config).pairs == 30
    config["catalogue"]["corpora"]["films"]["published"] = "Films"
    assert _films(config, {"Films": 50}).pairs == 50
    read = _films(config, {"Films": 50}, {"train": 7, "validation": 3, "kept": 10})
    assert (read.pairs, read.validation, read.questions, read.negatives) == (7, 3, 7, 7)
    work = _work(config, films={"train": 7, "validation": 3})
    assert plan(work, []).read == ("films",)


def test_holdout_is_not_trained_on(config):
    config["catalogue"]["corpora"]["films"]["holdout"] = 0.2
    found = _films(config)
    assert (found.pairs, found.validation, found.questions) == (24, 6, 24)


def test_published_sizes_of_a_benchmark_go_first(config):
    work = _work(config, evaluation={"quiz": {"en": (1, 2)}})
    assert work.collections("quiz")["en"].candidates == 2
    assert work.collections("quiz")["th"].candidates == 10


# --- what is missing ---


def _error(config: dict, values: dict, rule: str, **wildcards: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _cost(config, rule, values, **wildcards)
    return str(caught.value)


def test_unknown_model_says_which_key_to_add_and_where(config, values):
    del values["models"]["some/encoder"]
    message = _error(config, values, "finetune", **HYBRID)
    assert message.startswith(f"{RATES_FILE}: models has no 'some/encoder': add `some/encoder: {{")
    assert "encoder_layers: ..., decoder_layers: ..., width: ..." in message


def test_unknown_corpus_benchmark_and_reference_set_say_which_key_to_add(config, values):
    lacks = copy.deepcopy(values)
    del lacks["corpora"]["notes"]
    message = _error(config, lacks, "read_corpus", corpus="notes")
    assert f"{RATES_FILE}: corpora has no 'notes': add `notes: {{pairs: ..." in message
    del lacks["references"]["people"]
    message = _error(config, lacks, "read_references", references="people", language="en")
    assert f"{RATES_FILE}: references has no 'people': add `people: {{texts: ..." in message
    del values["benchmarks"]["quiz"]
    message = _error(config, values, "read_benchmark", benchmark="quiz", language="en")
    assert f"{RATES_FILE}: benchmarks has no 'quiz': add" in message


def test_unknown_size_says_which_key_to_add(config, values):
    lacks = copy.deepcopy(values)
    del lacks["corpora"]["films"]["pairs"]
    message = _error(config, lacks, "read_corpus", corpus="films")
    assert f"{RATES_FILE}: corpora.films has no `pairs`" in message
    del values["benchmarks"]["quiz"]["queries"]
    message = _error(config, values, "read_benchmark", benchmark="quiz", language="en")
    assert "benchmarks.quiz has no `queries`" in message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("text"), "has no 'text'"),
        (lambda v: v["text"].pop("padding"), "text: has no 'padding'"),
        (lambda v: v["rates"]["read_pairs"].pop("low"), "rates.read_pairs: has no 'low'"),
        (lambda v: v["gpus"]["small"].update(tflops=1), "gpus.small.tflops: no such key"),
        (lambda v: v["rates"]["read_pairs"].update(low=2), "rates.read_pairs: 0 < low <= high"),
        (lambda v: v["seconds"]["start"].update(low=-1), "seconds.start: 0 <= low <= high"),
        (lambda v: v["rates"].pop("read_pairs"), "rates has no 'read_pairs'"),
        (lambda v: v["memory"].pop("read_corpus"), "memory has no 'read_corpus'"),
    ],
)
def test_wrong_rates_are_named(config, values, change, message):
    change(values)
    found = _error(config, values, "read_corpus", corpus="films")
    assert found.startswith(f"{RATES_FILE}: {message}")


def test_unknown_gpu_is_named_with_the_known_ones():
    experiment = load([ROOT / "config" / "demo.yaml"])
    with pytest.raises(ConfigError, match="gpus has no 'huge'; known are h100, a100, none"):
        read_work(experiment, read_rates(), "huge")


# --- what is printed ---


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "-"),
        (999, "1 kB"),
        (1_234, "1.2 kB"),
        (123_456_789, "120 MB"),
        (9_960_000_000, "10 GB"),
        (2.5e12, "2.5 TB"),
        (7, "7 B"),
    ],
)
def test_numbers_have_two_digits_and_a_prefix(number, text):
    assert scaled(number, "B") == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.0, 0.001, "<1 min"),
        (0.05, 0.2, "3 - 12 min"),
        (0.0, 0.2, "<1 - 12 min"),
        (0.5, 12.34, "30 min - 12 h"),
        (1.26, 1.31, "1.3 h"),
        (0.999, 2, "1 - 2 h"),
        (120, 456, "120 - 460 h"),
    ],
)
def test_hours_have_two_digits(low, high, text):
    assert duration(Span(low, high)) == text


def test_the_plan_says_of_every_stage_what_it_assumes():
    assert list(ASSUMED) == list(STAGES)
