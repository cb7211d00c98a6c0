"""Grades: inside the interval, close, different, or not run; never a guess."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hybridbatch.evaluation.reproduction import (
    REPRODUCTION_COLUMNS,
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
KEYS = ["benchmark", "encoder", "sampling", "setting", "metric", "language"]


def _cells(benchmark: str, encoder: str, sampling: str, offset: float = 0.0) -> pd.DataFrame:
    """Cells of one system on one benchmark that differ from the published ones by `offset`."""
    where = (PUBLISHED["benchmark"] == benchmark) & (PUBLISHED["encoder"] == encoder)
    where &= (PUBLISHED["sampling"] == sampling) & (PUBLISHED["table"] > 2)  # 1, 2 say it again
    value = PUBLISHED[where]["published"] + offset
    cells = PUBLISHED[where][KEYS].assign(
        pool="all", value=value, ci_low=value - 0.02, ci_high=value + 0.02, n_queries=9, n_seeds=3
    )
    # Another pool's figures must not be taken for these.
    return pd.concat([cells, cells.assign(pool="seen", value=0.0, ci_low=-1.0, ci_high=9999.0)])


def _row(published: float, value: float, half: float, metric: str = "map") -> SimpleNamespace:
    ends = {"ci_low": value - half, "ci_high": value + half}
    return SimpleNamespace(published=published, value=value, metric=metric, **ends)


@pytest.mark.parametrize(
    ("row", "grade"),
    [
        (_row(0.5, 0.48, 0.03), "agrees"),
        (_row(0.5, 0.503, 0.001), "close"),
        (_row(0.5, 0.505, 0.001), "close"),  # .005 exactly
        (_row(0.5, 0.5051, 0.001), "differs"),
        (_row(0.5, 0.4949, 0.001), "differs"),
        (_row(200.0, 209.9, 1.0, "rank_distance"), "close"),  # 5% of 200 is 10
        (_row(200.0, 210.1, 1.0, "rank_distance"), "differs"),
        (_row(200.0, 190.0, 1.0, "rank_distance"), "close"),
        (_row(0.5, 0.503, np.nan), "close"),  # one query: no interval to lie in
        (_row(0.5, 0.6, np.nan), "differs"),
        (_row(0.5, np.nan, np.nan), "not run"),
    ],
)
def test_grades(row, grade):
    assert grade_of(row) == grade


def test_every_published_cell_stands_once_and_in_order():
    frame = reproduction_table(PUBLISHED, [_cells("xquad_r", "labse", "hybrid")], "paper")
    assert list(frame.columns) == REPRODUCTION_COLUMNS
    pd.testing.assert_frame_equal(
        frame[["table", *KEYS, "published"]], PUBLISHED[["table", *KEYS, "published"]]
    )


def test_cells_of_what_was_run_are_graded_and_no_others():
    frame = reproduction_table(PUBLISHED, [_cells("xquad_r", "labse", "hybrid", 0.01)], "paper")
    ours = (frame["benchmark"] == "xquad_r") & (frame["encoder"] == "labse")
    ours &= frame["sampling"] == "hybrid"
    graded = frame[ours]
    assert set(graded["table"]) == {1, 2, 5, 7}
    assert "not run" not in set(graded["grade"])
    assert (graded[graded["table"] > 2]["grade"] == "agrees").all()
    np.testing.assert_allclose(graded[graded["table"] > 2]["delta"], 0.01)
    assert (graded["n_queries"] == 9).all()
    others = frame[~ours]
    assert (others["grade"] == "not run").all()
    assert others[["value", "delta", "ci_low", "ci_high", "n_queries"]].isna().all(axis=None)


@pytest.mark.parametrize("scale", ["laptop", "demo"])
def test_another_scale_is_never_graded(scale):
    frame = reproduction_table(PUBLISHED, [_cells("xquad_r", "labse", "hybrid")], scale)
    assert (frame["grade"] == "not run").all()
    assert frame["value"].isna().all()
    assert summary(frame).startswith("nothing to grade: ")
    text = render(reproduction_page(frame, 0.95, scale))
    assert f"scale is `{scale}`. Only the paper's scale is graded" in text


def test_not_run_is_said_and_never_blank(tmp_path):
    frame = reproduction_table(PUBLISHED, [], "paper")
    write_tidy(tmp_path / "table.csv", frame)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert len(lines) == 1 + len(PUBLISHED)
    assert all(line.endswith(",,,,,,not run") for line in lines[1:])
    text = render(reproduction_page(frame, 0.95, "paper"))
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
    frame = reproduction_table(PUBLISHED, [_cells("mlqa_r", "xlm-r", "x-y")], "paper")
    text = render(reproduction_page(frame, 0.95, "paper"))
    totals, tables = text.split("\n## ", 1)
    assert f"**{summary(frame)}**" in totals
    assert "Table 13" in totals
    assert tables.count(" / ") - tables.count("published / ours") == len(PUBLISHED)
    row = frame[(frame["table"] == 4) & (frame["grade"] == "agrees")].iloc[0]
    assert f"{row['published']:.4f} / {row['value']:.4f} [" in tables
