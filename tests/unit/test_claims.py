"""Verdicts follow from intervals and margins, and the statements are the paper's."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.claims import (
    CLAIM_COLUMNS,
    CLAIMS,
    Margins,
    claims_table,
    verdict,
)
from hybridbatch.evaluation.metrics import RANKING, of_source
from hybridbatch.evaluation.significance import COMPARISON_COLUMNS, compare
from hybridbatch.experiment.statistics import Comparisons
from hybridbatch.render.markdown import render
from hybridbatch.tables.claims import claims_page
from hybridbatch.tables.published import read_published

pytestmark = pytest.mark.filterwarnings("error")

METRICS = of_source(RANKING)
PUBLISHED_FILE = Path(__file__).parents[2] / "resources" / "published" / "hybrid_batch.csv"
MARGINS = Margins(margin=0.01, rank_distance_margin=0.05)
NAMES = {claim.name for claim in CLAIMS}
Row = tuple[str, str, str, str, float, float, float]


def _comparisons(*rows: Row, pool: str = "all") -> pd.DataFrame:
    """Rows of setting, metric, two samplings, their values, and half the interval's width."""
    frame = pd.DataFrame(
        [
            {
                **{"setting": setting, "metric": metric, "pool": pool, "language": "mean"},
                **{"sampling_a": a, "sampling_b": b, "value_a": value_a, "value_b": value_b},
                "difference": value_a - value_b,
                "ci_low": value_a - value_b - half,
                "ci_high": value_a - value_b + half,
                **{"n_queries": 50, "n_seeds": 3},
            }
            for setting, metric, a, b, value_a, value_b, half in rows
        ]
    )
    return frame.reindex(columns=COMPARISON_COLUMNS)


def _claim(name: str, *rows: Row, margins: Margins = MARGINS) -> pd.Series:
    frame = claims_table([("b", "static", _comparisons(*rows))], margins, "laptop")
    found = frame[(frame["claim"] == name) & (frame["pool"] == "all")]
    assert len(found) == 1
    return found.iloc[0]


@pytest.mark.parametrize(
    ("low", "high", "margin", "expected"),
    [
        (0.01, 0.03, 0.0, "holds"),
        (-0.01, 0.03, 0.0, "undecided"),
        (-0.03, -0.01, 0.0, "does not"),
        (-0.005, 0.002, 0.01, "holds"),
        (-0.008, -0.002, 0.01, "holds"),  # worse, but by less than the margin
        (-0.02, -0.005, 0.01, "undecided"),
        (-0.03, -0.02, 0.01, "does not"),
        (0.0, 0.0, 0.0, "undecided"),  # equal is not better
        (0.0, 0.0, 0.01, "holds"),
        (np.nan, np.nan, 0.01, "undecided"),
    ],
)
def test_verdict_is_the_place_of_the_interval(low, high, margin, expected):
    assert verdict(low, high, margin) == expected


@pytest.mark.parametrize("hybrid_first", [True, False])
def test_not_below_allows_the_margin_whichever_way_the_pair_stands(hybrid_first):
    pair = [("hybrid", 0.495), ("x-x-mono", 0.5)]
    (a, value_a), (b, value_b) = pair if hybrid_first else pair[::-1]
    row = _claim("hybrid_monolingual", ("monolingual", "map", a, b, value_a, value_b, 0.004))
    assert row["verdict"] == "holds"
    assert row["difference"] == pytest.approx(-0.005)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((-0.009, -0.001))
    assert row["margin"] == 0.01
    assert row["share"] == pytest.approx(-0.01)
    assert (row["scale"], row["n_queries"], row["n_seeds"]) == ("laptop", 50, 3)


def test_a_smaller_margin_changes_the_verdict():
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.495, 0.5, 0.0005)
    assert _claim("hybrid_monolingual", cell)["verdict"] == "holds"
    strict = Margins(margin=0.001, rank_distance_margin=0.05)
    assert _claim("hybrid_monolingual", cell, margins=strict)["verdict"] == "does not"


