"""A plan's arithmetic is that of a pocket calculator, and what it lacks is named with its place."""

import copy
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hybridbatch.cost.model import (
    RATES_FILE,
    Job,
    Rate,
    Rates,
    Shape,
    Span,
    corpus_sizes,
    forward,
    generation,
    hours,
)
from hybridbatch.cost.page import duration, scaled
from hybridbatch.cost.plans import STAGES, Plan, Row, ablation_runs, plan
from hybridbatch.experiment import load as conf
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime.errors import ConfigError

ROOT = Path(__file__).parents[2]
# Two layers, width 4, feed-forward 8: 2 x (4 x 16 + 2 x 32) = 256 parameters in the encoder and
# 2 x (8 x 16 + 2 x 32) = 384 in the decoder, 40 in the embeddings.
TINY = Shape(2, 2, 4, 8, 10, "made up")
# Seconds are counts: a core does 1 of everything a second, a GPU 50 FLOP/s.
RATES = """
gpus: {small: {name: Small, bf16_flops: 100, cores: 2, source: made up}}
rates:
  train_share: {low: 0.5, high: 0.5, source: made up}
  encode_share: {low: 0.5, high: 0.5, source: made up}
  generate_share: {low: 0.5, high: 0.5, source: made up}
  ctranslate2_gain: {low: 2, high: 4, source: made up}
  fetch_bytes: {low: 1, high: 1, source: made up}
  read_pairs: {low: 1, high: 1, source: made up}
  shard_pairs: {low: 1, high: 1, source: made up}
  parallel_texts: {low: 1, high: 1, source: made up}
  filter_pairs: {low: 1, high: 1, source: made up}
  duplicate_texts: {low: 1, high: 1, source: made up}
  tokenize_words: {low: 1, high: 1, source: made up}
  apertium_lines: {low: 1, high: 2, source: made up}
  static_pairs: {low: 1, high: 1, source: made up}
  cpu_flops: {low: 2, high: 2, source: made up}
  search_flops: {low: 1, high: 1, source: made up}
  rank_compares: {low: 1, high: 1, source: made up}
seconds:
  table: {low: 0, high: 0, source: made up}
  start: {low: 0, high: 0, source: made up}
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
quality: []
filtering: {max_unknown_share: 0.5, min_length_ratio: 0.4, max_length_ratio: 2.5}
contamination: {ngram: 5, threshold: 0.8}
training:
  batch_size: 2
  max_steps: 10
  warmup_share: 0.1
  learning_rate: 0.01
  weight_decay: 0.0
  temperature: 0.05
  max_grad_norm: 1.0
  evaluate_every: 2
  patience: 2
statistics: {confidence: 0.95, resamples: 100, seed: 0}
comparisons: {permutations: 999, margin: 0.01, rank_distance_margin: 0.05}
exports: {depth: 10}
ablations:
  benchmarks: [quiz]
  samplings: [hybrid]
  alpha: []
  data_size: []
  languages: []
  unseen_languages: []
  temperature: []
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
  references: {}
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
  samplings:
    en-en: {kind: en-en}
    x-x: {kind: x-x}
    x-x-mono: {kind: x-x-mono}
    x-y: {kind: x-y}
    hybrid: {kind: hybrid, alpha: 0.25}
  encoders:
    large: {kind: transformer, model: some/encoder, pooling: mean, max_tokens: 8,
            query_prefix: "", passage_prefix: ""}
    little: {kind: scratch, layers: 2, heads: 2, dimension: 4, feed_forward: 8, dropout: 0.0,
             vocabulary: 100, tokenizer_characters: 1000, max_tokens: 8, query_prefix: "",
             passage_prefix: ""}
    static: {kind: static, dimension: 4, vocabulary: 100, tokenizer_characters: 1000,
             max_tokens: 8, query_prefix: "", passage_prefix: ""}
"""


@pytest.fixture
def config() -> dict:
    """A small valid configuration, which a test may change."""
    values = yaml.safe_load(CONFIG)
    conf.validate(values)
    return values


