"""Scores: means over queries, languages and seeds, with intervals.

A *group* is the queries of one language against one pool, and a *cell* is a score that averages
groups. The cross-lingual cell of a language averages its groups against every other language. A
mean row is the macro average over languages. A median row is the median, over languages, of the
means over queries and seeds. It is not an average of groups, so only the bootstrap can give its
interval.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridbatch.evaluation.bootstrap import StatisticsConfig, bootstrap
from hybridbatch.evaluation.clusters import clusters_of
from hybridbatch.evaluation.estimates import estimate, sample
from hybridbatch.evaluation.metrics import METRICS, SETTINGS, SHARE
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
    SEED_SD,
    SEEN,
)
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress

Group = tuple[str, str]  # query language, pool of candidates


@dataclass(frozen=True)
class Rows:
    """The pools of a benchmark, and the languages that its mean rows average."""

    pools: Sequence[str] = (ALL, SEEN)
    averaged: Sequence[str] | None = None  # languages in mean and median rows; None: all
    medians: bool = False


PARALLEL = Rows()


@dataclass(frozen=True)
class Cell:
    """The groups that a score averages. Each language has the same weight in it.

    For a median row, the median is over the means of the languages.
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
    """All scores of one system on one benchmark; columns SCORE_COLUMNS and SEED_SD.

    frames: per-query metrics (per_query.query_metrics or run_metrics) by query language and seed.
    seen: the training languages. of: the benchmark's pools and means. INDEX_COLUMN is added if the
    frames have it.

    The value is the mean over seeds. Intervals are those of `estimates.estimate`: seeds and
    clusters of questions are crossed random factors, and a question in all its languages is one
    unit. With one seed they speak of this seed only. They end where the metric's range does. A
    score of one cluster, or without any spread, has no interval. A median has a bootstrap interval
    over the same two factors. Raises DataError if the seeds differ in their queries.
    """
    values, group_names, queries, seeds = collect(frames)
    clusters = clusters_of(queries, {code: frame for (code, _), frame in frames.items()}.items())
    seen = [code for code in languages if code in seen]
    rows, progress = [], Progress(len(values), "metrics", last=False)
    for metric, tensor in values.items():
        cells = cells_of_metric(metric, tensor, group_names, languages, seen, of)
        if not cells:
            progress.add()
            continue
        weights = np.array([group_weights(cell, group_names) for cell in cells])
        measured = sample(tensor, weights, clusters)
        found = estimate(measured)
        most = 1 if METRICS[metric].unit == SHARE else np.inf
        point, spread = found.value, measured.seed_sd
        low, high = (np.clip(end, 0, most) for end in found.interval(config.confidence))
        for k, cell in enumerate(cells):
            if cell.language == MEDIAN:
                of_languages = _weights_by_language(cell, group_names)
                means = sample(tensor, of_languages, clusters).means
                point[k] = np.median(means.mean(1))
                if len(seeds) > 1:
                    spread[k] = np.median(means, axis=0).std(ddof=1)
                ends = bootstrap(tensor, of_languages, clusters, config, _middle)
                low[k], high[k] = (end[0] for end in ends)
        numbers = query_counts(tensor, weights)
        for k, cell in enumerate(cells):
            key = (cell.setting, cell.pool, metric, cell.language)
            rows.append((*key, point[k], low[k], high[k], numbers[k], len(seeds), spread[k]))
        progress.add()
    table = pd.DataFrame(rows, columns=[*SCORE_COLUMNS, SEED_SD])
    indexes = {i for f in frames.values() if INDEX_COLUMN in f for i in f[INDEX_COLUMN]}
    if len(indexes) > 1:
        raise DataError(f"seeds or languages were searched through different indexes: {indexes}.")
    return table.assign(**{INDEX_COLUMN: indexes.pop()}) if indexes else table


def with_pool_sizes(cells: pd.DataFrame, counts: dict[str, dict[str, int]]) -> pd.DataFrame:
    """Scores with PASSAGE_COLUMNS added, filled in rows of a single language.

    counts: by language, the counts of a benchmarks.miracl.Survey.
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


def _weights_by_language(cell: Cell, group_names: list[Group]) -> np.ndarray:
    """The weights of a cell's groups in the mean of each of its languages; [languages, groups]."""
    ones = (Cell(cell.setting, cell.pool, cell.language, (one,)) for one in cell.languages)
    return np.array([group_weights(one, group_names) for one in ones])


def collect(
    frames: dict[tuple[str, int], pd.DataFrame],
) -> tuple[dict[str, np.ndarray], list[Group], list[str], list[int]]:
    """The metrics as arrays: float64 [groups, seeds, queries] by metric, and the three axes.

    NaN where a query has no answer in the pool, or the metric is not defined for the query. Raises
    DataError if the seeds differ in their queries.
    """
    languages, seeds = sorted({code for code, _ in frames}), sorted({seed for _, seed in frames})
    whole = pd.concat(frames.values(), ignore_index=True)
    lengths = [len(frame) for frame in frames.values()]
    of_language = np.repeat([languages.index(code) for code, _ in frames], lengths)
    of_seed = np.repeat([seeds.index(seed) for _, seed in frames], lengths)
    of_query, queries = pd.factorize(whole["query_id"], sort=True)
    of_pool, pools = pd.factorize(whole["candidates"], sort=True)
    found, of_group = np.unique(of_language * len(pools) + of_pool, return_inverse=True)
    groups = [(languages[i // len(pools)], str(pools[i % len(pools)])) for i in found.tolist()]
    shape = (len(groups), len(seeds), len(queries))
    values = {metric: np.full(shape, np.nan) for metric in METRICS if metric in whole}
    for metric, tensor in values.items():
        tensor[of_group, of_seed, of_query] = whole[metric]
        absent = np.isnan(tensor)
        differing = (absent != absent[:, :1]).any((1, 2))
        if differing.any():
            language, pool = groups[np.argmax(differing)]
            raise DataError(
                f"queries of {language} against {pool}: seeds {seeds} were not scored on the same "
                "queries; rerun the evaluation of all of them."
            )
    return values, groups, list(queries), seeds


def cells_of_metric(
    metric: str,
    tensor: np.ndarray,
    group_names: Sequence[Group],
    languages: Sequence[str],
    seen: Sequence[str],
    of: Rows = PARALLEL,
) -> list[Cell]:
    """The cells of a metric, of the groups in which it is defined for some query.

    tensor, group_names: of `collect`. seen: the training languages.
    """
    scored = ~np.isnan(tensor).all((1, 2))
    groups = {group for group, there in zip(group_names, scored, strict=True) if there}
    cells = cells_of(languages, seen, groups, of)
    return [cell for cell in cells if metric in SETTINGS[cell.setting]]


def cells_of(
    languages: Sequence[str], seen: Sequence[str], groups: set[Group], of: Rows = PARALLEL
) -> list[Cell]:
    """All cells that the groups allow; seen: the training languages."""
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
    """The weight of each group in a cell; float64 [groups], summing to 1."""
    weights = np.zeros(len(groups))
    for of_language in cell.languages:
        for group in of_language:
            weights[groups.index(group)] = 1 / len(cell.languages) / len(of_language)
    return weights


def query_counts(tensor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The number of queries with a score in each cell; int64 [cells].

    tensor: of `collect`. weights: float64 [cells, groups].
    """
    present = ~np.isnan(tensor[:, 0])
    return np.array([present[row > 0].any(0).sum() for row in weights], dtype=np.int64)