@pytest.mark.parametrize("hybrid_first", [True, False])
@pytest.mark.parametrize(
    ("hybrid", "expected"), [(180.0, "holds"), (197.0, "undecided"), (220.0, "does not")]
)
def test_rank_distance_is_better_when_less(hybrid_first, hybrid, expected):
    pair = [("hybrid", hybrid), ("x-x-mono", 200.0)]
    (a, value_a), (b, value_b) = pair if hybrid_first else pair[::-1]
    row = _claim(
        "hybrid_bias_below_x_x_mono",
        ("multilingual", "rank_distance", a, b, value_a, value_b, 5.0),
    )
    assert row["verdict"] == expected
    assert row["difference"] == hybrid - 200
    assert (row["ci_low"], row["ci_high"]) == (hybrid - 205, hybrid - 195)
    assert row["share"] == pytest.approx(hybrid / 200 - 1)
    assert row["margin"] == 0


@pytest.mark.parametrize(
    ("hybrid", "expected"),
    [(195.0, "holds"), (204.0, "holds"), (208.0, "undecided"), (216.0, "does not")],
)
def test_rank_distance_that_is_not_above_has_a_margin_in_share(hybrid, expected):
    row = _claim(
        "hybrid_bias_not_above_x_y",
        ("multilingual", "rank_distance", "x-y", "hybrid", 200.0, hybrid, 5.0),
    )
    assert row["margin"] == pytest.approx(10)
    assert row["verdict"] == expected


@pytest.mark.parametrize(
    ("of_mono", "of_x_y", "hybrid", "expected"),
    [
        (0.40, 0.50, 0.51, "holds"),
        (0.50, 0.40, 0.48, "does not"),  # below x-x-mono's, which is the better one
        (0.40, 0.50, 0.48, "does not"),
        (0.50, 0.49, 0.493, "undecided"),
    ],
)
def test_the_better_of_two_is_compared_with(of_mono, of_x_y, hybrid, expected):
    row = _claim(
        "hybrid_multilingual",
        ("multilingual", "map", "x-x-mono", "hybrid", of_mono, hybrid, 0.005),
        ("multilingual", "map", "x-y", "hybrid", of_x_y, hybrid, 0.005),
    )
    assert row["verdict"] == expected
    assert row["difference"] == pytest.approx(hybrid - max(of_mono, of_x_y))
    assert row["ci_low"] <= row["difference"] <= row["ci_high"]


def test_what_was_not_run_is_said_so():
    only = ("multilingual", "map", "x-y", "hybrid", 0.5, 0.5, 0.001)
    frame = claims_table([("b", "static", _comparisons(only))], MARGINS, "demo")
    assert list(frame.columns) == CLAIM_COLUMNS
    assert (frame["verdict"] == "not run").all()  # the better of two wants both
    assert frame[["difference", "ci_low", "margin", "n_queries"]].isna().all(axis=None)
    assert frame.groupby("pool")["claim"].agg(set).to_dict() == {"all": NAMES, "seen": NAMES}
    text = render(claims_page(frame, 0.95, "demo"))
    assert text.count("| not run | not run |") == len(CLAIMS)
    assert "nan" not in text


def test_no_comparison_at_all_leaves_every_statement_not_run():
    empty = pd.DataFrame(columns=COMPARISON_COLUMNS)
    frame = claims_table([("b", "static", empty), ("c", "static", empty)], MARGINS, "demo")
    assert len(frame) == 4 * len(CLAIMS)
    assert (frame["verdict"] == "not run").all()


def test_one_query_is_undecided_and_said_so():
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.9, 0.1, np.nan)
    assert _claim("hybrid_monolingual", cell)["verdict"] == "undecided"
    frame = claims_table([("b", "static", _comparisons(cell))], MARGINS, "laptop")
    assert "one query: no interval" in render(claims_page(frame, 0.95, "laptop"))