@pytest.fixture
def values() -> dict:
    """The parsed rates, which a test may change."""
    return yaml.safe_load(RATES)


def _plan(config: dict, values: dict | None = None, **counts: dict) -> Plan:
    rates = Rates.of(values or yaml.safe_load(RATES))
    return plan(Experiment.model_validate(config), rates, "small", {}, {}, counts)


def _row(config: dict, stage: str) -> Row:
    return next(row for row in _plan(config).rows if row.stage == stage)


def _shipped_rates() -> Rates:
    return Rates.of(yaml.safe_load((ROOT / RATES_FILE).read_text(encoding="utf-8")))


# --- the parts ---


def test_parameters_are_those_of_the_matrices():
    assert (TINY.encoder_parameters, TINY.decoder_parameters, TINY.parameters) == (256, 384, 680)


@pytest.mark.parametrize(
    ("model", "published"),
    [
        ("FacebookAI/xlm-roberta-base", 278_043_648),
        ("sentence-transformers/LaBSE", 470_926_848),
        ("facebook/nllb-200-1.3B", 1_370_638_336),
        ("facebook/m2m100_418M", 483_905_536),
    ],
)
def test_shipped_shapes_have_the_models_parameters(model, published):
    # Biases, norms and learned positions are left out.
    assert _shipped_rates().models[model].parameters == pytest.approx(published, rel=0.005)


def test_forward_pass_is_two_flops_a_parameter_and_token_and_attention():
    # Attention: scores and weighted sum, 2 x 2 x width FLOPs a layer and token attended to.
    assert forward(TINY, 10, 5) == 10 * (2 * 256 + 2 * 4 * 4 * 5)


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
    jobs = [Job("fine-tune", Span(s, 2 * s), on_gpu=True) for s in seconds]
    assert hours(jobs, devices, 1) == Span(longest / 3600, 2 * longest / 3600)


def test_gpus_and_cores_work_side_by_side():
    jobs = [Job("x", Span(3600, 3600), on_gpu=True), *[Job("x", Span(3600, 3600))] * 3]
    assert hours(jobs, 1, 1) == Span(3, 3)
    assert hours(jobs, 1, 3) == Span(1, 1)


# --- a small configuration ---


def test_every_stage_has_its_row(config):
    assert tuple(row.stage for row in _plan(config).rows) == STAGES


def test_only_what_the_configuration_translates_is_counted(config):
    # 30 questions, 30 passages and 30 negatives of `films` into Thai; `notes` has no languages.
    row = _row(config, "translate")
    assert (row.jobs, row.on_gpu, row.flops) == (2, False, 0)
    assert row.disk == (30 * 1 + 60 * 4) * 5 * 3 * 0.5
    # 45 lines a shard at 1 to 2 a second, both at the same time on two cores.
    assert row.hours_1 == Span(22.5 / 3600, 45 / 3600)


def test_corpus_that_comes_translated_is_read_and_not_translated(config):
    source = {"base": "https://x.org/", "licence": "CC0", "files": {"en": None, "th": None}}
    config["catalogue"]["sources"]["made"] = source
    config["catalogue"]["corpora"]["films"] = {
        "kind": "mmarco",
        "language": "en",
        "source": "made",
        "files": ["en"],
        "parallel": {"th": ["th"]},
        "holdout": 0.0,
        "shards": 2,
    }
    conf.validate(config)
    assert _row(config, "translate").jobs == 0
    # Two shards of the English texts, two of the Thai ones, the corpora and three languages' tests.
    assert _row(config, "read").jobs == 3 + (2 + 2) + 1 + 3
    words = 30 * 1 + 60 * 4
    assert _row(config, "fetch").disk == words * 5 * (1 + 3)


