"""Table cells: means over queries, languages and seeds, with bootstrap intervals.

A cell is an average of *groups*, a group being the queries of one language against one pool. The
cross-lingual cell of a language averages its groups against every other language; a mean row is
the macro average over languages. A median row is the median over languages of the means over
queries and seeds; it is no average of groups, so only the bootstrap gives its interval.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridbatch.evaluation.bootstrap import StatisticsConfig, bootstrap
from hybridbatch.evaluation.metrics import METRICS, SETTINGS
from hybridbatch.evaluation.settings import (
    ALL,
    CROSS_LINGUAL,
    INDEX_COLUMN,
    JUDGED,
    MEAN,
    MEAN_SEEN,
    MEAN_UNSEEN,
    MEDIAN,
    MONOLINGUAL,
    SCORE_COLUMNS,
    SEEN,
)
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress

Group = tuple[str, str]  # query language, pool of candidates


@dataclass(frozen=True)
class Rows:
    """Which pools a benchmark has, and what its mean rows are over."""

    pools: Sequence[str] = (ALL, SEEN)
    averaged: Sequence[str] | None = None  # languages in mean and median rows; None: all
    medians: bool = False


PARALLEL = Rows()


@dataclass(frozen=True)
class Cell:
    """Which groups an average takes; a language counts once, whatever its number of groups.

    In a median row a language is one of those among which the middle is sought.
    """

    setting: str
    pool: str
    language: str
    languages: tuple[tuple[Group, ...], ...]  # groups of each query language averaged over


def score_system(
    frames: dict[tuple[str, int], pd.DataFrame],
    languages: Sequence[str],
    seen: Sequence[str],
    config: StatisticsConfig,
    of: Rows = PARALLEL,
) -> pd.DataFrame:
    """Every cell of one system on one benchmark; columns SCORE_COLUMNS.

    frames: the per-query metrics (per_query.query_metrics or run_metrics) by query language and
    seed; of: what the benchmark has. INDEX_COLUMN is added where they have it. The value is the
    mean over seeds. Intervals are percentile bootstrap intervals over queries (a
    question in all its languages is one unit) and seeds, each resampled with replacement; a cell
    of one query has no interval. Raises DataError if the seeds differ in their queries.
    """
    values, group_names, _, seeds = collect(frames)
    seen = [code for code in languages if code in seen]
    cells = cells_of(languages, seen, set(group_names), of)
    weights = np.array([group_weights(cell, group_names) for cell in cells])
    members = weights > 0
    rows, progress = [], Progress(len(values), "metrics", last=False)
    for metric, tensor in values.items():
        wanted = [i for i, cell in enumerate(cells) if metric in SETTINGS[cell.setting]]
        w = weights[wanted]
        point, low, high = bootstrap(tensor, w, config)
        for k, i in enumerate(wanted):
            if cells[i].language == MEDIAN:
                of_languages = [group_weights(one, group_names) for one in _one_by_one(cells[i])]
                middle = bootstrap(tensor, np.array(of_languages), config, _middle)
                point[k], low[k], high[k] = (ends[0] for ends in middle)
        present = ~np.isnan(tensor[:, 0, :])
        for k, i in enumerate(wanted):
            cell = cells[i]
            n = int(present[members[i]].any(0).sum())
            key = (cell.setting, cell.pool, metric, cell.language)
            ends = (low[k], high[k]) if n > 1 else (np.nan, np.nan)
            rows.append((*key, point[k], *ends, n, len(seeds)))
        progress.add()
    table = pd.DataFrame(rows, columns=SCORE_COLUMNS)
    indexes = {i for f in frames.values() if INDEX_COLUMN in f for i in f[INDEX_COLUMN]}
    if len(indexes) > 1:
        raise DataError(f"seeds or languages were searched through different indexes: {indexes}.")
    return table.assign(**{INDEX_COLUMN: indexes.pop()}) if indexes else table


def with_pool_sizes(cells: pd.DataFrame, counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    """Cells with PASSAGE_COLUMNS, filled where a row is of one language.

    counts: of a passages.Survey, by language.
    """
    sizes = [
        counts[language]["judged" if pool == JUDGED else "passages"] if language in counts else None
        for language, pool in zip(cells["language"], cells["pool"], strict=True)
    ]
    absent = [counts[c]["absent_relevant"] if c in counts else None for c in cells["language"]]
    return cells.assign(
        pool_size=pd.array(sizes, dtype="Int64"), absent_relevant=pd.array(absent, dtype="Int64")
    )


def _middle(means: np.ndarray) -> np.ndarray:
    """The median over rows."""
    return np.median(means, axis=0, keepdims=True)


def _one_by_one(cell: Cell) -> list[Cell]:
    """A cell for each language of a median row."""
    return [Cell(cell.setting, cell.pool, cell.language, (one,)) for one in cell.languages]


def collect(
    frames: dict[tuple[str, int], pd.DataFrame],
) -> tuple[dict[str, np.ndarray], list[Group], list[str], list[int]]:
    """Per metric float64 [groups, seeds, queries], NaN where a query has no answer; the axes."""
    seeds = sorted({seed for _, seed in frames})
    queries = sorted(set().union(*(set(frame["query_id"]) for frame in frames.values())))
    number = {query: i for i, query in enumerate(queries)}
    groups = sorted(
        {
            (language, pool)
            for (language, _), f in frames.items()
            for pool in f["candidates"].unique()
        }
    )
    shape = (len(groups), len(seeds), len(queries))
    columns = set().union(*(frame.columns for frame in frames.values()))
    metrics = [metric for metric in METRICS if metric in columns]
    values = {metric: np.full(shape, np.nan) for metric in metrics}
    for (language, seed), frame in frames.items():
        for pool, part in frame.groupby("candidates"):
            g, places = groups.index((language, pool)), part["query_id"].map(number)
            for metric in metrics:
                values[metric][g, seeds.index(seed), places] = part[metric]
    for g, group in enumerate(groups):
        absent = np.isnan(values[metrics[0]][g])
        if (absent != absent[0]).any():
            raise DataError(
                f"queries of {group[0]} against {group[1]}: seeds {seeds} were not scored on the "
                "same queries; rerun the evaluation of all of them."
            )
    return values, groups, queries, seeds


def cells_of(
    languages: Sequence[str], seen: Sequence[str], groups: set[Group], of: Rows = PARALLEL
) -> list[Cell]:
    """Every cell that the groups allow; seen: those of the languages with training data."""
    cells = []
    averaged = languages if of.averaged is None else of.averaged
    for setting in SETTINGS:
        for pool in of.pools:
            members = seen if pool == SEEN else languages
            by_language = {}
            for language in members:
                found = tuple(g for g in _groups(setting, pool, language, members) if g in groups)
                if found:
                    by_language[language] = found
                    cells.append(Cell(setting, pool, language, (found,)))
            subsets: dict[str, Callable[[str], bool]] = {MEAN: lambda _: True}
            if of.medians:
                subsets[MEDIAN] = lambda _: True
            if pool != SEEN:
                subsets[MEAN_SEEN] = lambda code: code in seen
                subsets[MEAN_UNSEEN] = lambda code: code not in seen
            for name, belongs in subsets.items():
                chosen = tuple(
                    g for code, g in by_language.items() if code in averaged and belongs(code)
                )
                if chosen:
                    cells.append(Cell(setting, pool, name, chosen))
    return cells


def _groups(setting: str, pool: str, language: str, members: Sequence[str]) -> list[Group]:
    if setting == MONOLINGUAL:
        return [(language, language)]
    if setting == CROSS_LINGUAL:
        return [(language, other) for other in members if other != language]
    return [(language, pool)]


def group_weights(cell: Cell, groups: list[Group]) -> np.ndarray:
    """Each group's share of the cell; float64 [groups], of sum 1."""
    weights = np.zeros(len(groups))
    for of_language in cell.languages:
        for group in of_language:
            weights[groups.index(group)] = 1 / len(cell.languages) / len(of_language)
    return weights
