"""Tables: tidy rows beside the right published figures."""

import csv
from itertools import product

import numpy as np
import pandas as pd
import pytest
from scores import (
    MEANS,
    MIRACL,
    MLQA_R,
    PUBLISHED,
    PUBLISHED_FILE,
    XQUAD_R,
    all_parts,
    cells_of,
    markdown_tables,
    miracl_parts,
    of_system,
)

from hybridbatch.evaluation.settings import PASSAGE_COLUMNS
from hybridbatch.render.markdown import render
from hybridbatch.render.write import write_tidy
from hybridbatch.tables.columns import TIDY_COLUMNS
from hybridbatch.tables.counts import counts_page, counts_table
from hybridbatch.tables.scores import (
    SPECS,
    benchmark_spec,
    tidy,
)

pytestmark = pytest.mark.filterwarnings("error")


def _figure(frame: pd.DataFrame, **where: str) -> pd.Series:
    for column, wanted in where.items():
        frame = frame[frame[column] == wanted]
    assert len(frame) == 1
    return frame.iloc[0]


# Tidy rows.


def test_tidy_has_the_tidy_columns_and_the_cells_of_its_metrics():
    frame = tidy("xquad_r", benchmark_spec("XQuAD-R"), all_parts(), PUBLISHED)
    assert list(frame.columns) == TIDY_COLUMNS
    assert set(frame["metric"]) == {"map", "recall_1", "recall_10"}
    assert set(frame["table"]) == {"xquad_r"}
    cells = cells_of(XQUAD_R, ["en", "es"])
    assert len(frame) == 6 * (cells["metric"] != "rank_distance").sum()
    row = _figure(
        frame,
        encoder="labse",
        sampling="x-y",
        setting="multilingual",
        pool="seen",
        metric="recall_10",
        language="es",
    )
    assert (row["value"], row["ci_low"], row["ci_high"]) == (0.51, 0.51 * 0.75, 0.51 * 1.25)
    assert (row["n_queries"], row["n_seeds"]) == (500, 3)


def test_tidy_takes_any_iterable_and_leaves_the_cells_as_they_were():
    parts = all_parts()
    before = [part.copy() for part in parts]
    from_list = tidy("main", SPECS["main"], parts, PUBLISHED)
    from_iterator = tidy("main", SPECS["main"], (part for part in parts), PUBLISHED)
    pd.testing.assert_frame_equal(from_list, from_iterator)
    for part, old in zip(parts, before, strict=True):
        pd.testing.assert_frame_equal(part, old)


def test_rows_keep_the_benchmark_and_system_that_their_cells_carry():
    parts = [
        of_system(b, e, s, cells_of(["en"], ["en"]).assign(value=float(i)))
        for i, (b, e, s) in enumerate(product(["b", "c"], ["d", "e"], ["x-y", "hybrid"]))
    ]
    frame = tidy("main", SPECS["main"], reversed(parts), PUBLISHED)
    found = frame[["benchmark", "encoder", "sampling", "value"]].drop_duplicates()
    systems = product(["b", "c"], ["d", "e"], ["x-y", "hybrid"])
    expected = [(*names, float(i)) for i, names in enumerate(systems)]
    assert list(found.itertuples(index=False, name=None)) == expected[::-1]


@pytest.mark.parametrize("name", ["main", "language_bias"])
def test_overviews_have_only_means(name):
    frame = tidy(name, SPECS[name], all_parts(), PUBLISHED)
    assert set(frame["language"]) == set(MEANS)
    assert set(frame["metric"]) == {"map" if name == "main" else "rank_distance"}


@pytest.mark.parametrize(
    ("name", "where", "published"),
    [
        ("xquad_r", "xlm-r x-x-mono monolingual map en", 0.8327),
        ("xquad_r", "xlm-r hybrid multilingual recall_10 en", 0.5594),
        ("xquad_r", "xlm-r x-y cross-lingual recall_1 mean", 0.5898),
        ("xquad_r", "xlm-r x-x-mono monolingual map mean", 0.7918),  # .792 in Table 1
        ("main", "xlm-r x-x-mono monolingual map mean", 0.792),
        ("main", "xlm-r x-y cross-lingual map mean", 0.700),
        ("language_bias", "xlm-r hybrid multilingual rank_distance mean", 287),
        ("rank_distance", "xlm-r x-y multilingual rank_distance ar", 371.5),
    ],
)
def test_published_figures_stand_beside_their_cells(name, where, published):
    spec = SPECS.get(name) or benchmark_spec("XQuAD-R")
    frame = tidy(name, spec, all_parts(), PUBLISHED)
    keys = ("encoder", "sampling", "setting", "metric", "language")
    row = _figure(frame, pool="all", **dict(zip(keys, where.split(), strict=True)))
    assert row["published"] == published
    assert row["delta"] == pytest.approx(row["value"] - published, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("benchmark", {"3", "4", "5", "6"}),
        ("main", {"1"}),
        ("language_bias", {"2"}),
        ("rank_distance", {"7", "8"}),
    ],
)
def test_every_published_figure_is_used_once_and_nothing_else(name, tables):
    spec = SPECS.get(name) or benchmark_spec("both")
    parts = all_parts() + all_parts("mlqa_r", MLQA_R)
    frame = tidy(name, spec, parts, PUBLISHED)
    found = frame.dropna(subset="published")
    columns = ["benchmark", "encoder", "sampling", "setting", "metric", "language", "published"]
    with PUBLISHED_FILE.open(encoding="utf-8") as file:
        rows = [list(row.values()) for row in csv.DictReader(file) if row["table"] in tables]
    expected = {(*row[1:-1], float(row[-1])) for row in rows}
    assert len(found) == len(rows) == len(expected)
    assert set(found[columns].itertuples(index=False, name=None)) == expected
    assert set(found["pool"]) == {"all"}
    assert (found["delta"] == found["value"] - found["published"]).all()
    assert frame["delta"].isna().equals(frame["published"].isna())