def test_neural_translation(config):
    config["translator"] = "neural"
    row = _row(config, "translate")
    # Questions have 1 x 2 + 1 tokens, passages 4 x 2 + 1; there and back.
    assert row.tokens == 30 * 2 * 3 + 60 * 2 * 9
    flops = 30 * generation(TINY, 3, 3, 3) + 60 * generation(TINY, 9, 9, 3)
    assert row.flops == pytest.approx(flops)
    assert row.on_gpu
    assert row.hours_1.high == pytest.approx(flops / 50 / 3600)
    assert row.hours_8.high == pytest.approx(flops / 2 / 50 / 3600)  # two shards


def test_text_that_is_too_long_is_split(config):
    config["translator"] = "neural"
    config["catalogue"]["translators"]["neural"]["max_new_tokens"] = 16
    rates = yaml.safe_load(RATES)
    rates["corpora"]["films"] |= {"passage_words": 23.5, "negative_share": 0}
    row = next(row for row in _plan(config, rates).rows if row.stage == "translate")
    # 48 tokens are three pieces of 16.
    flops = 30 * generation(TINY, 3, 3, 3) + 30 * 3 * generation(TINY, 16, 16, 3)
    assert row.flops == pytest.approx(flops)


def test_ctranslate2_is_as_much_work_in_less_time(config):
    config["translator"] = "neural"
    slow = _row(config, "translate")
    translator = config["catalogue"]["translators"]["neural"]
    translator |= {"kind": "ctranslate2_mt", "quantization": "int8"}
    fast = _row(config, "translate")
    assert fast.flops == slow.flops
    assert fast.hours_1.low == pytest.approx(slow.hours_1.low / 4)
    assert fast.hours_1.high == pytest.approx(slow.hours_1.high / 2)


def test_fine_tuning(config):
    """alpha .25: a quarter of the batches in proportion to pairs (30 to 10), the rest of films."""
    row = _row(config, "fine-tune")
    films, notes = 0.25 * 30 / 40 + 0.75, 0.25 * 10 / 40
    # A question of one word has 4 tokens, 12 with padding, cut at 8; so is everything else here.
    texts = 2 * (films * 3 + notes * 2)  # with hard negatives, and without
    # Every other step 6 + 6 validation texts.
    tokens = 10 * 8 * (texts + 12 / 2)
    flops = 10 * (3 * forward(TINY, 8 * texts, 8) + forward(TINY, 8 * 12 / 2, 8))
    assert row.tokens == pytest.approx(tokens)
    assert row.flops == pytest.approx(flops)
    assert row.disk == 4 * (256 + 40)
    assert row.hours_1.high == pytest.approx(flops / 50 / 3600)
    # Stopped at the earliest after 3 validations of 2 steps.
    assert row.hours_1.low == pytest.approx(0.6 * flops / 50 / 3600)


@pytest.mark.parametrize(
    ("sampling", "share"), [("en-en", 0.75), ("x-x-mono", 0.75), ("x-x", 0.75), ("x-y", 1.0)]
)
def test_corpus_of_one_language_has_no_cross_lingual_batch(config, sampling, share):
    config["samplings"] = [sampling]
    texts = 2 * (share * 3 + (1 - share) * 2)
    assert _row(config, "fine-tune").tokens == pytest.approx(10 * 8 * (texts + 6))


def test_no_run_is_longer_than_its_steps(config):
    config["training"]["patience"] = 100
    shown = _plan(config)
    assert (shown.least_steps, shown.max_steps) == (10, 10)


def test_models_are_encoders_times_samplings_times_seeds(config):
    config |= {"encoders": ["large", "static"], "samplings": ["x-y", "hybrid"], "seeds": [0, 1, 2]}
    assert _plan(config).models == 12
    assert _row(config, "fine-tune").jobs == 12
    assert _row(config, "encode").jobs == 12 * 3
    assert _row(config, "index").jobs == 12


