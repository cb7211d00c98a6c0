"""Verdicts follow from one estimate and the paper's margins, and the statements are the paper's."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridbatch.evaluation.claims import (
    CLAIM_COLUMNS,
    CLAIMS,
    VERDICTS,
    Margins,
    claims_table,
    verdict,
    verdict_kind,
)
from hybridbatch.evaluation.metrics import RANKING, of_source
from hybridbatch.evaluation.significance import COMPARISON_COLUMNS, compare
from hybridbatch.render.markdown import render
from hybridbatch.tables.claims import claims_page
from hybridbatch.tables.published import read_published

pytestmark = pytest.mark.filterwarnings("error")

METRICS = of_source(RANKING)
PUBLISHED_FILE = Path(__file__).parents[2] / "resources" / "published" / "hybrid_batch.csv"
PUBLISHED = read_published(PUBLISHED_FILE)
DF = 20.0
T = stats.t.ppf(0.975, DF)  # half an interval in standard errors
NAMES = {claim.name for claim in CLAIMS}
Row = tuple[str, str, str, str, float, float, float]


def _published(**of_sampling: float) -> pd.DataFrame:
    """Printed means of benchmark b and encoder static; x_y, mono; rank distance 10,000 times."""
    rows = [
        (setting, metric, sampling, scale * of_sampling[name])
        for name, sampling in (("mono", "x-x-mono"), ("x_y", "x-y"))
        for setting, metric, scale in (
            ("monolingual", "map", -1),
            ("cross-lingual", "map", 1),
            ("multilingual", "map", 1),
            ("multilingual", "rank_distance", -1000),
        )
    ]
    frame = pd.DataFrame(rows, columns=["setting", "metric", "sampling", "published"])
    return frame.assign(table=1, benchmark="b", encoder="static", language="mean")


MARGINS = Margins(_published(mono=0.50, x_y=0.52))  # .01 of mAP and 10 ranks


def _comparisons(*rows: Row, pool: str = "all", seeds: int = 3) -> pd.DataFrame:
    """Rows of setting, metric, two samplings, their values, and half the interval's width."""
    frame = pd.DataFrame(
        [
            {
                **{"setting": setting, "metric": metric, "pool": pool, "language": "mean"},
                **{"sampling_a": a, "sampling_b": b, "value_a": value_a, "value_b": value_b},
                "difference": value_a - value_b,
                "standard_error": half / T,
                "df": DF,
                **{"n_queries": 50, "n_seeds": seeds},
            }
            for setting, metric, a, b, value_a, value_b, half in rows
        ]
    )
    return frame.reindex(columns=COMPARISON_COLUMNS)


def _claim(name: str, *rows: Row, margins: Margins = MARGINS, seeds: int = 3) -> pd.Series:
    compared = _comparisons(*rows, seeds=seeds)
    frame = claims_table([("b", "static", compared)], margins, "laptop", 0.95)
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
    ],
)
def test_verdict_is_the_place_of_the_interval(low, high, margin, expected):
    assert verdict(low, high, margin) == expected


def test_sentences_as_images_take_the_margins_of_the_same_sentences_as_texts():
    margins = Margins(PUBLISHED, {"drawn": "xquad_r"})
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.6, 0.5, 0.001)
    compared = [(name, "labse", _comparisons(cell)) for name in ("xquad_r", "drawn", "other")]
    frame = claims_table(compared, margins, "paper", 0.95)
    found = frame[(frame["claim"] == "hybrid_monolingual") & (frame["pool"] == "all")]
    text, drawn, other = found["margin"]
    assert text == drawn == margins.margin("xquad_r", "labse", "monolingual", "map")
    assert np.isnan(other)


@pytest.mark.parametrize("hybrid_first", [True, False])
def test_not_below_allows_the_margin_whichever_way_the_pair_stands(hybrid_first):
    pair = [("hybrid", 0.495), ("x-x-mono", 0.5)]
    (a, value_a), (b, value_b) = pair if hybrid_first else pair[::-1]
    row = _claim("hybrid_monolingual", ("monolingual", "map", a, b, value_a, value_b, 0.004))
    assert row["verdict"] == "holds"
    assert row["difference"] == pytest.approx(-0.005)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((-0.009, -0.001))
    assert row["margin"] == pytest.approx(0.01)
    assert row["share"] == pytest.approx(-0.01)
    assert (row["scale"], row["n_queries"], row["n_seeds"]) == ("laptop", 50, 3)


def test_a_smaller_margin_changes_the_verdict():
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.495, 0.5, 0.0005)
    assert _claim("hybrid_monolingual", cell)["verdict"] == "holds"
    strict = Margins(_published(mono=0.50, x_y=0.502))
    assert _claim("hybrid_monolingual", cell, margins=strict)["verdict"] == "does not"


