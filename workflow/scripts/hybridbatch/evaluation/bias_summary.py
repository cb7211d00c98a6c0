"""The table of language bias in detail: means with intervals, and a page to read."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from hybridbatch.evaluation.aggregate import MEAN, StatisticsConfig, bootstrap
from hybridbatch.evaluation.language_bias import (
    CORRELATION,
    CUTOFFS,
    MEAN_RANK,
    MEASURES,
    OTHER,
    SAME,
    SHARE,
)
from hybridbatch.render.grid import Cell, Grid, Page, pivoted, plain
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.scores import POOL_TITLES, interval_phrase, seeds_phrase

CELL_COLUMNS = [
    "pool",
    "measure",
    "query_language",
    "candidate_language",
    "k",
    "value",
    "fair",
    "ci_low",
    "ci_high",
    "n_queries",
    "n_seeds",
]
DETAIL_COLUMNS = ["table", "benchmark", "encoder", "sampling", *CELL_COLUMNS]
_GROUP = CELL_COLUMNS[:5]


def bias_cells(
    tables: dict[int, pa.Table], languages: Sequence[str], config: StatisticsConfig
) -> pd.DataFrame:
    """Means over queries and seeds of one system on one benchmark; columns CELL_COLUMNS.

    tables: bias.BIAS_SCHEMA, by seed. Query language `mean` is the macro average over the query
    languages; of shares it also has candidate language `same`, the share of the query's own. A
    correlation stands in both directions, and with candidate language `mean`, the macro average
    over the other languages. Intervals as those of `cells.score_cells`: a question in all its
    languages is one unit, and one question has none. Raises DataError if the seeds differ in
    their queries.
    """
    groups, tensor, fair, seeds = _collect(tables)
    cells = _cells(groups, [*languages, SAME, OTHER, MEAN])
    weights = np.array(list(cells.values()))
    point, low, high = bootstrap(tensor, weights, config)
    present = ~np.isnan(tensor[:, 0, :])
    n_queries = np.array([present[weight > 0].any(0).sum() for weight in weights])
    frame = pd.DataFrame(list(cells), columns=_GROUP)
    shares = frame["measure"] == SHARE
    return frame.assign(
        k=frame["k"].astype("Int64").where(shares),
        value=point,
        fair=np.where(shares, weights @ np.nan_to_num(fair), np.nan),
        ci_low=np.where(n_queries > 1, low, np.nan),
        ci_high=np.where(n_queries > 1, high, np.nan),
        n_queries=n_queries,
        n_seeds=len(seeds),
    )[CELL_COLUMNS]


def _collect(
    tables: dict[int, pa.Table],
) -> tuple[list[tuple], np.ndarray, np.ndarray, list[int]]:
    """The groups, by their _GROUP values; their figures [groups, seeds, queries]; their fair
    shares [groups]; the seeds.
    """
    seeds = sorted(tables)
    frame = pd.concat([tables[seed].to_pandas().assign(seed=i) for i, seed in enumerate(seeds)])
    frame["k"] = frame["k"].fillna(0).astype("int64")  # what has no k is a group, too
    by_group = frame.groupby(_GROUP, sort=False)
    fair = by_group["fair"].first()
    query, ids = pd.factorize(frame["query_id"])
    tensor = np.full((len(fair), len(seeds), len(ids)), np.nan)
    tensor[by_group.ngroup(), frame["seed"], query] = frame["value"]
    present = ~np.isnan(tensor)
    differing = (present != present[:, :1]).any((1, 2))
    if differing.any():
        pool, measure, asked, *_ = fair.index[differing][0]
        raise DataError(
            f"{measure} of queries in {asked}, pool {pool}: seeds {seeds} were not measured on "
            "the same queries; rerun measure_bias for all of them."
        )
    return list(fair.index), tensor, fair.to_numpy(dtype=float), seeds


def _cells(groups: list[tuple], order: list[str]) -> dict[tuple, np.ndarray]:
    """The groups' weights [groups] in each row of the table, by the row's _GROUP values.

    order: in which languages stand, and what stands in their place.
    """
    cells: dict[tuple, np.ndarray] = {}
    kinds = {(pool, measure, k) for pool, measure, _, _, k in groups}
    ordered = sorted(kinds, key=lambda kind: (kind[0], MEASURES.index(kind[1]), kind[2]))
    for pool, measure, k in ordered:
        weights: dict[tuple[str, str], np.ndarray] = {}
        for weight, (*kind, asked, column, of_k) in zip(np.eye(len(groups)), groups, strict=True):
            if (*kind, of_k) == (pool, measure, k):
                weights[asked, column] = weight
                if measure == CORRELATION:
                    weights[column, asked] = weight

        def average(pairs: list[tuple[str, str]], weights=weights) -> np.ndarray:
            return np.mean([weights[pair] for pair in pairs], axis=0)

        asked_in = sorted({asked for asked, _ in weights}, key=order.index)
        if measure == CORRELATION:
            for code in asked_in:
                weights[code, MEAN] = average([pair for pair in weights if pair[0] == code])
            means = {MEAN: [(code, MEAN) for code in asked_in]}
        else:
            columns = {column for _, column in weights}
            means = {c: [pair for pair in weights if pair[1] == c] for c in columns}
        if measure == SHARE:
            means[SAME] = [(code, code) for code in asked_in]
        weights |= {(MEAN, column): average(pairs) for column, pairs in means.items()}
        for pair in sorted(weights, key=lambda pair: [order.index(part) for part in pair]):
            cells[pool, measure, *pair, k] = weights[pair]
    return cells


def bias_detail(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Rows of all systems and benchmarks; columns DETAIL_COLUMNS.

    parts: of `bias_cells`, each with its columns benchmark, encoder and sampling.
    """
    return pd.concat(parts, ignore_index=True).assign(table="bias_detail")[DETAIL_COLUMNS]


