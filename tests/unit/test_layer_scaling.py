"""Schedules at equal budgets: differences to uniform, tests, margins and verdicts."""

from itertools import product

import numpy as np
import pytest
from layer_scores import (
    GAINS,
    LANGUAGES,
    MARGINS,
    PARAMETERS,
    SEEN,
    differences_of,
    made,
    metrics,
    one,
    scored,
)
from layer_scores import table as table

from hybridbatch.evaluation.layer_scaling import (
    COMPARED,
    LAYER_COLUMNS,
    Compared,
    Point,
    layer_claims,
    layer_scaling_table,
)
from hybridbatch.evaluation.settings import MEANS, PARAMETERS_COLUMNS
from hybridbatch.evaluation.significance import compare, holm
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.layer_scaling import layer_scaling_page

pytestmark = pytest.mark.filterwarnings("error")


def test_the_least_difference_stands_before_the_verdict(table):
    assert list(table.columns) == LAYER_COLUMNS
    order = [LAYER_COLUMNS.index(c) for c in ("value", "p", "p_holm", "detectable", "verdict")]
    assert order == sorted(order)
    assert not any("second" in column or "memory" in column for column in LAYER_COLUMNS)


def test_scores_are_there_with_the_parameters_that_were_trained(table):
    scores = table[table["versus"].isna()]
    assert set(scores["schedule"].dropna()) == set(GAINS)
    for budget, trained in PARAMETERS.items():
        assert set(scores[scores["budget"] == budget]["trained_parameters"]) == {trained}
    reference = scores[scores["sampling"] == "zero-shot"]
    assert reference[["budget", "schedule", *PARAMETERS_COLUMNS]].isna().all(axis=None)
    assert {"en", "es", "it", "mean"} <= set(scores["language"])


def test_differences_are_those_of_the_one_estimate():
    table, comparisons = made(budgets=(24,))
    ((_, rows),) = comparisons
    found = differences_of(table)
    assert set(zip(found["schedule"], found["versus"], strict=True)) == {
        ("rising", "uniform"), ("falling", "uniform"), ("rising", "falling"),
    }  # fmt: skip
    assert set(zip(found["setting"], found["metric"], strict=True)) == set(COMPARED)
    assert set(found["language"]) == set(MEANS)
    keys = ["setting", "metric", "pool", "language"]
    for schedule, versus in (("rising", "uniform"), ("falling", "uniform"), ("rising", "falling")):
        mine = found[(found["schedule"] == schedule) & (found["versus"] == versus)].set_index(keys)
        theirs = rows[(rows["sampling_a"] == schedule) & (rows["sampling_b"] == versus)]
        theirs = theirs.set_index(keys).loc[mine.index]
        np.testing.assert_array_equal(mine["value"], theirs["difference"])
        for column in ("standard_error", "df", "ci_low", "ci_high", "p", "detectable"):
            np.testing.assert_array_equal(mine[column].astype(float), theirs[column])
    row = one(table, "rising", "uniform", "cross-lingual")
    assert row["value"] == pytest.approx(GAINS["rising"], abs=0.01)
    assert (row["n_seeds"], row["n_queries"], row["trained_parameters"]) == (3, 40, 1_000)


def test_holm_counts_every_distinct_test_of_the_table_once(table):
    found = differences_of(table)
    assert (found["p_holm"] >= found["p"]).all()
    # Monolingual means over the languages with training data are the same in both pools.
    keys = ["budget", "schedule", "versus", "setting", "metric", "value", "p"]
    same = found.drop_duplicates(keys)
    assert len(same) < len(found)
    expected = dict(zip(same["p"], holm(same["p"].to_numpy(float)), strict=True))
    np.testing.assert_allclose(found["p_holm"].astype(float), found["p"].map(expected))


def test_a_loss_that_is_larger_than_the_margin_does_not_hold(table):
    for budget, setting in product((24, 96), ("monolingual", "cross-lingual", "multilingual")):
        holds = one(table, "rising", "uniform", setting, budget=budget)
        assert (holds["verdict"], holds["margin"]) == ("holds", 0.01)
        assert holds["detectable"] <= holds["margin"]
        assert holds["statement"] == f"rising's {setting} mAP is not below uniform's"
        fails = one(table, "falling", "uniform", setting, budget=budget)
        assert fails["verdict"] == "does not"
    above = one(table, "rising", "falling", "cross-lingual")
    assert (above["verdict"], above["statement"]) == (
        "holds",
        "rising's cross-lingual mAP is above falling's",
    )
    assert np.isnan(above["margin"])


def test_only_means_over_all_languages_are_judged(table):
    judged = differences_of(table).dropna(subset=["verdict"])
    assert set(judged["language"]) == {"mean"}
    assert set(judged["metric"]) == {"map"}
    # Rising and falling in three settings, and the two of them across languages, in two pools.
    assert len(judged) == 2 * 2 * (2 * 3 + 1)


def test_a_run_that_is_too_small_cannot_say():
    noisy, _ = made(noise=0.3, budgets=(24,))
    row = one(noisy, "rising", "uniform", "multilingual")
    assert row["detectable"] > row["margin"]
    assert row["verdict"] == "cannot say with 3 seeds"
    single, _ = made(seeds=1, budgets=(24,))
    row = one(single, "rising", "uniform", "multilingual")
    assert np.isnan(row["p"])
    assert np.isnan(row["detectable"])
    assert row["verdict"] == "cannot say with 1 seed"
    assert one(single, "rising", "falling", "cross-lingual")["verdict"] == "cannot say with 1 seed"


def test_margins_are_the_paper_s_unless_another_is_given():
    ours, _ = made(margin=None, benchmark="xquad_r", budgets=(24,))
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        margin = one(ours, "rising", "uniform", setting)["margin"]
        assert margin == MARGINS.margin("xquad_r", "e5-small", setting, "map")
        assert 0.005 < margin < 0.02
    unknown, _ = made(margin=None, budgets=(24,))
    row = one(unknown, "rising", "uniform", "monolingual")
    assert row["verdict"] == "no margin"
    assert np.isnan(row["margin"])
    assert row["detectable"] > 0


def test_unequal_budgets_are_no_comparison():
    with pytest.raises(DataError, match="budget of 96: the schedules have trained 4,000 and 4,100"):
        made(parameters={**PARAMETERS, (96, "rising"): 4_100})


def test_statements_are_of_the_schedules_that_are_there():
    assert [claim.name for claim in layer_claims(["rising", "uniform"])] == [
        "rising_monolingual", "rising_cross-lingual", "rising_multilingual",
    ]  # fmt: skip
    assert "rising_above_falling" in [c.name for c in layer_claims(["rising", "falling"])]
    assert layer_claims(["uniform"]) == []


def test_uniform_alone_is_a_table_without_differences():
    rows = compare({"uniform": metrics(0.0, 2, 0.01, 1)}, LANGUAGES, SEEN, 0.95)
    names = {"benchmark": "quiz", "encoder": "e", "sampling": "hybrid", "steps": 1.0}
    cells = scored(3).assign(**names, **dict.fromkeys(PARAMETERS_COLUMNS, 7))
    of = Compared("quiz", "e", "hybrid", "lora", 24)
    scores = [(Point("lora", 24, "uniform"), cells)]
    table = layer_scaling_table(scores, [(of, rows)], MARGINS, {"lora": None}, 0.95)
    assert table["versus"].isna().all()
    assert "Differences: " not in render(layer_scaling_page(table, 0.95))