# The estimate, shifted by the margin.


@pytest.mark.parametrize("better", [True, False])
def test_verdict_reads_the_estimate_shifted_by_its_margin(better):
    """Decided exactly where the test of the shifted hypothesis has a p below .05."""
    name = "x_x_mono_monolingual" if better else "hybrid_monolingual"
    others = ("x-x-mono", "x-y") if better else ("hybrid", "x-x-mono")
    margin = 0.0 if better else 0.01
    seen = set()
    for difference in np.linspace(-0.03, 0.03, 34):
        cell = ("monolingual", "map", *others, 0.5 + difference, 0.5, 0.004)
        row = _claim(name, cell)
        t = (difference + margin) / row["standard_error"]
        p = 2 * stats.t.sf(abs(t), row["df"])
        expected = "undecided" if p >= 0.05 else "holds" if t > 0 else "does not"
        assert row["verdict"] == expected, difference
        low, high = row["ci_low"], row["ci_high"]
        assert (p < 0.05) == (low > -margin or high < -margin)
        seen.add(expected)
    assert seen == {"holds", "undecided", "does not"}


def test_too_few_seeds_to_see_a_loss_as_large_as_the_margin_cannot_say():
    wide = 0.01 / (T + stats.t.ppf(0.8, DF)) * T  # the detectable difference is the margin
    for half, expected in ((wide * 0.99, "holds"), (wide * 1.01, "cannot say with 2 seeds")):
        cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.52, 0.5, half)
        row = _claim("hybrid_monolingual", cell, seeds=2)
        assert row["verdict"] == expected
        assert row["detectable"] == pytest.approx(half / wide * 0.01)
        assert row["difference"] == pytest.approx(0.02)
    better = ("monolingual", "map", "x-x-mono", "x-y", 0.6, 0.5, wide * 2)
    assert _claim("x_x_mono_monolingual", better)["verdict"] == "holds"  # it has no margin


def test_what_was_not_tested_cannot_be_said():
    for name, others in (
        ("hybrid_monolingual", ("hybrid", "x-x-mono")),
        ("x_x_mono_monolingual", ("x-x-mono", "x-y")),
    ):
        row = _claim(name, ("monolingual", "map", *others, 0.9, 0.1, np.nan), seeds=1)
        assert row["verdict"] == "cannot say with 1 seed"
        assert verdict_kind(row["verdict"]) in VERDICTS


# Margins.


def test_margins_are_half_of_the_published_difference():
    margins = Margins(PUBLISHED)
    # The paper's Table 3: .7918 of x-x-mono and .7548 of x-y.
    rows = PUBLISHED[(PUBLISHED["benchmark"] == "xquad_r") & (PUBLISHED["language"] == "mean")]
    of = rows[(rows["metric"] == "map") & (rows["encoder"] == "xlm-r") & (rows["table"] > 1)]
    of = of[of["setting"] == "monolingual"].set_index("sampling")["published"]
    found = margins.margin("xquad_r", "xlm-r", "monolingual", "map")
    assert found == pytest.approx((of["x-x-mono"] - of["x-y"]) / 2)
    assert found == pytest.approx(0.0185, abs=0.0006)
    # Its Table 2 prints 410 and 295 ranks, its Table 7 one digit more.
    distance = margins.margin("xquad_r", "xlm-r", "multilingual", "rank_distance")
    assert distance == pytest.approx(57.5, abs=1)
    # What .01 for all hid: on this one x-y itself would not have been below x-x-mono.
    assert margins.margin("xquad_r", "labse", "monolingual", "map") < 0.005


def test_an_encoder_that_the_paper_does_not_have_takes_the_mean_of_its_two():
    margins = Margins(PUBLISHED)
    for benchmark in ("xquad_r", "mlqa_r"):
        place = ("cross-lingual", "map")
        of_two = [margins.margin(benchmark, encoder, *place) for encoder in ("xlm-r", "labse")]
        assert margins.margin(benchmark, "static", *place) == pytest.approx(np.mean(of_two))
    assert margins.margin("bundled", "static", *place) is None


@pytest.mark.parametrize("x_y", [0.50, 0.48])
def test_no_margin_where_the_paper_has_no_difference_or_the_other_one(x_y):
    margins = Margins(_published(mono=0.50, x_y=x_y))
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.6, 0.5, 0.001)
    row = _claim("hybrid_monolingual", cell, margins=margins)
    assert row["verdict"] == "no margin"
    assert np.isnan(row["margin"])
    assert row["difference"] == pytest.approx(0.1)


