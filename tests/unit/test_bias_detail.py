"""The table of language bias: plain means, intervals that are the cells' own, readable Markdown."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from hybridbatch.evaluation.bias_summary import (
    CELL_COLUMNS,
    DETAIL_COLUMNS,
    bias_cells,
    bias_detail,
)
from hybridbatch.evaluation.estimates import estimate, sample
from hybridbatch.evaluation.language_bias import BIAS_SCHEMA
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.bias_detail import bias_page

pytestmark = pytest.mark.filterwarnings("error")

LANGUAGES = ["en", "de", "ar"]
ASKED = [("en", pd.DataFrame({"query_id": ["a", "b", "c"]}))]  # questions of no known article
Row = tuple[str, str, str, int | None, str, float, float | None]


def _table(*rows: Row, pool: str = "all") -> pa.Table:
    """Rows of measure, query language, candidate language, k, query, value, fair share."""
    records = []
    for measure, asked, candidate, k, query, value, fair in rows:
        values = (pool, measure, asked, candidate, k, query, value, fair)
        records.append(dict(zip(BIAS_SCHEMA.names, values, strict=True)))
    return pa.Table.from_pylist(records, BIAS_SCHEMA)


def _shares(query: str, of_language: dict[str, tuple[float, ...]]) -> list[Row]:
    fair = (0.5, 0.3, 0.2)
    return [
        ("share_at_k", asked, code, 10, query, value, share)
        for asked, values in of_language.items()
        for code, value, share in zip(LANGUAGES, values, fair, strict=True)
    ]


def _figures(cells: pd.DataFrame, measure: str, column: str = "value") -> dict:
    part = cells[cells["measure"] == measure]
    pairs = zip(part["query_language"], part["candidate_language"], strict=True)
    return dict(zip(pairs, part[column], strict=True))


def test_shares_are_averaged_over_queries_then_over_query_languages():
    rows = [
        *_shares("a", {"en": (0.6, 0.4, 0.0), "ar": (0.1, 0.1, 0.8)}),
        *_shares("b", {"en": (0.8, 0.2, 0.0)}),
    ]
    cells = bias_cells({0: _table(*rows)}, LANGUAGES, ASKED, 0.95)
    assert list(cells.columns) == CELL_COLUMNS
    assert _figures(cells, "share_at_k") == pytest.approx(
        {
            ("en", "en"): 0.7, ("en", "de"): 0.3, ("en", "ar"): 0.0,
            ("ar", "en"): 0.1, ("ar", "de"): 0.1, ("ar", "ar"): 0.8,
            ("mean", "en"): 0.4, ("mean", "de"): 0.2, ("mean", "ar"): 0.4, ("mean", "same"): 0.75,
        }
    )  # fmt: skip
    fair = _figures(cells, "share_at_k", "fair")
    assert fair["ar", "de"] == fair["mean", "de"] == 0.3
    assert fair["mean", "same"] == pytest.approx((0.5 + 0.2) / 2)
    assert (cells["k"] == 10).all()
    n = _figures(cells, "share_at_k", "n_queries")
    assert (n["en", "de"], n["ar", "de"], n["mean", "de"]) == (2, 1, 2)
    assert list(cells["query_language"].unique()) == ["en", "ar", "mean"]


def test_one_query_has_no_interval():
    rows = [
        *_shares("a", {"en": (0.6, 0.4, 0.0), "ar": (0.1, 0.1, 0.8)}),
        *_shares("b", {"en": (0.8, 0.2, 0.0)}),
    ]
    cells = bias_cells({0: _table(*rows)}, LANGUAGES, ASKED, 0.95)
    low, high = (_figures(cells, "share_at_k", end) for end in ("ci_low", "ci_high"))
    assert np.isnan(low["ar", "en"])
    assert np.isnan(high["ar", "en"])
    # Of .6 and .8: with one degree of freedom wider than shares can be.
    assert (low["en", "en"], high["en", "en"]) == (0, 1)
    alone = bias_cells({0: _table(*rows[:6])}, LANGUAGES, ASKED, 0.95)
    assert alone[["ci_low", "ci_high"]].isna().all(axis=None)
    assert "[" not in render(bias_page(_detail(alone), 0.95))


def test_a_correlation_stands_in_both_directions_and_averages_over_the_others():
    rows = [
        ("rank_correlation", a, b, None, query, value, None)
        for a, b, query, value in (
            ("en", "de", "a", 0.2), ("en", "de", "b", 0.4), ("en", "ar", "a", 0.6),
            ("de", "ar", "a", 0.9),
        )
    ]  # fmt: skip
    cells = bias_cells({0: _table(*rows)}, LANGUAGES, ASKED, 0.95)
    assert _figures(cells, "rank_correlation") == pytest.approx(
        {
            ("en", "de"): 0.3, ("en", "ar"): 0.6, ("en", "mean"): 0.45,
            ("de", "en"): 0.3, ("de", "ar"): 0.9, ("de", "mean"): 0.6,
            ("ar", "en"): 0.6, ("ar", "de"): 0.9, ("ar", "mean"): 0.75,
            ("mean", "mean"): 0.6,
        }
    )  # fmt: skip
    assert cells["k"].isna().all()
    assert cells["fair"].isna().all()


def test_mean_ranks_are_averaged_over_seeds_and_languages_without_an_answer_do_not_count():
    def table(shift: int) -> pa.Table:
        return _table(
            ("mean_rank", "en", "same", None, "a", 1.0 + shift, None),
            ("mean_rank", "en", "same", None, "b", 3.0 + shift, None),
            ("mean_rank", "en", "other", None, "a", 10.0 + shift, None),
            ("mean_rank", "de", "same", None, "a", 20.0 + shift, None),
        )

    cells = bias_cells({7: table(0), 3: table(4)}, LANGUAGES, ASKED, 0.95)
    assert _figures(cells, "mean_rank") == {
        ("en", "same"): 4, ("en", "other"): 12, ("de", "same"): 22,
        ("mean", "same"): 13, ("mean", "other"): 12,
    }  # fmt: skip
    assert (cells["n_seeds"] == 2).all()


def test_intervals_are_those_of_the_other_tables():
    rng = np.random.default_rng(0)
    values = rng.random((3, 25))
    tables = {
        seed: _table(
            *(
                ("mean_rank", "en", "same", None, f"q{i:02d}", 100 * v, None)
                for i, v in enumerate(row)
            )
        )
        for seed, row in enumerate(values)
    }
    asked = {"query_id": [f"q{i:02d}" for i in range(25)], "article": [i // 5 for i in range(25)]}
    articles = pd.DataFrame(asked).astype("str")
    cells = bias_cells(tables, LANGUAGES, [("en", articles)], 0.95)
    found = estimate(sample(100 * values[None], np.ones((1, 1)), np.repeat(range(5), 5)))
    low, high = found.interval(0.95)
    for row in cells.itertuples():
        expected = (found.value[0], low[0], high[0])
        assert (row.value, row.ci_low, row.ci_high) == pytest.approx(expected)


@pytest.mark.parametrize("queries", [["a"], ["a", "c"]])
def test_seeds_that_differ_in_queries_are_refused(queries):
    first, second = (
        _table(*(("mean_rank", "en", "same", None, q, 1.0, None) for q in asked))
        for asked in (["a", "b"], queries)
    )
    with pytest.raises(DataError, match=r"mean_rank of queries in en, pool all: seeds \[0, 1\]"):
        bias_cells({0: first, 1: second}, LANGUAGES, ASKED, 0.95)


def _detail(*cells: pd.DataFrame) -> pd.DataFrame:
    names = ("x-y", "hybrid")
    return bias_detail(
        part.assign(benchmark="quiz", encoder="tiny", sampling=sampling)
        for sampling, part in zip(names, cells, strict=False)
    )


def test_markdown_has_shares_over_fair_mean_ranks_and_correlations():
    rows = []
    for query in ("a", "b"):
        rows += _shares(query, {"en": (0.6, 0.3, 0.1), "de": (0.25, 0.6, 0.15)})
        rows += [(*row[:3], 100, *row[4:]) for row in rows[-6:]]
        rows += [
            ("mean_rank", "en", side, None, query, r, None)
            for side, r in (("same", 2.0), ("other", 7.5))
        ]
        rows += [("rank_correlation", "en", "de", None, query, 0.25, None)]
    cells = bias_cells({0: _table(*rows)}, LANGUAGES, ASKED, 0.95)
    frame = _detail(cells, cells)
    assert list(frame.columns) == DETAIL_COLUMNS
    assert set(frame["table"]) == {"bias_detail"}
    text = render(bias_page(frame, 0.95))
    assert "Means over queries and 1 seed. docs/metrics.md" in text
    lines = [" ".join(line.replace("|", " ").split()) for line in text.splitlines()]
    assert "## quiz, tiny, pool `all`: every language of the benchmark" in text
    # (.6 + .6) / 2 over (.5 + .3) / 2.
    overview = "1.50 1.50 2.0 7.5 0.250"  # equal values have no interval
    for sampling in ("x-y", "hybrid"):
        assert f"{sampling} {overview}" in lines
        start = lines.index(f"### {sampling}: share@10 over fair, candidate languages across")
        assert lines[start + 2 : start + 8] == [
            "query language en de ar",
            lines[start + 3],
            "en 1.20 1.00 0.50",
            "de 0.50 2.00 0.75",
            "mean 0.85 1.50 0.62",
            "fair share 50.0% 30.0% 20.0%",
        ]
    assert "query language x-y, same x-y, other hybrid, same hybrid, other" in lines
    assert "en 2.0 7.5 2.0 7.5" in lines
    assert "de 0.250 0.250" in lines
    assert "nan" not in text
