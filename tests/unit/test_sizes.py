"""Sizes come from the nearest place that has them; what no place has is named with its key."""

import copy

import pytest
from costs import HYBRID, ROOT, job_cost, work_of
from costs import config as config
from costs import values as values

from hybridbatch.cost.model import RATES_FILE
from hybridbatch.cost.plan import plan
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.experiment.load import load
from hybridbatch.runtime.errors import ConfigError


def _films(config, published=None, counts=None):
    of = {"films": counts} if counts else {}
    return work_of(config, published=published or {}, **of).corpus("films")


def test_the_workflows_counts_go_before_published_sizes_and_those_before_the_rates(config):
    assert _films(config).pairs == 30
    config["catalogue"]["corpora"]["films"]["published"] = "Films"
    assert _films(config, {"Films": 50}).pairs == 50
    read = _films(config, {"Films": 50}, {"train": 7, "validation": 3, "kept": 10})
    assert (read.pairs, read.validation, read.questions, read.negatives) == (7, 3, 7, 7)
    work = work_of(config, films={"train": 7, "validation": 3})
    assert plan(work, []).read == ("films",)


def test_holdout_is_not_trained_on(config):
    config["catalogue"]["corpora"]["films"]["holdout"] = 0.2
    found = _films(config)
    assert (found.pairs, found.validation, found.questions) == (24, 6, 24)


def test_published_sizes_of_a_benchmark_go_first(config):
    work = work_of(config, evaluation={"quiz": {"en": (1, 2)}})
    assert work.collections("quiz")["en"].candidates == 2
    assert work.collections("quiz")["th"].candidates == 10


# --- what is missing ---


def _error(config: dict, values: dict, rule: str, **wildcards: str) -> str:
    with pytest.raises(ConfigError) as caught:
        job_cost(config, rule, values, **wildcards)
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
