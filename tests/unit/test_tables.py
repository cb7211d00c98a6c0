"""Tables: tidy rows beside the right published figures, and Markdown that shows every cell."""

import csv
import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hybridbatch.cells import CELL_COLUMNS, PASSAGE_COLUMNS, SETTINGS
from hybridbatch.errors import DataError
from hybridbatch.tables import (
    SPECS,
    TIDY_COLUMNS,
    benchmark_markdown,
    benchmark_spec,
    counts_markdown,
    counts_table,
    overview_markdown,
    read_published,
    tidy,
    write_tidy,
)

pytestmark = pytest.mark.filterwarnings("error")

PUBLISHED_FILE = Path(__file__).parents[2] / "resources" / "published" / "hybrid_batch.csv"
PUBLISHED = read_published(PUBLISHED_FILE)
XQUAD_R = ["ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"]
MLQA_R = ["ar", "de", "en", "es", "hi", "vi", "zh"]
SAMPLINGS = ["x-x-mono", "x-y", "hybrid"]
ENCODERS = ["xlm-r", "labse"]
MEANS = ["mean", "mean_seen", "mean_unseen"]


def _cells(languages: list[str], seen: list[str], seeds: int = 3) -> pd.DataFrame:
    """Every cell of a system on a benchmark, in the order of `cells.score_cells`."""
    rows = []
    for metric in ("map", "recall_1", "recall_10", "rank_distance"):
        for setting in [name for name, metrics in SETTINGS.items() if metric in metrics]:
            for pool, names in (("all", [*languages, *MEANS]), ("seen", [*seen, "mean"])):
                for i, language in enumerate(names):
                    v = 100.0 + i if metric == "rank_distance" else 0.5 + i / 100
                    interval = (v * 0.75, v * 1.25)
                    rows.append((setting, pool, metric, language, v, *interval, 500, seeds))
    return pd.DataFrame(rows, columns=CELL_COLUMNS)