# The longer of two cores has two of three languages to encode.
@pytest.mark.parametrize(("stage", "share"), [("fine-tune", 1), ("encode", 2 / 3)])
def test_a_transformer_from_scratch_is_the_same_work_on_a_core(config, stage, share):
    on_gpu = _row(config, stage)
    config["encoders"] = ["little"]  # of the same shape
    on_core = _row(config, stage)
    assert (on_core.tokens, on_core.flops) == (on_gpu.tokens, on_gpu.flops)
    assert (on_gpu.on_gpu, on_core.on_gpu) == (True, False)
    # Little of it is tokenizing.
    assert on_core.hours_1.high == pytest.approx(share * on_core.flops / 2 / 3600, rel=0.002)
    assert not any("GPU" in what for what, _ in _plan(config).memory)


def test_an_encoders_own_training_counts(config):
    config["catalogue"]["encoders"]["large"]["training"] = {"max_steps": 40}
    assert _plan(config).max_steps == 40


def test_tokens_are_made_of_different_texts_and_kept_for_every_pair(config):
    row = _row(config, "tokenize")
    # Films: 4 + 8 tokens (10 cut at 8), negatives apart, in two languages; notes: 10 questions of
    # 6, but 5 passages of 8; check: 6 x (4 + 4).
    films, notes, check = 30 * 4 + 60 * 8, 10 * 6 + 5 * 8, 6 * 8
    assert row.tokens == 2 * films + notes + check
    pairs = 2 * 30 + 10 + 6
    assert row.disk == 4 * (2 * films + notes + check) + 36 * pairs + 4 * (256 + 40)


def test_encoding_and_searching(config):
    # Three languages of 4 queries (4 tokens) and 10 candidates (6 tokens).
    row = _row(config, "encode")
    assert row.tokens == 3 * (4 * 4 + 10 * 6)
    assert row.flops == 3 * (forward(TINY, 16, 4) + forward(TINY, 60, 6))
    assert row.disk == 3 * 14 * 4 * 4
    assert _row(config, "index").disk == 2 * 30 * 4 * 4  # each language's, and all in one
    assert _row(config, "evaluate").flops == 3 * 2 * 4 * 30 * 4


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
    conf.validate(config)
    return config


def test_passages_are_searched_where_they_are_encoded_and_nothing_of_them_is_kept(passages):
    row = _row(passages, "encode")
    # Each job encodes all queries.
    assert row.jobs == 3
    assert row.tokens == pytest.approx(3 * 4 * 4 + 2 * 10 * 6)
    search = 2 * 2 * 4 * 10 * 4
    encoding = 3 * forward(TINY, 16, 4) + 2 * forward(TINY, 60, 6)
    assert row.flops == pytest.approx(encoding + search)
    assert row.disk == 3 * 4 * 100 * 24
    assert _row(passages, "index").jobs == 0
    assert _row(passages, "evaluate").jobs == 2 + 2
    assert _row(passages, "read").disk < 100_000
    # A file at a time: Thai's ten passages, as vectors and as an index.
    assert dict(_plan(passages).memory)["main memory, searching quiz"] == 2 * 10 * 4 * 4


def test_search_and_tokenizing_of_passages_take_the_cores_beside_the_gpu(passages):
    passages["catalogue"]["benchmarks"]["quiz"] |= {"languages": ["th"], "shards": {"th": 1}}
    words, search = 4 * 1 + 10 * 2, 2 * 4 * 10 * 4
    encoding = (forward(TINY, 16, 4) + forward(TINY, 60, 6)) / 50
    # Two cores: tokenizing is at the rate of two, searching twice that of one.
    seconds = encoding + words + search / 2
    assert _row(passages, "encode").hours_1.high == pytest.approx(seconds / 3600)


def test_judged_passages_only(passages):
    passages["catalogue"]["benchmarks"]["quiz"]["judged_only"] = True
    row = _row(passages, "encode")
    assert (row.jobs, row.tokens) == (2, 2 * (4 * 4 + 4 * 2 * 6))


