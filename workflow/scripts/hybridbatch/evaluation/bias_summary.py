"""Language bias in detail: means over queries and seeds, with intervals."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from hybridbatch.evaluation.clusters import clusters_of
from hybridbatch.evaluation.estimates import estimate, sample
from hybridbatch.evaluation.language_bias import (
    CORRELATION,
    MEAN_RANK,
    MEASURES,
    OTHER,
    SAME,
    SHARE,
)
from hybridbatch.evaluation.settings import MEAN, SYSTEM_COLUMNS
from hybridbatch.runtime.errors import DataError

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
DETAIL_COLUMNS = ["table", *SYSTEM_COLUMNS, *CELL_COLUMNS]
_GROUP = CELL_COLUMNS[:5]
_RANGES = {SHARE: (0, 1), MEAN_RANK: (1, np.inf), CORRELATION: (-1, 1)}


def bias_cells(
    tables: dict[int, pa.Table],
    languages: Sequence[str],
    queries: Iterable[tuple[str, pd.DataFrame]],
    confidence: float,
) -> pd.DataFrame:
    """Means over queries and seeds of one system on one benchmark; columns CELL_COLUMNS.

    tables: by seed, tables of language_bias.BIAS_SCHEMA. queries: (language, frame of
    benchmarks.base.QUERY_SCHEMA), which say what a question is about. Query language `mean` is the
    macro average over the query languages; for shares it also has candidate language `same`, the
    share of the query's own language. A correlation is listed in both directions, and with
    candidate language `mean`, the macro average over the other languages. Intervals are those of
    `aggregate.score_system`. Raises DataError if the seeds differ in their queries.
    """
    groups, tensor, fair, seeds, asked = _collect(tables)
    cells = _cells(groups, [*languages, SAME, OTHER, MEAN])
    weights = np.array(list(cells.values()))
    found = estimate(sample(tensor, weights, clusters_of(asked, queries)))
    least, most = np.array([_RANGES[measure] for _, measure, *_ in cells]).T
    low, high = (np.clip(end, least, most) for end in found.interval(confidence))
    present = ~np.isnan(tensor[:, 0, :])
    n_queries = np.array([present[weight > 0].any(0).sum() for weight in weights])
    frame = pd.DataFrame(list(cells), columns=_GROUP)
    shares = frame["measure"] == SHARE
    return frame.assign(
        k=frame["k"].astype("Int64").where(shares),
        value=found.value,
        fair=np.where(shares, weights @ np.nan_to_num(fair), np.nan),
        ci_low=low,
        ci_high=high,
        n_queries=n_queries,
        n_seeds=len(seeds),
    )[CELL_COLUMNS]


def _collect(
    tables: dict[int, pa.Table],
) -> tuple[list[tuple], np.ndarray, np.ndarray, list[int], list[str]]:
    """Returns groups (_GROUP values), values [groups, seeds, queries], fair shares, seeds, queries.

    Fair shares are [groups].
    """
    seeds = sorted(tables)
    frame = pd.concat([tables[seed].to_pandas().assign(seed=i) for i, seed in enumerate(seeds)])
    frame["k"] = frame["k"].fillna(0).astype("int64")  # groupby would drop rows without k
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
    return list(fair.index), tensor, fair.to_numpy(dtype=float), seeds, list(ids)


def _cells(groups: list[tuple], order: list[str]) -> dict[tuple, np.ndarray]:
    """The weights of the groups [groups] in each row of the table, by the row's _GROUP values.

    order: of the languages and of the words in their place, such as `mean`.
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

    parts: frames of `bias_cells` with added columns benchmark, encoder and sampling.
    """
    return pd.concat(parts, ignore_index=True).assign(table="bias_detail")[DETAIL_COLUMNS]
