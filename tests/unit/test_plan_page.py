"""The plan sums jobs by stage, in numbers of two digits."""

import pytest
import yaml
from costs import HYBRID, RATES, job_cost, work_of
from costs import config as config

from hybridbatch.cost.model import Rates, Span
from hybridbatch.cost.page import ASSUMED, duration, plan_text, scaled
from hybridbatch.cost.plan import Job, plan
from hybridbatch.cost.stages import STAGES


def _jobs() -> list[Job]:
    return [
        Job("filter_pairs", {"corpus": "films", "language": "th"}, 1, 600, 10),
        Job("filter_pairs", {"corpus": "films", "language": "en"}, 1, 700, 10),
        Job("finetune", HYBRID, 8, 5000, 60),
        Job("finetune", {"system": "large_hybrid", "seed": "1"}, 8, 5000, 90),
    ]


def test_a_plan_sums_jobs_by_stage(config):
    config["seeds"] = [0, 1]
    shown = plan(work_of(config), _jobs())
    assert [(row.stage, row.jobs, row.on_gpu) for row in shown.rows] == [
        ("filter", 2, False),
        ("fine-tune", 2, True),
    ]
    one = job_cost(config, "finetune", **HYBRID)
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
    shown = plan(work_of(config), jobs[:3], jobs[3:])
    assert (shown.models, shown.ablation_models) == (1, 1)
    assert [row.stage for row in shown.ablations] == ["fine-tune"]
    page = plan_text(shown, Rates.of(yaml.safe_load(RATES)), ["mine.yaml"])
    assert "1 model of 7 to 10 steps; 2 corpora of 40 pairs." in page
    assert "`snakemake ablations` adds 1 model:" in page
    assert "| finetune          |      2 |         8 |          5 GB |" in page


def test_every_rule_stands_in_one_stage():
    rules = [rule for rules in STAGES.values() for rule in rules]
    assert len(rules) == len(set(rules))


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
