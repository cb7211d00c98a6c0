"""What it costs to tokenize, train, encode, rank and search."""

from dataclasses import replace

import pytest
from costs import ENCODER, HYBRID, MORE, job_cost, work_of
from costs import config as config
from costs import values as values

from hybridbatch.cost.memory import Texts, training_memory
from hybridbatch.cost.model import Cost, Span
from hybridbatch.cost.requests import Request
from hybridbatch.cost.rules.training import steps


def test_tokens_are_made_of_different_texts_and_kept_for_every_pair(config):
    films = job_cost(config, "tokenize_pairs", encoder="large", corpus="films", language="th")
    # 4 + 8 tokens (10 cut at 8), negatives apart.
    assert films.tokens == 30 * 4 + 60 * 8
    assert films.disk == 4 * films.tokens + 36 * 30
    notes = job_cost(config, "tokenize_pairs", encoder="large", corpus="notes", language="en")
    assert notes.tokens == 10 * 6 + 5 * 8  # 5 different passages
    check = job_cost(config, "tokenize_validation", encoder="large", corpus="check")
    assert (check.tokens, check.disk) == (6 * 8, 4 * 6 * 8 + 36 * 6)


def test_preparing_an_encoder_fetches_weights_or_trains_a_tokenizer(config):
    fetched = job_cost(config, "prepare_encoder", encoder="large")
    size = 4 * (296 + MORE)
    assert (fetched.disk, fetched.seconds) == (size, Span(size, size))
    trained = job_cost(config, "prepare_encoder", encoder="static")
    assert (trained.disk, trained.seconds) == (4 * 400, Span(2000, 2000))  # English and Thai


def test_fine_tuning(config):
    """alpha .25: a quarter of the batches in proportion to pairs (30 to 10), the rest of films."""
    cost = job_cost(config, "finetune", **HYBRID)
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
    cost = job_cost(config, "finetune", **HYBRID)
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
        job_cost(config, "tokenize_pairs", encoder="large", corpus=corpus, language=code).disk
        for corpus, code in (("films", "en"), ("films", "th"), ("notes", "en"))
    )
    assert cost.memory == 1 + 100 + tokens + state
    config["encoders"] = ["little"]  # of the same shape but for the vocabulary, on a core
    on_core = job_cost(config, "finetune", system="little_hybrid", seed="0")
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
    fewer = job_cost(config, "finetune", system="large@languages-2_hybrid", seed="0")
    assert fewer.memory < job_cost(config, "finetune", **HYBRID).memory


@pytest.mark.parametrize(
    ("sampling", "share"), [("en-en", 0.75), ("x-x-mono", 0.75), ("x-x", 0.75), ("x-y", 1.0)]
)
def test_corpus_of_one_language_has_no_cross_lingual_batch(config, sampling, share):
    config["samplings"] = [sampling]
    texts = 2 * (share * 3 + (1 - share) * 2)
    cost = job_cost(config, "finetune", system=f"large_{sampling}", seed="0")
    assert cost.tokens == pytest.approx(10 * 8 * (texts + 6))


def test_no_run_is_longer_than_its_steps(config):
    config["training"]["patience"] = 100
    work = work_of(config)
    assert steps(work, work.systems["large_hybrid"]) == (10, 10)


def test_an_encoders_own_training_counts(config):
    config["catalogue"]["encoders"]["large"]["training"] = {"max_steps": 40}
    work = work_of(config)
    assert steps(work, work.systems["large_hybrid"])[1] == 40


def test_a_transformer_from_scratch_is_the_same_work_on_a_core(config):
    on_gpu = job_cost(config, "finetune", **HYBRID)
    config["encoders"] = ["little"]
    on_core = job_cost(config, "finetune", system="little_hybrid", seed="0")
    assert (on_core.tokens, on_core.flops) == (on_gpu.tokens, on_gpu.flops)
    assert (on_core.on_gpu, on_core.threads) == (False, 1)
    assert on_core.seconds.high == pytest.approx(on_core.flops / 2)


def test_a_static_encoder_trains_by_pairs_on_one_thread(config):
    config["encoders"] = ["static"]
    cost = job_cost(config, "finetune", system="static_hybrid", seed="0")
    assert (cost.on_gpu, cost.threads) == (False, 1)
    # A step of 2 pairs, and every other step a third of 6.
    assert cost.seconds == Span(7 * 3, 10 * 3)


def test_encoding(config):
    cost = job_cost(config, "encode", benchmark="quiz", language="th", **HYBRID)
    # 4 queries (4 tokens) and 10 candidates (6 tokens).
    assert cost.tokens == 4 * 4 + 10 * 6
    assert cost.flops == ENCODER.forward(16, 4) + ENCODER.forward(60, 6)
    assert cost.disk == 14 * 4 * 4
    assert cost.memory == 1 + 100 + 2 * 4 * (296 + MORE) + 2 * 14 * 4 * 4 + 2 * 14


def test_ranking_is_over_all_languages(config):
    cost = job_cost(config, "evaluate", benchmark="quiz", language="th", **HYBRID)
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
    return job_cost(
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
    english = job_cost(passages, "fetch", source_file="x.org/en.2.gz")
    assert english.disk == pytest.approx(words * 5 * 0.25 / 3)
    thai = job_cost(passages, "fetch", source_file="x.org/th.0.gz")
    assert thai.disk == pytest.approx(words * 5 * 3 * 0.25)


def test_more_samplings_and_seeds_are_more_to_test(config):
    cells = job_cost(config, "score_system", system="large_hybrid", benchmark="quiz").memory
    config |= {"samplings": ["x-y", "hybrid"], "seeds": [0, 1]}
    config["catalogue"]["encoders"]["large"]["seeds"] = None
    tests = job_cost(config, "compare_samplings", variant="large", benchmark="quiz").memory
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
    small = job_cost(config, rule, **wildcards)
    values["corpora"]["films"]["pairs"] = 300_000_000
    values["benchmarks"]["quiz"] |= {"queries": 4_000_000, "candidates": 900_000_000}
    large = job_cost(config, rule, values, **wildcards)
    assert large.memory > small.memory
    assert large.disk >= small.disk
    if rule not in ("finetune", "score_system", "compare_samplings", "measure_bias"):
        assert large.seconds.high > small.seconds.high
    assert Request(large).mem_mb() > Request(small).mem_mb()
