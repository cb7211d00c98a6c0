"""Pages of scores: every cell in its place, with its marks, interval and published figure."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scores import (
    ENCODERS,
    MIRACL,
    MLQA_R,
    PUBLISHED,
    SAMPLINGS,
    XQUAD_R,
    all_parts,
    cells_of,
    markdown_tables,
    miracl_parts,
    of_system,
)

from hybridbatch.render import latex
from hybridbatch.render.grid import BOLD, DAGGER, UNDERLINED, Cell, Grid, Page
from hybridbatch.render.markdown import render
from hybridbatch.tables.layouts import benchmark_page, overview_page
from hybridbatch.tables.markers import GROUP
from hybridbatch.tables.scores import SPECS, benchmark_spec, tidy

pytestmark = pytest.mark.filterwarnings("error")

SETTING_METRICS = [
    ("monolingual", "mAP"),
    ("monolingual", "R@1"),
    ("cross-lingual", "mAP"),
    ("cross-lingual", "R@1"),
    ("multilingual", "mAP"),
    ("multilingual", "R@10"),
]


def _frame(name: str, parts: list[pd.DataFrame]) -> pd.DataFrame:
    return tidy(name, SPECS.get(name) or benchmark_spec("-"), parts, PUBLISHED)


def _page(name: str, parts: list[pd.DataFrame], tests: pd.DataFrame | None = None) -> Page:
    layout = overview_page if name in ("main", "language_bias") else benchmark_page
    return layout(name, "Title", _frame(name, parts), tests, 0.95)


def _benchmark(**options: Any) -> str:
    return render(_page("xquad_r", all_parts(**options)))


def _rows(text: str, *words: str) -> dict[str, dict[str, str]]:
    """The one table whose headings have all words: by row and column."""
    ((first, *rows),) = (
        t for name, t in markdown_tables(text).items() if all(word in name for word in words)
    )
    return {row[0]: dict(zip(first[1:], row[1:], strict=True)) for row in rows}


def _grids(page: Page) -> list[Grid]:
    return [block for block in page.blocks if isinstance(block, Grid)]


# Of one benchmark.


def test_a_table_for_each_encoder_pool_setting_and_metric():
    pools = {
        "all": "every language of the benchmark",
        "seen": "only the languages with training data",
    }
    assert list(markdown_tables(_benchmark())) == [
        f"Title / {encoder}, xquad_r, pool `{pool}`: {pools[pool]} / {setting}, {metric} / sampling"
        for encoder, pool, (setting, metric) in product(ENCODERS, pools, SETTING_METRICS)
    ]


def test_samplings_stand_down_and_languages_across():
    for name, (first, *rows) in markdown_tables(_benchmark(encoders=["static"])).items():
        languages = ["en", "es", "mean"] if "`seen`" in name else [*XQUAD_R, "mean"]
        assert first[1:] == languages + (["seen", "unseen"] if "`all`" in name else [])
        assert [row[0] for row in rows] == SAMPLINGS
        assert all(cell for row in rows for cell in row)


def test_a_row_that_the_paper_has_is_followed_by_its_figures():
    text = _benchmark(encoders=["xlm-r"], samplings=["x-x-mono"])
    row = _rows(text, "`all`", "monolingual, mAP")
    assert list(row) == ["x-x-mono", "published"]
    assert (row["x-x-mono"]["ar"], row["published"]["ar"]) == ("0.5000", "0.7581")
    assert (row["x-x-mono"]["en"], row["published"]["en"]) == ("0.5300", "0.8327")
    assert row["x-x-mono"]["mean"] == "0.6100 [0.4575, 0.7625]"
    assert row["x-x-mono"]["seen"] == "0.6200 [0.4650, 0.7750]"
    assert [row["published"][m] for m in ("mean", "seen", "unseen")] == ["0.7918", "", ""]
    assert list(_rows(text, "`seen`", "monolingual, mAP")) == ["x-x-mono"]


def test_every_figure_stands_in_exactly_one_cell():
    parts = all_parts() + all_parts("mlqa_r", MLQA_R)
    values = iter(np.arange(1000, 10_000) / 10_000)
    for part in parts:
        part["value"] = [next(values) for _ in range(len(part))]
    for name in ("xquad_r", "main", "language_bias", "rank_distance"):
        chosen = [p for p in parts if name != "xquad_r" or p["benchmark"].iloc[0] == name]
        figures = [
            cell.text
            for grid in _grids(_page(name, chosen))
            for band in grid.bands
            for row, cells in band.rows
            for cell in cells
            if row not in ("published", "queries") and cell.text
        ]
        frame = _frame(name, chosen)
        decimals = {"main": 3, "language_bias": 0, "rank_distance": 1}.get(name, 4)
        assert sorted(figures) == sorted(f"{v:.{decimals}f}" for v in frame["value"])


def test_note_says_what_the_figures_are():
    text = _benchmark()
    assert (
        "Mean over 3 seeds; n = 500 queries [95% interval over articles and seeds]. A row "
        "`published` has the paper's figures for the row above.\n"
    ) in text
    assert "- `seen`: mean over query languages with training data" in text
    captions = [grid.caption for grid in _grids(_page("xquad_r", all_parts()))]
    assert len(captions) == len(set(captions)) == 4
    assert all("Mean over 3 seeds; n = 500 queries." in caption for caption in captions)


def test_numbers_of_queries_that_differ_are_a_range():
    parts = all_parts(encoders=["static"])
    parts[0].loc[0, "n_queries"] = 1190
    assert "n = 500 to 1,190 queries" in render(_page("xquad_r", parts))


def test_benchmark_without_published_figures_has_no_such_rows():
    parts = all_parts("bundled", ["ca", "en", "eo", "es"], encoders=["static"])
    text = render(_page("bundled", parts))
    assert "published" not in text
    assert len(markdown_tables(text)) == 12


def test_one_sampling_and_one_seed_is_neither_best_nor_marked():
    text = _benchmark(encoders=["xlm-r"], samplings=["hybrid"], seeds=1)
    assert "Mean over 1 seed; n = 500 queries [95% interval of this seed only]. A" in text
    for mark in ("**", "<ins>", DAGGER, "bold"):
        assert mark not in text


def test_means_without_an_interval_have_no_square_brackets():
    cells = cells_of(["en"], ["en"], seeds=1).assign(ci_low=np.nan, ci_high=np.nan, n_queries=1)
    text = render(_page("b", [of_system("b", "static", "hybrid", cells)]))
    assert "Mean over 1 seed; n = 1 query.\n" in text
    assert "[" not in text
    assert "nan" not in text


def test_sampling_without_a_cell_leaves_it_empty():
    parts = [
        of_system("b", "static", "x-y", cells_of(["en", "es"], ["en"])),
        of_system("b", "static", "hybrid", cells_of(["en"], ["en"])),
    ]
    rows = _rows(render(_page("b", parts)), "`all`", "monolingual, mAP")
    assert (rows["x-y"]["es"], rows["hybrid"]["es"]) == ("0.5100", "")


def test_pipes_in_names_are_escaped():
    text = _benchmark(encoders=["a|b"], samplings=["x|y", "hybrid"])
    for _, *rows in markdown_tables(text).values():
        assert [row[0] for row in rows] == [r"x\|y", "hybrid"]
    parts = all_parts(encoders=["a|b"], samplings=["x|y"])
    for _, *rows in markdown_tables(render(_page("main", parts))).values():
        assert [row[0] for row in rows] == [r"a\|b x\|y"]


def test_rank_distance_has_one_decimal_as_published():
    parts = all_parts(encoders=["xlm-r"], samplings=["x-y"])
    parts += all_parts("mlqa_r", MLQA_R, encoders=["xlm-r"], samplings=["x-y"])
    text = render(_page("rank_distance", parts))
    assert len(markdown_tables(text)) == 4
    rows = _rows(text, "`all`", "xquad_r", "multilingual, rank distance")
    assert (rows["x-y"]["ar"], rows["published"]["ar"]) == ("100.0", "371.5")
    assert (rows["x-y"]["mean"], rows["published"]["mean"]) == ("111.0 [83.2, 138.8]", "295.4")


@pytest.mark.parametrize("name", ["rank_distance", "language_bias"])
def test_queries_that_have_a_rank_distance_are_counted_under_it(name):
    parts = all_parts(encoders=["static"])
    for part in parts:
        of_metric = part["metric"] == "rank_distance"
        part["n_queries"] = np.where(of_metric & (part["language"] != "mean"), 7, 500)
    text = render(_page(name, parts))
    assert "Of queries with two or more relevant candidates: rank distance." in text
    table = next(iter(markdown_tables(text).values()))
    assert table[-1][0] == "queries"
    numbers = dict(zip(table[0][1:], table[-1][1:], strict=True))
    expected = {"xquad_r": "500"} if name == "language_bias" else {"ar": "7", "mean": "500"}
    assert expected.items() <= numbers.items()


@pytest.mark.parametrize("name", ["rank_distance", "language_bias"])
def test_a_benchmark_without_a_rank_distance_has_a_table_that_says_so(name):
    parts = [part[part["metric"] != "rank_distance"] for part in all_parts(encoders=["static"])]
    page = _page(name, parts)
    assert "No query has a value of this metric." in render(page)
    assert not _grids(page)
    assert latex.render(page)


def test_judged_passages_are_labelled():
    text = render(_page("miracl", miracl_parts("judged")))
    assert "pool `judged`: judged passages only" in text
    assert "published" not in text


def test_pool_sizes_stand_behind_languages_and_absent_passages_are_told():
    page = benchmark_page(
        "miracl", "MIRACL", _frame("miracl", miracl_parts()), None, 0.95, averaged=MIRACL
    )
    text = render(page)
    assert "that count as not found: sw 3." in text
    assert "- query languages in these: sw, bn, hi," in text
    assert "- `median`: of the languages that mean is over" in text
    assert all("not found: sw 3." in grid.caption for grid in _grids(page))
    tables = markdown_tables(text)
    assert len(tables) == 4
    for first, *rows in tables.values():
        assert first[1] == "sw (131,924)"
        assert first[-3:] == ["mean", "median", "seen"]
        assert [row[0] for row in rows] == [n for s in SAMPLINGS for n in (s, "published")]
        assert all("[" in cell for row in rows[::2] for cell in row[-3:])


# Overviews.


def test_main_overview_has_systems_down_and_settings_across():
    page = _page("main", all_parts() + all_parts("mlqa_r", MLQA_R))
    assert len(_grids(page)) == 4  # 3 means in pool `all`, 1 in `seen`
    assert [grid.groups for grid in _grids(page)] == [[("xquad_r", 3), ("mlqa_r", 3)]] * 4
    tables = markdown_tables(render(page))
    assert len(tables) == 8  # one for each benchmark
    name = "Title / Mean over all query languages; pool `all`: every language of the benchmark"
    rows = tables[f"{name} / xquad_r / system"]
    assert rows[0][1:] == ["monolingual", "cross-lingual", "multilingual"]
    assert [row[0] for row in rows[1::2]] == [f"{e} {s}" for e, s in product(ENCODERS, SAMPLINGS)]
    assert {row[0] for row in rows[2::2]} == {"published"}
    assert rows[1][1] == "**0.610** [0.458, 0.762]"
    assert rows[2][1:] == ["0.792", "0.674", "0.547"]
    assert f"{name} / mlqa_r / system" in tables
    unseen = next(t for n, t in tables.items() if "without training data" in n)
    assert unseen[1][1] == "**0.630** [0.473, 0.787]"
    assert "published" not in {row[0] for row in unseen}


def test_language_bias_overview_has_benchmarks_across():
    parts = all_parts() + all_parts("mlqa_r", MLQA_R)
    tables = list(markdown_tables(render(_page("language_bias", parts))).values())
    assert len(tables) == 4
    assert tables[0][0] == ["system", "xquad_r", "mlqa_r"]
    assert tables[0][5][:2] == ["xlm-r hybrid", "**111** [83, 139]"]
    assert tables[0][6][:2] == ["published", "287"]


@pytest.mark.parametrize("name", ["main", "language_bias"])
def test_overview_of_one_system_without_published_figures(name):
    parts = all_parts("bundled", ["en", "es"], ["static"], ["hybrid"], seeds=1)
    text = render(_page(name, parts))
    assert "Mean over 1 seed; n = 500 queries [95% interval of this seed only].\n" in text
    assert "published" not in text
    for _, *rows in markdown_tables(text).values():
        counts = ["queries"] if name == "language_bias" else []
        assert [row[0] for row in rows] == ["static hybrid", *counts]


# Marks.


def test_marks_stand_with_the_figures_and_the_legend_says_what_they_are():
    parts = all_parts("b", ["en", "es"], ["static"])
    for part, gain in zip(parts, (0.0, 0.2, 0.1), strict=True):
        part["value"] += gain
    frame = _frame("b", parts)
    tests = pd.concat(
        frame[frame["sampling"] == "x-y"][GROUP].assign(sampling_a=a, sampling_b=b, p_holm=p)
        for a, b, p in (("x-x-mono", "x-y", 0.01), ("x-y", "hybrid", 0.2))
    )
    page = _page("b", parts, tests)
    ((_, cells), *others) = _grids(page)[0].bands[0].rows
    assert cells[0] == Cell("0.5000")
    assert others[0][1][0] == Cell("0.7000", emphasis=BOLD)
    assert others[1][1][0] == Cell("0.6000", emphasis=UNDERLINED, mark=DAGGER)
    text = render(page)
    rows = _rows(text, "`all`", "monolingual, mAP")
    assert [row["en"] for row in rows.values()] == ["0.5000", "**0.7000**", "<ins>0.6000</ins>†"]
    assert rows["hybrid"]["mean"] == "<ins>0.6200</ins>† [0.3900, 0.6500]"
    legend = "†: the difference to the best is not significant"
    assert legend in text
    assert legend in _grids(page)[0].caption


def test_what_was_not_tested_is_said_so():
    parts = all_parts("b", ["en"], ["static"])
    for part, gain in zip(parts, (0.0, 0.2, 0.1), strict=True):
        part["value"] += gain
    text = render(_page("b", parts))
    assert "the second underlined; their differences were not tested." in text
    assert DAGGER not in text
