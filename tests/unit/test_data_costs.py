"""What it costs to fetch, read, translate and filter texts."""

import pytest
from costs import MORE, TINY, job_cost
from costs import config as config
from costs import values as values

from hybridbatch.cost.model import Span, generation


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
        cost = job_cost(config, "fetch", source_file=f"x.org/{name}")
        assert (cost.disk, cost.seconds) == (size, Span(size, size)), name
    # It comes translated: its shards are read, not translated.
    shard = job_cost(config, "read_parallel", translator="apertium", corpus="films", language="th")
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
    assert job_cost(config, "fetch", values, source_file="x.org/notes").disk == 77


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
    cost = job_cost(config, "fetch_dataset", corpus="films")
    assert cost.seconds == Span(30 * 9 * 5, 30 * 9 * 5)
    assert (cost.disk, cost.memory) == (30 * 9 * 5 * 0.5, 1 + 10 + 9)


def test_reading_and_sharding_a_corpus(config):
    read = job_cost(config, "read_corpus", corpus="films")
    assert read.seconds == Span(30, 30)
    # Pairs with their question, passage and hard negative in full; 90 different texts.
    assert read.disk == 30 * (1 + 2 * 4) * 5 * 0.5
    assert read.memory == 1 + 10 + 30 + 3 * 90
    assert job_cost(config, "shard_texts", corpus="films", shard="000").disk == 270 * 5 * 0.5 / 2


def test_reading_a_benchmark_and_a_reference_set(config):
    read = job_cost(config, "read_benchmark", benchmark="quiz", language="th")
    assert (read.seconds, read.disk) == (Span(14, 14), (4 * 1 + 10 * 2) * 5 * 3 * 0.5)
    assert job_cost(config, "read_references", references="people", language="en").disk == 45


def test_apertium_translates_a_shard_on_a_core(config):
    cost = job_cost(config, "translate", corpus="films", language="th", shard="000")
    assert (cost.on_gpu, cost.threads, cost.flops) == (False, 1, 0)
    assert cost.disk == (30 * 1 + 60 * 4) * 5 * 3 * 0.5 / 2
    # 45 lines at 1 to 2 a second.
    assert cost.seconds == Span(22.5, 45)
    assert cost.memory == 1 + 10 + 5 + 2 * 45


def test_neural_translation(config):
    config["translator"] = "neural"
    cost = job_cost(config, "translate", corpus="films", language="th", shard="000")
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
    there = job_cost(config, "translate_references", references="people", language="th")
    assert there.flops == pytest.approx(6 * generation(TINY, 7, 7, 3))
    back = job_cost(config, "translate_back", references="people", language="th", target="en")
    assert (back.flops, back.disk) == (there.flops, there.disk / 3)


def test_text_that_is_too_long_is_split(config, values):
    config["translator"] = "neural"
    values["corpora"]["films"] |= {"passage_words": 23.5, "negative_share": 0}
    cost = job_cost(config, "translate", values, corpus="films", language="th", shard="000")
    # 48 tokens are three pieces of 16.
    flops = 15 * generation(TINY, 3, 3, 3) + 15 * 3 * generation(TINY, 16, 16, 3)
    assert cost.flops == pytest.approx(flops)


def test_ctranslate2_is_as_much_work_in_less_time(config):
    config["translator"] = "neural"
    job = {"corpus": "films", "language": "th", "shard": "000"}
    slow = job_cost(config, "translate", **job)
    translator = config["catalogue"]["translators"]["neural"]
    translator |= {"kind": "ctranslate2_mt", "quantization": "int8"}
    fast = job_cost(config, "translate", **job)
    assert fast.flops == slow.flops
    assert fast.seconds.low == pytest.approx(slow.seconds.low / 4)
    assert fast.seconds.high == pytest.approx(slow.seconds.high / 2)


def test_filtering_and_near_duplicates(config):
    cost = job_cost(config, "filter_pairs", corpus="films", language="th")
    assert (cost.seconds, cost.disk) == (Span(30, 30), 30 * 9 * 5 * 3 * 0.5)
    # Hard negatives are not compared.
    duplicates = job_cost(config, "find_duplicates", corpus="films", language="th")
    assert duplicates.seconds == Span(60, 60)