def test_files_of_passages_are_fetched_gzipped(passages):
    made = {"base": "https://x.org/", "licence": "CC0", "series": {"en.{number}": 3}}
    made["series"]["th.{number}"] = 1
    passages["catalogue"]["sources"]["made"] = made
    passages["catalogue"]["benchmarks"]["quiz"]["corpus"] = "made"
    conf.validate(passages)
    row = _row(passages, "fetch")
    assert row.jobs == 4
    assert row.disk == pytest.approx((4 * 1 + 10 * 2) * 5 * (1 + 3) * 0.25)


def test_ablations_train_what_the_tables_have_not(config):
    # alpha 0 is x-y and 1 is x-x-mono, neither is a sampling here; .25 is the configuration's own.
    config["ablations"]["alpha"] = [0, 0.25, 0.5, 1]
    conf.validate(config)
    shown = _plan(config)
    rows = {row.stage: row for row in shown.ablations}
    assert (shown.models, shown.ablation_models) == (1, 3)
    assert rows["fine-tune"].jobs == 3
    assert rows["encode"].jobs == 3 * 3
    assert set(rows) == {"fine-tune", "encode", "index", "evaluate"}
    assert _row(config, "fine-tune").jobs == 1


def test_ablations_test_the_tables_models_on_other_benchmarks(config):
    config["ablations"] |= {"alpha": [0.25, 0.5], "benchmarks": ["other"]}
    conf.validate(config)
    assert [(r.trained, r.benchmarks) for r in ablation_runs(conf.validate(config))] == [
        (False, ("other",)),
        (True, ("other",)),
    ]
    rows = {row.stage: row for row in _plan(config).ablations}
    assert (rows["fine-tune"].jobs, rows["encode"].jobs) == (1, 2)


def test_ablations_bring_their_encoders_tokens(config):
    config["ablations"]["encoders"] = ["large", "static"]
    shown = _plan(config)
    assert [row.stage for row in shown.ablations][:2] == ["tokenize", "fine-tune"]
    assert shown.ablation_models == 1


def test_no_ablations_no_rows(config):
    assert _plan(config).ablations == ()


def test_published_sizes_of_a_benchmark_go_first(config):
    sizes = {"quiz": {"en": (1, 2)}}
    found = plan(conf.validate(config), Rates.of(yaml.safe_load(RATES)), "small", {}, sizes, {})
    row = next(row for row in found.rows if row.stage == "encode")
    assert row.disk == (3 + 14 + 14) * 4 * 4


def test_memory_of_fine_tuning(config):
    memory = dict(_plan(config).memory)
    # 20 bytes a parameter; 3 sides of 2 texts of 8 tokens, 2 layers of width 4, 34 bytes.
    assert memory["GPU, fine-tuning large"] == 20 * (256 + 40) + 3 * 2 * 8 * 2 * 4 * 34
    assert memory["main memory, searching quiz"] == 4 * 30 * 4


def test_gpu_hours_are_those_of_all_gpus(config):
    config["seeds"] = [0, 1]
    shown = _plan(config)
    rows = [row.hours_1.high for row in shown.rows if row.on_gpu]
    assert shown.gpu_hours.high == pytest.approx(sum(rows))


# --- sizes ---


def _films(config, published=None, counts=None):
    rates = Rates.of(yaml.safe_load(RATES))
    return corpus_sizes(conf.validate(config), "films", rates, published or {}, counts or {})


def test_the_workflows_counts_go_before_published_sizes_and_those_before_the_rates(config):
    assert _films(config).pairs == 30
    config["catalogue"]["corpora"]["films"]["published"] = "Films"
    assert _films(config, {"Films": 50}).pairs == 50
    read = _films(config, {"Films": 50}, {"films": {"train": 7, "validation": 3, "kept": 10}})
    assert (read.pairs, read.validation, read.questions, read.negatives) == (7, 3, 7, 7)
    assert _plan(config, films={"train": 7, "validation": 3}).read == ("films",)


def test_holdout_is_not_trained_on(config):
    config["catalogue"]["corpora"]["films"]["holdout"] = 0.2
    found = _films(config)
    assert (found.pairs, found.validation, found.questions) == (24, 6, 24)