def _part(benchmark: str, encoder: str, sampling: str, cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that say, as score_cells.py writes them, which benchmark and system they are of."""
    return cells.assign(benchmark=benchmark, encoder=encoder, sampling=sampling)


def _parts(
    benchmark: str = "xquad_r",
    languages: list[str] = XQUAD_R,
    encoders: list[str] = ENCODERS,
    samplings: list[str] = SAMPLINGS,
    seeds: int = 3,
) -> list[pd.DataFrame]:
    return [
        _part(benchmark, encoder, sampling, _cells(languages, ["en", "es"], seeds))
        for encoder, sampling in product(encoders, samplings)
    ]


def _figure(frame: pd.DataFrame, **where: str) -> pd.Series:
    for column, wanted in where.items():
        frame = frame[frame[column] == wanted]
    assert len(frame) == 1
    return frame.iloc[0]


def _markdown_tables(text: str) -> dict[str, list[list[str]]]:
    """Rows of cells of each table, by its headings and first corner, and how they line up."""
    tables: dict[str, list[list[str]]] = {}
    headings: dict[int, str] = {}
    block: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            block.append(line)
        elif block:
            assert len(set(map(len, block))) == 1, "columns are not lined up"
            rows = [[c.strip() for c in re.split(r"(?<!\\)\|", row)[1:-1]] for row in block]
            assert len(set(map(len, rows))) == 1
            assert all(set(cell) == {"-"} for cell in rows.pop(1))
            name = " / ".join([*(headings[level] for level in sorted(headings)), rows[0][0]])
            assert name not in tables
            tables[name] = rows
            block = []
        if match := re.match(r"(#+) (.*)", line):
            level = len(match[1])
            headings = {k: v for k, v in headings.items() if k < level} | {level: match[2]}
    return tables


# Tidy rows.


def test_tidy_has_the_tidy_columns_and_the_cells_of_its_metrics():
    frame = tidy("xquad_r", benchmark_spec("XQuAD-R"), _parts(), PUBLISHED)
    assert list(frame.columns) == TIDY_COLUMNS
    assert set(frame["metric"]) == {"map", "recall_1", "recall_10"}
    assert set(frame["table"]) == {"xquad_r"}
    cells = _cells(XQUAD_R, ["en", "es"])
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
    parts = _parts()
    before = [part.copy() for part in parts]
    from_list = tidy("main", SPECS["main"], parts, PUBLISHED)
    from_iterator = tidy("main", SPECS["main"], (part for part in parts), PUBLISHED)
    pd.testing.assert_frame_equal(from_list, from_iterator)
    for part, old in zip(parts, before, strict=True):
        pd.testing.assert_frame_equal(part, old)


def test_rows_keep_the_benchmark_and_system_that_their_cells_carry():
    parts = [
        _part(b, e, s, _cells(["en"], ["en"]).assign(value=float(i)))
        for i, (b, e, s) in enumerate(product(["b", "c"], ["d", "e"], ["x-y", "hybrid"]))
    ]
    frame = tidy("main", SPECS["main"], reversed(parts), PUBLISHED)
    found = frame[["benchmark", "encoder", "sampling", "value"]].drop_duplicates()
    systems = product(["b", "c"], ["d", "e"], ["x-y", "hybrid"])
    expected = [(*names, float(i)) for i, names in enumerate(systems)]
    assert list(found.itertuples(index=False, name=None)) == expected[::-1]


@pytest.mark.parametrize("name", ["main", "language_bias"])
def test_overviews_have_only_means(name):
    frame = tidy(name, SPECS[name], _parts(), PUBLISHED)
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
    frame = tidy(name, spec, _parts(), PUBLISHED)
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
    parts = _parts() + _parts("mlqa_r", MLQA_R)
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
    frame = tidy(name, spec, _parts(encoders=["static"]), PUBLISHED)
    assert len(frame) > 0
    assert frame[["published", "delta"]].isna().all(axis=None)
    assert frame["value"].notna().all()


def test_figure_published_twice_for_a_cell_is_refused():
    twice = PUBLISHED[PUBLISHED["table"] == 1].assign(table=3)
    with pytest.raises(pd.errors.MergeError):
        tidy("xquad_r", benchmark_spec("-"), _parts(), pd.concat([PUBLISHED, twice]))


# Published figures.

HEADER = "table,dataset,model,sampling,setting,metric,language,value\n"
LINE = "1,xquad_r,labse,hybrid,monolingual,map,{},{}\n"


def _refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / "published.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_published(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_unknown_column_is_named(tmp_path):
    message = _refused(tmp_path, HEADER.replace("sampling", "batches"))
    assert message.startswith("line 1: columns are table, dataset, model, batches, setting,")
    assert "expected table, dataset, model, sampling, setting," in message


def test_cell_that_stands_twice_is_named(tmp_path):
    lines = LINE.format("en", ".8") + LINE.format("no", ".7") + LINE.format("en", ".9")
    assert _refused(tmp_path, HEADER + lines) == "line 4 repeats a cell."


@pytest.mark.parametrize("value", ["", "n/a", "0,7"])
def test_value_that_is_not_a_number_is_named(tmp_path, value):
    lines = LINE.format("en", ".8") + LINE.format("es", f'"{value}"')
    assert _refused(tmp_path, HEADER + lines) == "line 3: the value is not a number."


def test_language_codes_that_look_like_something_else_stay_text(tmp_path):
    path = tmp_path / "published.csv"
    path.write_text(HEADER + LINE.format("nan", ".8") + LINE.format("no", ".7"), encoding="utf-8")
    assert list(read_published(path)["language"]) == ["nan", "no"]


# MIRACL.

MIRACL = ["sw", "bn", "hi", "ko", "th", "te", "fi", "ja", "es", "fr", "ru", "zh", "fa", "ar", "id"]


def _miracl(pool: str = "all") -> list[pd.DataFrame]:
    """Cells of every system in 15 languages and English, with mean and median rows."""
    names = [*MIRACL, "en", "mean", "median", "mean_seen"]
    rows = [
        ("monolingual", pool, metric, code, 0.5 + i / 100, 0.4, 0.9, 200, 1)
        for metric in ("ndcg_10", "recall_100")
        for i, code in enumerate(names)
    ]
    cells = pd.DataFrame(rows, columns=CELL_COLUMNS)
    there = cells["language"].isin(["en", *MIRACL])
    cells["pool_size"] = pd.array(there.map({True: 131924, False: None}), dtype="Int64")
    absent = (cells["language"] == "sw").map({True: 3, False: 0}).where(there, None)
    cells["absent_relevant"] = pd.array(absent, dtype="Int64")
    return [_part("miracl", e, s, cells) for e, s in product(ENCODERS, SAMPLINGS)]


def test_published_figures_of_miracl_are_all_used():
    frame = tidy("miracl", benchmark_spec("MIRACL"), _miracl(), PUBLISHED)
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


def test_judged_passages_have_no_published_figures():
    frame = tidy("miracl", benchmark_spec("MIRACL"), _miracl("judged"), PUBLISHED)
    assert frame["published"].isna().all()
    text = benchmark_markdown("MIRACL", frame, 0.95)
    assert "pool `judged`: judged passages only" in text


def test_pool_sizes_stand_behind_languages_and_absent_passages_are_told():
    frame = tidy("miracl", benchmark_spec("MIRACL"), _miracl(), PUBLISHED)
    text = benchmark_markdown("MIRACL", frame, 0.95, MIRACL)
    assert "that count as not found: sw 3." in text
    assert "- query languages in these: sw, bn, hi," in text
    tables = _markdown_tables(text)
    assert len(tables) == 4
    for rows in tables.values():
        names = [row[0] for row in rows[1:]]
        assert names[0] == "sw (131,924)"
        assert names[-3:] == ["mean", "median", "mean_seen"]
        assert all("[" in cell for row in rows[-3:] for cell in row[1:])


# CSV.


def test_absent_is_an_empty_field(tmp_path):
    cells = _cells(["en"], ["en"]).head(1).assign(ci_low=np.nan, ci_high=np.nan)
    parts = [_part("bundled", "static", "hybrid", cells)]
    frame = tidy("bundled", benchmark_spec("Bundled"), parts, PUBLISHED)
    write_tidy(tmp_path / "table.csv", frame)
    expected = (
        ",".join(TIDY_COLUMNS)
        + "\nbundled,bundled,static,hybrid,monolingual,all,map,en,0.500000,,,500,3,,\n"
    )
    assert (tmp_path / "table.csv").read_bytes().decode() == expected


def test_figures_have_six_decimals(tmp_path):
    frame = tidy("main", SPECS["main"], _parts(encoders=["xlm-r"]), PUBLISHED)
    write_tidy(tmp_path / "table.csv", frame)
    lines = (tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()
    expected = (
        "main,xquad_r,xlm-r,x-x-mono,monolingual,all,map,mean,"
        "0.610000,0.457500,0.762500,500,3,0.792000,-0.182000"
    )
    assert expected in lines
    assert len(lines) == 1 + len(frame)


# Markdown of one benchmark.


def _benchmark(**options: Any) -> str:
    frame = tidy("xquad_r", benchmark_spec("XQuAD-R"), _parts(**options), PUBLISHED)
    return benchmark_markdown("XQuAD-R", frame, 0.95)


def test_a_table_for_each_encoder_pool_setting_and_metric():
    names = list(_markdown_tables(_benchmark()))
    pools = {
        "all": "every language of the benchmark",
        "seen": "only the languages with training data",
    }
    settings = [
        ("monolingual", "mAP"),
        ("monolingual", "R@1"),
        ("cross-lingual", "mAP"),
        ("cross-lingual", "R@1"),
        ("multilingual", "mAP"),
        ("multilingual", "R@10"),
    ]
    assert names == [
        f"XQuAD-R / {encoder}, pool `{pool}`: {pools[pool]} / xquad_r, {setting} / {metric}"
        for encoder, pool, (setting, metric) in product(ENCODERS, pools, settings)
    ]


def test_every_language_stands_once_with_samplings_across():
    for name, (first, *rows) in _markdown_tables(_benchmark()).items():
        assert first[1:] == SAMPLINGS
        expected = ["en", "es", "mean"] if "`seen`" in name else [*XQUAD_R, *MEANS]
        assert [row[0] for row in rows] == expected
        assert all(cell for row in rows for cell in row)


def test_languages_show_value_and_published_and_means_their_interval_too():
    tables = _markdown_tables(_benchmark(encoders=["xlm-r"]))
    (rows,) = (t for name, t in tables.items() if "`all`" in name and "monolingual / mAP" in name)
    cells = {row[0]: row[1] for row in rows}
    assert cells["ar"] == "0.5000 (0.7581)"
    assert cells["en"] == "0.5300 (0.8327)"
    assert cells["mean"] == "0.6100 (0.7918) [0.4575, 0.7625]"
    assert cells["mean_seen"] == "0.6200 [0.4650, 0.7750]"
    assert cells["mean_unseen"] == "0.6300 [0.4725, 0.7875]"


def test_published_figures_stand_in_the_pool_of_all_languages_only():
    for name, (_, *rows) in _markdown_tables(_benchmark()).items():
        for row in rows:
            published = all("(" in cell for cell in row[1:])
            assert published == ("`all`" in name and row[0] not in MEANS[1:])


def test_note_says_what_the_brackets_are():
    assert (
        "Mean over 3 seeds (the published figure) [95% bootstrap interval over queries and seeds]."
    ) in _benchmark()


def test_benchmark_without_published_figures_has_no_round_brackets():
    parts = _parts("bundled", ["ca", "en", "eo", "es"], encoders=["static"])
    frame = tidy("bundled", benchmark_spec("Bundled"), parts, PUBLISHED)
    text = benchmark_markdown("Bundled", frame, 0.95)
    assert "(" not in text
    assert len(_markdown_tables(text)) == 12


def test_one_sampling_and_one_seed():
    text = _benchmark(encoders=["xlm-r"], samplings=["hybrid"], seeds=1)
    assert (
        "Mean over 1 seed (the published figure) [95% bootstrap interval over queries].\n" in text
    )
    for first, *_ in _markdown_tables(text).values():
        assert first[1:] == ["hybrid"]


def test_means_without_an_interval_have_no_square_brackets():
    cells = _cells(["en"], ["en"], seeds=1).assign(ci_low=np.nan, ci_high=np.nan)
    frame = tidy("b", benchmark_spec("B"), [_part("b", "static", "hybrid", cells)], PUBLISHED)
    text = benchmark_markdown("B", frame, 0.95)
    assert "Mean over 1 seed.\n" in text
    assert "[" not in text
    assert "nan" not in text


def test_sampling_without_a_cell_leaves_it_empty():
    parts = [
        _part("b", "static", "x-y", _cells(["en", "es"], ["en"])),
        _part("b", "static", "hybrid", _cells(["en"], ["en"])),
    ]
    frame = tidy("b", benchmark_spec("B"), parts, PUBLISHED)
    tables = _markdown_tables(benchmark_markdown("B", frame, 0.95))
    (rows,) = (t for name, t in tables.items() if "`all`" in name and "monolingual / mAP" in name)
    assert [row for row in rows if row[0] == "es"] == [["es", "0.5100", ""]]


def test_pipes_in_names_are_escaped():
    text = _benchmark(encoders=["a|b"], samplings=["x|y", "hybrid"])
    for first, *_ in _markdown_tables(text).values():
        assert first[1:] == [r"x\|y", "hybrid"]
    frame = tidy("main", SPECS["main"], _parts(encoders=["a|b"], samplings=["x|y"]), PUBLISHED)
    for _, *rows in _markdown_tables(overview_markdown("Main", frame, 0.95)).values():
        assert [row[0] for row in rows] == [r"a\|b x\|y"]


def test_rank_distance_has_one_decimal_as_published():
    parts = _parts(encoders=["xlm-r"]) + _parts("mlqa_r", MLQA_R, encoders=["xlm-r"])
    frame = tidy("rank_distance", SPECS["rank_distance"], parts, PUBLISHED)
    tables = _markdown_tables(benchmark_markdown("Rank distance", frame, 0.95))
    assert len(tables) == 4
    (rows,) = (t for n, t in tables.items() if "`all`" in n and "xquad_r, multilingual" in n)
    cells = {row[0]: row[2] for row in rows}
    assert rows[0] == ["rank distance", *SAMPLINGS]
    assert cells["ar"] == "100.0 (371.5)"
    assert cells["mean"] == "111.0 (295.4) [83.2, 138.8]"


# Markdown of the overviews.


def test_main_overview_has_systems_down_and_settings_across():
    frame = tidy("main", SPECS["main"], _parts() + _parts("mlqa_r", MLQA_R), PUBLISHED)
    tables = _markdown_tables(overview_markdown("Main", frame, 0.95))
    assert len(tables) == 8  # 2 benchmarks; 3 means in pool `all`, 1 in `seen`
    name = "Main / Mean over all query languages; pool `all`: every language of the benchmark"
    rows = tables[f"{name} / xquad_r / system"]
    assert rows[0][1:] == ["monolingual", "cross-lingual", "multilingual"]
    assert [row[0] for row in rows[1:]] == [f"{e} {s}" for e, s in product(ENCODERS, SAMPLINGS)]
    assert rows[1][1:3] == ["0.610 (0.792) [0.458, 0.762]", "0.610 (0.674) [0.458, 0.762]"]
    assert f"{name} / mlqa_r / system" in tables
    unseen = next(t for n, t in tables.items() if "without training data" in n)
    assert unseen[1][1] == "0.630 [0.473, 0.787]"


def test_language_bias_overview_has_benchmarks_across():
    parts = _parts() + _parts("mlqa_r", MLQA_R)
    frame = tidy("language_bias", SPECS["language_bias"], parts, PUBLISHED)
    tables = list(_markdown_tables(overview_markdown("Bias", frame, 0.95)).values())
    assert len(tables) == 4
    assert tables[0][0] == ["system", "xquad_r", "mlqa_r"]
    assert tables[0][3][:2] == ["xlm-r hybrid", "111 (287) [83, 139]"]


@pytest.mark.parametrize("name", ["main", "language_bias"])
def test_overview_of_one_system_without_published_figures(name):
    parts = _parts("bundled", ["en", "es"], ["static"], ["hybrid"], seeds=1)
    text = overview_markdown("-", tidy(name, SPECS[name], parts, PUBLISHED), 0.95)
    assert "Mean over 1 seed [95% bootstrap interval over queries].\n" in text
    assert "(" not in text
    for _, *rows in _markdown_tables(text).values():
        assert [row[0] for row in rows] == ["static hybrid"]


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
    rows = _markdown_tables(counts_markdown("Data", frame, "benchmark"))
    assert list(rows.values()) == [[["benchmark, language", "queries"], ["bundled en", "167"]]]


def test_counts_markdown_has_counts_across_and_published_in_round_brackets():
    frame = counts_table("evaluation_data", COUNTS, PUBLISHED_COUNTS)
    (rows,) = _markdown_tables(counts_markdown("Data", frame, "benchmark")).values()
    assert rows == [
        ["benchmark, language", "queries", "candidates"],
        ["xquad_r ar", "1,190 (1,190)", "1,200 (1,222)"],
        ["bundled en", "167", ""],
    ]
