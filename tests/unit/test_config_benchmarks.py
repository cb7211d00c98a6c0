"""Benchmarks: settings, pools of candidates, and passages in shards."""

import pytest
import yaml
from configurations import built, only_problem
from configurations import config as config

from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.runtime.errors import ConfigError

MIRACL = """
title: MIRACL
kind: miracl
source: topics
topics: topics.{language}.tsv
qrels: qrels.{language}.tsv
corpus: shards
passages: "{language}/docs-{number}.jsonl.gz"
shards: {sw: 5, fi: 2}
shards_a_job: 2
languages: [sw, fi]
averaged: [fi]
index: Flat
depth: 100
"""


def test_only_benchmarks_with_parallel_questions_are_searched_in_all_languages(config):
    assert lookups.multilingual_benchmarks(built(config)) == config["benchmarks"]
    config["catalogue"]["benchmarks"][config["benchmarks"][0]] = yaml.safe_load(MIRACL)
    assert lookups.multilingual_benchmarks(built(config)) == config["benchmarks"][1:]


@pytest.mark.parametrize(
    ("setting", "languages"),
    [("monolingual", ["pt"]), ("cross-lingual/en", ["en"]), ("multilingual", ["en", "pt"])],
)
def test_languages_of_the_candidates_by_setting(config, setting, languages):
    assert lookups.pool_languages(built(config), "quiz", setting, "pt") == languages


@pytest.mark.parametrize(
    ("setting", "language", "problem"),
    [
        ("monolingual", "gl", "quiz: has no language 'gl'; it has en, pt"),
        ("cross-lingual/gl", "pt", "quiz: has no language 'gl'; it has en, pt"),
        ("cross-lingual/pt", "pt", "cross-lingual/pt: candidates in the queries' language"),
    ],
)
def test_pool_that_is_none_is_named(config, setting, language, problem):
    with pytest.raises(ConfigError, match=problem):
        lookups.pool_languages(built(config), "quiz", setting, language)


@pytest.fixture
def with_passages(config) -> dict:
    catalogue = config["catalogue"]
    names = [f"{kind}.{code}.tsv" for kind in ("topics", "qrels") for code in ("sw", "fi")]
    common = {"licence": "CC0"}
    catalogue["sources"] |= {
        "topics": {**common, "base": "https://example.org/t/", "files": dict.fromkeys(names)},
        "shards": {
            **common,
            "base": "https://example.org/c/",
            "series": {"sw/docs-{number}.jsonl.gz": 5, "fi/docs-{number}.jsonl.gz": 2},
        },
    }
    catalogue["benchmarks"]["miracl"] = yaml.safe_load(MIRACL)
    config["benchmarks"] = ["quiz", "miracl"]
    return config


def test_a_series_is_files_numbered_from_0_without_hashes(with_passages):
    conf.validate(with_passages)
    found = {
        k: v for k, v in lookups.sources(built(with_passages)).items() if "example.org/c/" in k
    }
    assert list(found) == [
        *(f"example.org/c/sw/docs-{i}.jsonl.gz" for i in range(5)),
        *(f"example.org/c/fi/docs-{i}.jsonl.gz" for i in range(2)),
    ]
    assert {values["sha256"] for values in found.values()} == {None}


def test_a_benchmark_with_passages_is_split_into_jobs_that_hold_each_shard_once(with_passages):
    assert lookups.multilingual_benchmarks(built(with_passages)) == ["quiz"]
    parts = lookups.passage_parts(built(with_passages), "miracl", "sw")
    assert parts == ["000", "001", "002"]
    files = [
        f
        for part in parts
        for f in lookups.files_of_part(built(with_passages), "miracl", "sw", part)
    ]
    assert files == lookups.passage_files(built(with_passages), "miracl", "sw")
    assert files[4].endswith("/example.org/c/sw/docs-4.jsonl.gz")
    read = lookups.benchmark_files(built(with_passages), "miracl", "fi")
    assert list(read) == ["topics", "qrels"]
    assert read["qrels"].endswith("/t/qrels.fi.tsv")
    assert lookups.mean_rows(built(with_passages), "miracl") == {
        "pools": ["all"], "averaged": ["fi"], "medians": True,
    }  # fmt: skip
    assert lookups.mean_rows(built(with_passages), "quiz") == {}


def test_judged_passages_only_is_one_job_another_pool_and_another_title(with_passages):
    with_passages["catalogue"]["benchmarks"]["miracl"]["judged_only"] = True
    conf.validate(with_passages)
    assert lookups.passage_parts(built(with_passages), "miracl", "sw") == ["000"]
    assert lookups.mean_rows(built(with_passages), "miracl")["pools"] == ["judged"]
    assert lookups.benchmark_title(built(with_passages), "miracl") == "MIRACL, judged passages only"


def test_files_of_yours_need_no_source(with_passages):
    entry = with_passages["catalogue"]["benchmarks"]["miracl"]
    del entry["source"], entry["corpus"]
    conf.validate(with_passages)
    assert lookups.passage_files(built(with_passages), "miracl", "fi") == [
        "fi/docs-0.jsonl.gz", "fi/docs-1.jsonl.gz",
    ]  # fmt: skip
    read = lookups.benchmark_files(built(with_passages), "miracl", "fi")
    assert read["topics"] == "topics.fi.tsv"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        (
            "averaged",
            ["xx"],
            "averaged: 'xx' is not among the benchmark's languages; known: fi, sw",
        ),
        ("shards", {"sw": 5, "fi": 2, "th": 1}, "shards: 'th' is not among the benchmark's langu"),
        ("shards", {"sw": 5}, "shards: says nothing of 'fi'"),
        ("shards", {"sw": 7, "fi": 2}, "corpus: 'sw/docs-5.jsonl.gz' is not among the source's "),
        ("source", "topcs", "source: 'topcs' is not in catalogue.sources; did you mean topics?"),
        ("qrels", "q.{language}", "source: 'q.sw' is not among the source's files nor are 1 more"),
        ("qrels", "qrels.tsv", "qrels: 'qrels.tsv' must match"),
        ("passages", "{language}.jsonl", "passages: '{language}.jsonl' must match"),
        ("depth", 10, "depth: 10 must be at least 100"),
        ("judged", True, "judged: no such key; did you mean judged_only?"),
        ("shards_a_job", 0, "shards_a_job: 0 must be at least 1"),
    ],
)
def test_passages_that_do_not_fit_together_are_named(with_passages, key, value, problem):
    with_passages["catalogue"]["benchmarks"]["miracl"][key] = value
    assert only_problem(with_passages).startswith(f"catalogue.benchmarks.miracl.{problem}")


def test_a_language_without_topics_is_named(with_passages):
    entry = with_passages["catalogue"]["benchmarks"]["miracl"]
    entry["languages"], entry["shards"] = ["sw", "fi", "xx"], {"sw": 5, "fi": 2, "xx": 1}
    with pytest.raises(ConfigError) as caught:
        conf.validate(with_passages)
    for file in ("topics.xx.tsv", "xx/docs-0.jsonl.gz"):
        assert f"{file}' is not among the source's files" in str(caught.value)


def test_a_source_has_files_or_a_series(with_passages):
    del with_passages["catalogue"]["sources"]["shards"]["series"]
    with pytest.raises(ConfigError, match=r"catalogue\.sources\.shards"):
        conf.validate(with_passages)