# --- what is missing ---


def _error(config: dict, values: dict) -> str:
    with pytest.raises(ConfigError) as caught:
        _plan(config, values)
    return str(caught.value)


def test_unknown_model_says_which_key_to_add_and_where(config, values):
    del values["models"]["some/encoder"]
    message = _error(config, values)
    assert message.startswith(f"{RATES_FILE}: models has no 'some/encoder': add `some/encoder: {{")
    assert "encoder_layers: ..., decoder_layers: ..., width: ..." in message


def test_unknown_translator_is_missed_only_if_something_is_translated(config, values):
    config["translator"] = "neural"
    del values["models"]["some/translator"]
    assert "models has no 'some/translator'" in _error(config, values)
    config["catalogue"]["corpora"]["films"]["languages"] = []
    _plan(config, values)


def test_unknown_corpus_and_benchmark_say_which_key_to_add(config, values):
    lacks = copy.deepcopy(values)
    del lacks["corpora"]["notes"]
    assert f"{RATES_FILE}: corpora has no 'notes': add `notes: {{pairs: ..." in _error(
        config, lacks
    )
    del values["benchmarks"]["quiz"]
    assert f"{RATES_FILE}: benchmarks has no 'quiz': add" in _error(config, values)


def test_unknown_size_says_which_key_to_add(config, values):
    lacks = copy.deepcopy(values)
    del lacks["corpora"]["films"]["pairs"]
    assert f"{RATES_FILE}: corpora.films has no `pairs`" in _error(config, lacks)
    del values["benchmarks"]["quiz"]["queries"]
    assert "benchmarks.quiz has no `queries`" in _error(config, values)


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
    ],
)
def test_wrong_rates_are_named(config, values, change, message):
    change(values)
    assert _error(config, values).startswith(f"{RATES_FILE}: {message}")


def test_unknown_gpu_is_named_with_the_known_ones(config, values):
    with pytest.raises(ConfigError, match="gpus has no 'huge'; it has small"):
        plan(conf.validate(config), Rates.of(values), "huge", {}, {}, {})


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


@pytest.fixture(scope="module")
def script() -> dict:
    """The names of workflow/plan.py."""
    return runpy.run_path(str(ROOT / "workflow" / "plan.py"))


@pytest.fixture(scope="module")
def text_of(script):
    return script["text_of"]