def test_x_y_itself_is_not_called_as_good_as_x_x_mono_where_the_paper_says_it_is_worse():
    """Half of the difference tells the two apart, as precise scores show."""
    margins = Margins(PUBLISHED)
    margin = margins.margin("xquad_r", "labse", "monolingual", "map")
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.8 - 2 * margin, 0.8, margin / 4)
    compared = [("xquad_r", "labse", _comparisons(cell))]
    frame = claims_table(compared, margins, "paper", 0.95)
    found = frame[(frame["claim"] == "hybrid_monolingual") & (frame["pool"] == "all")]
    assert found["verdict"].tolist() == ["does not"]


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
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((hybrid - 205, hybrid - 195))
    assert row["share"] == pytest.approx(hybrid / 200 - 1)
    assert np.isnan(row["margin"])


@pytest.mark.parametrize(
    ("hybrid", "expected"),
    [(195.0, "holds"), (204.0, "holds"), (208.0, "undecided"), (216.0, "does not")],
)
def test_rank_distance_that_is_not_above_has_a_margin_in_ranks(hybrid, expected):
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
    frame = claims_table([("b", "static", _comparisons(only))], MARGINS, "demo", 0.95)
    assert list(frame.columns) == CLAIM_COLUMNS
    assert (frame["verdict"] == "not run").all()  # the better of two wants both
    assert frame[["difference", "ci_low", "margin", "n_queries"]].isna().all(axis=None)
    assert frame.groupby("pool")["claim"].agg(set).to_dict() == {"all": NAMES, "seen": NAMES}
    text = render(claims_page(frame, 0.95, "demo"))
    assert text.count("| not run | not run |") == len(CLAIMS)
    assert "nan" not in text


def test_no_comparison_at_all_leaves_every_statement_not_run():
    empty = pd.DataFrame(columns=COMPARISON_COLUMNS)
    frame = claims_table([("b", "static", empty), ("c", "static", empty)], MARGINS, "demo", 0.95)
    assert len(frame) == 4 * len(CLAIMS)
    assert (frame["verdict"] == "not run").all()


def test_means_over_all_query_languages_count_and_no_other_row():
    cell = ("monolingual", "map", "hybrid", "x-x-mono", 0.9, 0.1, 0.01)
    rows = _comparisons(cell).assign(language="mean_seen")
    frame = claims_table([("b", "static", rows)], MARGINS, "laptop", 0.95)
    assert (frame["verdict"] == "not run").all()


def test_the_paper_s_own_means_are_on_the_statements_side():
    """With its printed means as scores and hardly an interval, every statement holds."""
    means = PUBLISHED[PUBLISHED["table"].isin([1, 2])]
    for benchmark in ("xquad_r", "mlqa_r"):
        for encoder in ("xlm-r", "labse"):
            where = (means["benchmark"] == benchmark) & (means["encoder"] == encoder)
            scores = means[where].set_index(["setting", "metric", "sampling"])["published"]
            rows = [
                (claim.setting, claim.metric, claim.sampling, other)
                for claim in CLAIMS
                for other in claim.others
            ]
            cells = [(*r, scores[r[0], r[1], r[2]], scores[r[0], r[1], r[3]], 1e-6) for r in rows]
            compared = [(benchmark, encoder, _comparisons(*cells))]
            frame = claims_table(compared, Margins(PUBLISHED), "paper", 0.95)
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
    compared = compare(frames, languages, languages, 0.95)
    table = claims_table([("b", "static", compared)], MARGINS, "demo", 0.95)
    assert len(table) == 2 * len(CLAIMS)
    assert (table["verdict"] == "holds").all()


def test_markdown_has_totals_first_and_every_statement():
    cells = [
        ("monolingual", "map", "hybrid", "x-x-mono", 0.5, 0.5, 0.002),
        ("cross-lingual", "map", "x-y", "hybrid", 0.5, 0.3, 0.002),
    ]
    frame = claims_table([("b", "static", _comparisons(*cells))], MARGINS, "laptop", 0.95)
    text = render(claims_page(frame, 0.95, "laptop"))
    totals, section = text.split("\n## ")
    assert "Scale: `laptop`" in totals
    counts = [line for line in totals.splitlines() if line.startswith("| statements")]
    assert [cell.strip() for cell in counts[0].split("|")[2:-1]] == ["1", "1", "0", "0", "0", "14"]
    for claim in CLAIMS:
        assert claim.statement in section
    assert "**holds** +0.0000 (+0%) [-0.0020, +0.0020], margin 0.0100, MDD 0.0028" in section
    assert "**does not** -0.2000 (-40%)" in section