def test_means_over_all_query_languages_count_and_no_other_row():
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.9, 0.1, 0.01)
    rows = _comparisons(cell).assign(language="mean_seen")
    frame = claims_table([("b", "static", rows)], MARGINS, "laptop")
    assert (frame["verdict"] == "not run").all()


def test_the_paper_s_own_means_are_on_the_statements_side():
    """With its printed means as scores and no interval around them, every statement holds."""
    published = read_published(PUBLISHED_FILE)
    means = published[published["table"].isin([1, 2])]
    for benchmark in ("xquad_r", "mlqa_r"):
        for encoder in ("xlm-r", "labse"):
            where = (means["benchmark"] == benchmark) & (means["encoder"] == encoder)
            scores = means[where].set_index(["setting", "metric", "sampling"])["published"]
            rows = [
                (claim.setting, claim.metric, claim.sampling, other)
                for claim in CLAIMS
                for other in claim.others
            ]
            cells = [(*r, scores[r[0], r[1], r[2]], scores[r[0], r[1], r[3]], 0.0) for r in rows]
            frame = claims_table([("b", "e", _comparisons(*cells))], MARGINS, "paper")
            assert set(frame[frame["pool"] == "all"]["verdict"]) == {"holds"}


def test_verdicts_on_simulated_scores():
    """Through the whole comparison: hybrid as good as each where that is good."""
    rng = np.random.default_rng(0)
    quality = {"x-x-mono": (0.8, 0.5, 300), "x-y": (0.7, 0.6, 200), "hybrid": (0.8, 0.6, 200)}
    of_query, languages = 0.05 * rng.normal(size=200), ["en", "es"]
    frames = {
        sampling: {
            (language, seed): pd.concat(
                pd.DataFrame(
                    {"query_id": [f"q{i}" for i in range(200)], "candidates": pool}
                    | dict.fromkeys(METRICS, value + of_query + 0.01 * rng.normal(size=200))
                    | {"rank_distance": distance + 10 * rng.normal(size=200)}
                )
                for pool, value in (("en", mono), ("es", mono), ("all", other), ("seen", other))
            )
            for language in languages
            for seed in range(3)
        }
        for sampling, (mono, other, distance) in quality.items()
    }
    for of_sampling in frames.values():  # against another language: the second quality
        for (language, _), frame in of_sampling.items():
            across = frame["candidates"].isin(set(languages) - {language})
            frame.loc[across, "map"] += frame.loc[frame["candidates"] == "all", "map"].mean()
            frame.loc[across, "map"] -= frame.loc[frame["candidates"] == language, "map"].mean()
    compared = compare(frames, languages, languages, StatisticsConfig(0.95, 200, 0), 99)
    table = claims_table([("b", "static", compared)], MARGINS, "demo")
    assert len(table) == 2 * len(CLAIMS)
    assert (table["verdict"] == "holds").all()


def test_markdown_has_totals_first_and_every_statement():
    cells = [
        ("monolingual", "map", "hybrid", "x-x-mono", 0.5, 0.5, 0.002),
        ("cross-lingual", "map", "x-y", "hybrid", 0.5, 0.3, 0.002),
    ]
    frame = claims_table([("b", "static", _comparisons(*cells))], MARGINS, "laptop")
    text = render(claims_page(frame, 0.95, "laptop"))
    totals, section = text.split("\n## ")
    assert "Scale: `laptop`" in totals
    counts = [line for line in totals.splitlines() if line.startswith("| statements")]
    assert [cell.strip() for cell in counts[0].split("|")[2:-1]] == ["1", "1", "0", "14"]
    for claim in CLAIMS:
        assert claim.statement in section
    assert "**holds** +0.0000 (+0%) [-0.0020, +0.0020], margin 0.010" in section
    assert "**does not** -0.2000 (-40%)" in section


def test_configuration_has_the_margins_and_the_permutations():
    names = {field.name for field in fields(Margins)} | {"permutations"}
    assert set(Comparisons.model_fields) == names
    assert all(field.is_required() for field in Comparisons.model_fields.values())