def test_the_documentation_has_what_is_printed(text_of, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    printed = text_of(["config/paper.yaml"], "h100", None, tmp_path)
    written = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert f"```\n{printed}```\n" in written, (
        "docs/scale.md shows another plan: put in what `make plan CONFIG=config/paper.yaml` "
        "prints, and look at the figures around it"
    )


# By the first column of the table of smaller runs in docs/scale.md.
SMALLER = {
    "none": {},
    "`benchmarks: [xquad_r, mlqa_r]`": {"benchmarks": ["xquad_r", "mlqa_r"]},
    "miracl with `judged_only: true` (another task)": {
        "catalogue": {"benchmarks": {"miracl": {"judged_only": True}}}
    },
    "`corpora` without mmarco": {
        "corpora": [
            "wikiqa",
            "mr_tydi",
            "duorc",
            "newsqa",
            "google_nq",
            "yahoo_qa",
            "entity_questions",
            "mfaq",
        ]
    },
    "`corpora: [wikiqa, duorc, newsqa, entity_questions]`": {
        "corpora": ["wikiqa", "duorc", "newsqa", "entity_questions"]
    },
    "`target_languages: [ar, es, zh]`": {
        "target_languages": ["ar", "es", "zh"],
        "ablations": {"languages": [], "unseen_languages": []},
    },
    "nllb with `kind: ctranslate2_mt`, `quantization: float16`": {
        "catalogue": {
            "translators": {"nllb": {"kind": "ctranslate2_mt", "quantization": "float16"}}
        }
    },
    "`translator: m2m100`": {"translator": "m2m100"},
    "`encoders: [xlm-r]`": {"encoders": ["xlm-r"]},
}


@pytest.mark.parametrize("change", SMALLER)
def test_smaller_runs_of_the_documentation_are_what_their_plans_say(script, tmp_path, change):
    written = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    line = next(line for line in written.splitlines() if line.startswith(f"| {change} |"))
    *spans, disk, memory = [cell.strip() for cell in line.strip("|").split("|")[1:]]
    (tmp_path / "change.yaml").write_text(yaml.safe_dump(SMALLER[change]), encoding="utf-8")
    config = conf.load([ROOT / "config" / "paper.yaml", tmp_path / "change.yaml"])
    shown = script["plan_of"](config, script["read_rates"](), "h100", tmp_path)
    rows = {row.stage: row for row in shown.rows}
    for stage, cell in zip(("translate", "fine-tune", "encode"), spans, strict=True):
        hours_1, shown_ends = rows[stage].hours_1, [float(end) for end in cell.split(" - ")]
        ends = [hours_1.low, hours_1.high]
        assert [shown_ends[0], shown_ends[-1]] == pytest.approx(ends, rel=0.05, abs=0.06)
    assert disk == scaled(sum(row.disk for row in shown.rows), "B")
    held = dict(shown.memory)["main memory, fine-tuning xlm-r"]
    assert float(memory.removesuffix(" GB")) == pytest.approx(held / 1e9, rel=0.05)


@pytest.mark.parametrize("name", ["config", "demo", "paper"])
def test_every_shipped_configuration_has_a_plan(text_of, tmp_path, name):
    for gpu in _shipped_rates().gpus:
        assert "| all " in text_of([str(ROOT / "config" / f"{name}.yaml")], gpu, None, tmp_path)


def test_measured_laptop_run_lies_in_its_plan(text_of, monkeypatch, tmp_path):
    # 12 min 39 s on two cores at 700 steps, with the downloads already there: docs/scale.md.
    monkeypatch.chdir(ROOT)
    (tmp_path / "measured.yaml").write_text("training: {max_steps: 700}\n")
    files = ["config/config.yaml", str(tmp_path / "measured.yaml")]
    printed = text_of(files, "h100", 2, tmp_path)
    line = next(line for line in printed.splitlines() if line.startswith("| all "))
    low, high = line.split("|")[7].removesuffix("min ").split("-")
    assert int(low) <= 12.65 <= int(high)


def test_corpora_that_were_read_are_counted(text_of, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    counts = tmp_path / "results" / "demo" / "corpora" / "bundled" / "counts.json"
    counts.parent.mkdir(parents=True)
    counts.write_text('{"train": 40, "validation": 4, "kept": 44}')
    printed = text_of(["config/demo.yaml"], "h100", None, tmp_path)
    assert "1 corpus of 40 pairs. Read already, and counted: bundled." in printed


def test_later_files_win_as_with_snakemake(text_of, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    (tmp_path / "more.yaml").write_text("seeds: [0, 1, 2, 3]\ntraining: {max_steps: 50}\n")
    printed = text_of(["config/demo.yaml", str(tmp_path / "more.yaml")], "h100", None, tmp_path)
    assert "12 models of 50 steps" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.yaml"], "none.yaml: there is no such configuration."),
        (["--gpu", "tpu"], "gpus has no 'tpu'; it has h100, a100."),
        (["--cores", "0"], "--cores: at least 1"),
        (["wrong.yaml"], "sed: no such key; did you mean seeds?"),
    ],
)
def test_command_line_says_what_is_wrong(tmp_path, arguments, message):
    text = (ROOT / "config" / "demo.yaml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(text + "\nsed: [1]\n")
    config = tmp_path / "config"
    config.mkdir()
    (config / "config.yaml").write_text((ROOT / "config" / "config.yaml").read_text())
    run = subprocess.run(
        [sys.executable, str(ROOT / "workflow" / "plan.py"), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode
    assert message in run.stderr
    assert "Traceback" not in run.stderr