@pytest.mark.parametrize("name", ["xquad_r", "main", "language_bias", "rank_distance"])
def test_encoder_that_the_paper_has_not_has_no_published_figures(name):
    spec = SPECS.get(name) or benchmark_spec("XQuAD-R")
    frame = tidy(name, spec, all_parts(encoders=["static"]), PUBLISHED)
    assert len(frame) > 0
    assert frame[["published", "delta"]].isna().all(axis=None)
    assert frame["value"].notna().all()


def test_figure_published_twice_for_a_cell_is_refused():
    twice = PUBLISHED[PUBLISHED["table"] == 1].assign(table=3)
    with pytest.raises(pd.errors.MergeError):
        tidy("xquad_r", benchmark_spec("-"), all_parts(), pd.concat([PUBLISHED, twice]))


# MIRACL.


def test_published_figures_of_miracl_are_all_used():
    frame = tidy("miracl", benchmark_spec("MIRACL"), miracl_parts(), PUBLISHED)
    assert list(frame.columns) == [*TIDY_COLUMNS, *PASSAGE_COLUMNS]
    found = frame.dropna(subset="published")
    of_paper = PUBLISHED[PUBLISHED["table"].isin([12, 13])]
    assert len(found) == len(of_paper) == 2 * 3 * 2 * 17
    assert set(found["language"]) == {*MIRACL, "mean", "median"}
    keys = ["encoder", "sampling", "metric", "language"]
    both = found.merge(of_paper, on=keys, suffixes=("", "_paper"), validate="one_to_one")
    assert (both["published"] == both["published_paper"]).all()


def test_published_averages_of_miracl_are_over_the_printed_languages():
    """What `averaged` of the paper's configuration says."""
    of_paper = PUBLISHED[PUBLISHED["table"].isin([12, 13])]
    for _, part in of_paper.groupby(["encoder", "sampling", "metric"]):
        printed = part.set_index("language")["published"]
        languages = printed.drop(["mean", "median"])
        assert set(languages.index) == set(MIRACL)
        assert printed["mean"] == pytest.approx(languages.mean(), abs=0.5001e-4)
        assert printed["median"] == languages.median()


# CSV.


def test_absent_is_an_empty_field(tmp_path):
    cells = cells_of(["en"], ["en"]).head(1).assign(ci_low=np.nan, ci_high=np.nan)
    parts = [of_system("bundled", "static", "hybrid", cells)]
    frame = tidy("bundled", benchmark_spec("Bundled"), parts, PUBLISHED)
    write_tidy(tmp_path / "table.csv", frame)
    expected = (
        ",".join(TIDY_COLUMNS)
        + "\nbundled,bundled,static,hybrid,monolingual,all,map,en,0.500000,,,500,3,,\n"
    )
    assert (tmp_path / "table.csv").read_bytes().decode() == expected


def test_figures_have_six_decimals(tmp_path):
    frame = tidy("main", SPECS["main"], all_parts(encoders=["xlm-r"]), PUBLISHED)
    write_tidy(tmp_path / "table.csv", frame)
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    expected = (
        "main,xquad_r,xlm-r,x-x-mono,monolingual,all,map,mean,"
        "0.610000,0.457500,0.762500,500,3,0.792000,-0.182000"
    )
    assert expected in lines
    assert len(lines) == 1 + len(frame)


# Counts.

COUNTS = [
    {"benchmark": "xquad_r", "metric": "queries", "language": "ar", "value": 1190},
    {"benchmark": "xquad_r", "metric": "candidates", "language": "ar", "value": 1200},
    {"benchmark": "bundled", "metric": "queries", "language": "en", "value": 167},
]
PUBLISHED_COUNTS = {("xquad_r", "queries", "ar"): 1190, ("xquad_r", "candidates", "ar"): 1222}


def test_counts_stand_beside_the_published_ones(tmp_path):
    frame = counts_table("evaluation_data", COUNTS, PUBLISHED_COUNTS)
    assert list(frame.columns) == TIDY_COLUMNS
    write_tidy(tmp_path / "counts.csv", frame)
    assert (tmp_path / "counts.csv").read_text(encoding="utf-8").splitlines()[1:] == [
        "evaluation_data,xquad_r,,,,,queries,ar,1190,,,,,1190,0",
        "evaluation_data,xquad_r,,,,,candidates,ar,1200,,,,,1222,-22",
        "evaluation_data,bundled,,,,,queries,en,167,,,,,,",
    ]


def test_counts_without_any_published_one(tmp_path):
    frame = counts_table("evaluation_data", COUNTS[2:], {})
    write_tidy(tmp_path / "counts.csv", frame)
    text = (tmp_path / "counts.csv").read_text(encoding="utf-8")
    assert text.endswith("\nevaluation_data,bundled,,,,,queries,en,167,,,,,,\n")
    rows = markdown_tables(render(counts_page("data", "Data", frame, "benchmark")))
    assert list(rows.values()) == [[["benchmark, language", "queries"], ["bundled en", "167"]]]


def test_counts_markdown_has_counts_across_and_published_in_round_brackets():
    frame = counts_table("evaluation_data", COUNTS, PUBLISHED_COUNTS)
    (rows,) = markdown_tables(render(counts_page("data", "Data", frame, "benchmark"))).values()
    assert rows == [
        ["benchmark, language", "queries", "candidates"],
        ["xquad_r ar", "1,190 (1,190)", "1,200 (1,222)"],
        ["bundled en", "167", ""],
    ]
