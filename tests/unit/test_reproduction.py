"""Grades: inside the interval, close, different, or not run; never a guess."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from hybridbatch.evaluation.reproduction import (
    REPRODUCTION_COLUMNS,
    discrimination,
    grade_of,
    reproduction_table,
    summary,
)
from hybridbatch.render.markdown import render
from hybridbatch.render.write import write_tidy
from hybridbatch.tables.published import read_published
from hybridbatch.tables.reproduction import reproduction_page

pytestmark = pytest.mark.filterwarnings("error")

PUBLISHED_FILE = Path(__file__).parents[2] / "resources" / "published" / "hybrid_batch.csv"
PUBLISHED = read_published(PUBLISHED_FILE)
TOLD = discrimination(PUBLISHED)
SAMPLINGS = ("x-x-mono", "x-y", "hybrid")
KEYS = ["benchmark", "encoder", "sampling", "setting", "metric", "language"]


def _cells(benchmark: str, encoder: str, sampling: str, offset: float = 0.0) -> pd.DataFrame:
    """Cells of one system on one benchmark that differ from the published ones by `offset`."""
    where = (PUBLISHED["benchmark"] == benchmark) & (PUBLISHED["encoder"] == encoder)
    where &= (PUBLISHED["sampling"] == sampling) & (PUBLISHED["table"] > 2)  # 1, 2 say it again
    value = PUBLISHED[where]["published"] + offset
    cells = PUBLISHED[where][KEYS].assign(
        pool="all", value=value, ci_low=value - 0.02, ci_high=value + 0.02, n_queries=9, n_seeds=3,
        seed_sd=0.01,
    )  # fmt: skip
    # Another pool's figures must not be taken for these.
    return pd.concat([cells, cells.assign(pool="seen", value=0.0, ci_low=-1.0, ci_high=9999.0)])


@pytest.mark.parametrize(
    ("published", "value", "metric", "grade"),
    [
        (0.5, 0.5005, "map", "agrees"),  # .0005 exactly
        (0.5, 0.5006, "map", "close"),
        (0.5, 0.4995, "map", "agrees"),
        (0.5, 0.505, "map", "close"),  # .005 exactly
        (0.5, 0.5051, "map", "differs"),
        (0.5, 0.4949, "recall_1", "differs"),
        (200.0, 202.0, "rank_distance", "agrees"),  # 1% of 200 is 2
        (200.0, 197.9, "rank_distance", "close"),
        (200.0, 210.0, "rank_distance", "close"),  # 5% of 200 is 10
        (200.0, 210.1, "rank_distance", "differs"),
        (200.0, 200.6, "rank_distance", "agrees"),  # .0005 is of shares
        (0.5, np.nan, "map", "not run"),
    ],
)
def test_grades_are_tolerances_alone(published, value, metric, grade):
    assert grade_of(published, value, metric) == grade


def test_every_published_cell_stands_once_and_in_order():
    frame = reproduction_table(PUBLISHED, [_cells("xquad_r", "labse", "hybrid")], "paper", 0.95)
    assert list(frame.columns) == REPRODUCTION_COLUMNS
    pd.testing.assert_frame_equal(
        frame[["table", *KEYS, "published"]], PUBLISHED[["table", *KEYS, "published"]]
    )


def test_cells_of_what_was_run_are_graded_and_no_others():
    frame = reproduction_table(
        PUBLISHED, [_cells("xquad_r", "labse", "hybrid", 0.001)], "paper", 0.95
    )
    ours = (frame["benchmark"] == "xquad_r") & (frame["encoder"] == "labse")
    ours &= frame["sampling"] == "hybrid"
    graded = frame[ours]
    assert set(graded["table"]) == {1, 2, 5, 7}
    assert "not run" not in set(graded["grade"])
    shares = graded[(graded["table"] > 2) & (graded["metric"] != "rank_distance")]
    assert (shares["grade"] == "close").all()
    np.testing.assert_allclose(graded[graded["table"] > 2]["delta"], 0.001)
    assert (graded["n_queries"] == 9).all()
    others = frame[~ours]
    assert (others["grade"] == "not run").all()
    assert others[["value", "delta", "ci_low", "prediction_low", "n_queries"]].isna().all(axis=None)


@pytest.mark.parametrize("scale", ["laptop", "demo"])
def test_another_scale_is_never_graded(scale):
    frame = reproduction_table(PUBLISHED, [_cells("xquad_r", "labse", "hybrid")], scale, 0.95)
    assert (frame["grade"] == "not run").all()
    assert frame["value"].isna().all()
    assert summary(frame).startswith("nothing to grade: ")
    text = render(reproduction_page(frame, TOLD, 0.95, scale))
    assert f"scale is `{scale}`. Only the paper's scale is graded" in text


def test_not_run_is_said_and_never_blank(tmp_path):
    frame = reproduction_table(PUBLISHED, [], "paper", 0.95)
    write_tidy(tmp_path / "table.csv", frame)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert len(lines) == 1 + len(PUBLISHED)
    assert all(line.endswith(",,,,,,,,not run") for line in lines[1:])
    text = render(reproduction_page(frame, TOLD, 0.95, "paper"))
    assert text.count(" / not run") == len(PUBLISHED)
    assert "nan" not in text.lower().replace("nothing", "")


@pytest.mark.parametrize(
    ("grades", "word"),
    [
        ({"agrees": 5, "close": 5, "not run": 3}, "OK"),
        ({"agrees": 9, "differs": 1}, "OKish"),
        ({"agrees": 8, "close": 1, "differs": 2, "not run": 100}, "FAIL"),
        ({"differs": 1}, "FAIL"),
        ({"not run": 4}, "nothing to grade"),
        ({}, "nothing to grade"),
    ],
)
def test_summary(grades, word):
    frame = pd.DataFrame({"grade": [g for grade, n in grades.items() for g in [grade] * n]})
    line = summary(frame)
    assert line.split(":")[0] == word
    for grade in ("agrees", "close", "differs", "not run"):
        assert f"{grades.get(grade, 0)} {grade}" in line


def test_markdown_has_totals_and_summary_first_and_every_cell():
    frame = reproduction_table(PUBLISHED, [_cells("mlqa_r", "xlm-r", "x-y")], "paper", 0.95)
    text = render(reproduction_page(frame, TOLD, 0.95, "paper"))
    totals, tables = text.split("\n## ", 1)
    assert f"**{summary(frame)}**" in totals
    assert "Table 13" in totals
    assert tables.count(" / ") - tables.count("published / ours") == len(PUBLISHED)
    row = frame[(frame["table"] == 4) & (frame["grade"] == "agrees")].iloc[0]
    assert f"{row['published']:.4f} / {row['value']:.4f} [" in tables


def _runs(sd: float, seeds: int) -> list[pd.DataFrame]:
    """Our cells, each the mean over seeds that differ by `sd`."""
    return [_cells("xquad_r", "labse", s).assign(seed_sd=sd, n_seeds=seeds) for s in SAMPLINGS]


def test_prediction_interval_pools_the_samplings_of_an_encoder():
    parts = _runs(0.01, 3)
    parts[0]["seed_sd"] = 0.02
    frame = reproduction_table(PUBLISHED, parts, "paper", 0.9)
    run = frame[frame["value"].notna()]
    s = np.sqrt((0.02**2 + 2 * 0.01**2) / 3)
    half = stats.t(df=6).ppf(0.95) * s * np.sqrt(4 / 3)
    np.testing.assert_allclose(run["prediction_high"] - run["value"], half)
    np.testing.assert_allclose(run["value"] - run["prediction_low"], half)
    alone = reproduction_table(PUBLISHED, _runs(np.nan, 1), "paper", 0.9)
    assert alone["prediction_low"].isna().all()
    assert (alone["grade"] == frame["grade"]).all()


def test_prediction_interval_holds_one_more_run_as_often_as_it_says():
    rng = np.random.default_rng(0)
    runs = rng.normal(0.5, 0.01, (1000, 3, 4))  # experiments, samplings, three seeds and one more
    cell = PUBLISHED[PUBLISHED["table"] == 3].iloc[:1][KEYS].drop(columns=["sampling", "language"])
    cells = pd.concat(
        pd.concat([cell] * len(runs), ignore_index=True).assign(
            sampling=sampling, language=[f"l{i}" for i in range(len(runs))], pool="all",
            value=runs[:, k, :3].mean(1), seed_sd=runs[:, k, :3].std(1, ddof=1), n_seeds=3,
            ci_low=0.0, ci_high=1.0, n_queries=9,
        )
        for k, sampling in enumerate(SAMPLINGS)
    )  # fmt: skip
    printed = cells[KEYS].assign(table=3, published=runs[:, :, 3].T.ravel())
    frame = reproduction_table(printed, [cells], "paper", 0.95)
    inside = frame["published"].between(frame["prediction_low"], frame["prediction_high"])
    assert inside.mean() == pytest.approx(0.95, abs=0.015)


def test_what_the_papers_own_figures_of_another_sampling_would_get():
    """Recomputed from the file alone, without pandas."""
    cells: dict[tuple, dict[str, float]] = {}
    for table, dataset, model, sampling, setting, metric, language, value in (
        line.split(",") for line in PUBLISHED_FILE.read_text("utf-8").splitlines()[1:]
    ):
        key = (table, dataset, model, setting, metric, language)
        cells.setdefault(key, {})[sampling] = float(value)
    expected = {"agrees": 0, "close": 0, "differs": 0}
    for key, of in cells.items():
        if {"hybrid", "x-y"} <= set(of):
            off = abs(of["x-y"] - of["hybrid"])
            in_ranks = key[4] == "rank_distance"
            limits = (0.01 * of["hybrid"], 0.05 * of["hybrid"]) if in_ranks else (0.0005, 0.005)
            grade = ["agrees", "close", "differs"][sum(off > limit + 1e-9 for limit in limits)]
            expected[grade] += 1
    assert dict(TOLD) == expected
    passed = expected["agrees"] + expected["close"]
    assert 0 < passed < sum(expected.values()) / 2
    frame = reproduction_table(PUBLISHED, [], "paper", 0.95)
    text = render(reproduction_page(frame, TOLD, 0.95, "paper"))
    assert f"would pass in {passed} ({passed / sum(expected.values()):.0%})" in text