def bias_page(frame: pd.DataFrame, confidence: float) -> Page:
    """A section a benchmark, encoder and pool: means of each sampling, then every query language.

    frame: of `bias_detail`.
    """
    first = CUTOFFS[0]
    note = f"Means over queries and {seeds_phrase(frame)}"
    interval = interval_phrase(frame, confidence) if frame["ci_low"].notna().any() else ""
    title = "Language bias in detail"
    blocks: list[str | Grid] = [
        note + (f" [{interval}]" if interval else "") + ". docs/metrics.md defines the measures.",
        f"- share@k over fair: the share of a language in the first k ({first} or "
        f"{CUTOFFS[1]}) of the ranking of all the pool's candidates, divided by its share of the "
        "pool. 1 is fair, above 1 preferred.\n"
        "- mean rank of a query's answers in its own language, and of those in other languages: "
        "without bias the two are alike.\n"
        "- rank correlation: Spearman's rho between the rankings that two languages' versions of a "
        "question give; without bias 1.",
    ]
    for (benchmark, encoder), of_encoder in frame.groupby(["benchmark", "encoder"], sort=False):
        for pool, part in of_encoder.groupby("pool", sort=False):
            place = f"{benchmark}, {encoder}, {POOL_TITLES[pool]}"
            of = f"{place}. {note}; up to {part['n_queries'].max():,} queries."
            below = f", below: {interval}" if interval else ""
            caption = f"{title}: means over query languages{below}; {of}"
            blocks += [f"## {place}", _overview(part, caption)]
            shares = part[(part["measure"] == SHARE) & (part["k"] == first)]
            for sampling, of_sampling in shares.groupby("sampling", sort=False):
                what = f"{sampling}: share@{first} over fair, candidate languages across"
                blocks += [f"### {what}", _share_matrix(of_sampling, f"{what}; {of}")]
            ranks = part[part["measure"] == MEAN_RANK]
            what = "Mean rank of answers in the same and in other languages"
            across = ranks["sampling"] + ", " + ranks["candidate_language"]
            blocks += [f"### {what}", _by_language(ranks, across, 1, f"{what}; {of}")]
            rho = part[(part["measure"] == CORRELATION) & (part["candidate_language"] == MEAN)]
            if len(rho):
                what = "Rank correlation, mean over the other query languages"
                blocks += [f"### {what}", _by_language(rho, rho["sampling"], 3, f"{what}; {of}")]
    return Page("bias_detail", title, blocks)


def _overview(part: pd.DataFrame, caption: str) -> Grid:
    """The mean rows of one benchmark, encoder and pool: samplings down, measures across."""
    means = part[part["query_language"] == MEAN]
    titles = {
        **{(SHARE, SAME, k): f"share@{k} of the query's language over fair" for k in CUTOFFS},
        (MEAN_RANK, SAME, 0): "mean rank, same language",
        (MEAN_RANK, OTHER, 0): "mean rank, other languages",
        (CORRELATION, MEAN, 0): "rank correlation",
    }
    keys = list(
        zip(means["measure"], means["candidate_language"], means["k"].fillna(0), strict=True)
    )
    columns = pd.Series([titles.get(key) for key in keys], index=means.index)
    shown, columns = means[columns.notna()], columns.dropna()
    cells = map(_cell, shown.itertuples())
    return pivoted(caption, "sampling", shown["sampling"], list(columns), cells)


def _by_language(part: pd.DataFrame, across: pd.Series, decimals: int, caption: str) -> Grid:
    cells = [Cell(f"{value:.{decimals}f}") for value in part["value"]]
    return pivoted(caption, "query language", part["query_language"], list(across), cells)


def _cell(row) -> Cell:
    scale, decimals = {
        SHARE: (row.fair, 2),
        MEAN_RANK: (1.0, 1),
        CORRELATION: (1.0, 3),
    }[row.measure]
    value, low, high = (
        f"{figure / scale:.{decimals}f}" for figure in (row.value, row.ci_low, row.ci_high)
    )
    return Cell(value) if np.isnan(row.ci_low) else Cell(value, f"[{low}, {high}]")


def _share_matrix(shares: pd.DataFrame, caption: str) -> Grid:
    """Shares over fair shares, the mean over query languages, and the fair shares."""
    shares = shares[shares["candidate_language"] != SAME]
    over_fair = (shares["value"] / shares["fair"]).map("{:.2f}".format)
    wide = shares.assign(text=over_fair).pivot(
        index="query_language", columns="candidate_language", values="text"
    )
    codes = list(shares["candidate_language"].unique())
    wide = wide.loc[shares["query_language"].unique(), codes]
    fair = shares.drop_duplicates("candidate_language")["fair"].map("{:.1%}".format)
    lines = [[row.Index, *row[1:]] for row in wide.itertuples()]
    return plain(caption, ["query language", *codes], [*lines, ["fair share", *fair]])
