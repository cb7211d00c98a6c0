"""Differences between the samplings of one encoder: estimates, tests and intervals.

Everything that is said of a difference comes from one estimate, its standard error and its degrees
of freedom (`estimates`): interval, p, the minimum detectable difference, the marks of tables and
the verdicts on claims. Seeds and clusters of questions are crossed random factors, so all of it
speaks of other seeds and other articles. With one seed nothing is tested.

A sampling that needs no training (ZERO_SHOT) was evaluated once. Its scores are the same for every
seed of the other side, and only that side has seed variance.

Cohen (1988), "Statistical power analysis for the behavioral sciences", on d_z; Holm (1979), "A
simple sequentially rejective multiple test procedure".
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from hybridbatch.evaluation.aggregate import (
    PARALLEL,
    Cell,
    Rows,
    cells_of_metric,
    collect,
    group_weights,
    query_counts,
)
from hybridbatch.evaluation.clusters import clusters_of
from hybridbatch.evaluation.estimates import Sample, estimate, sample, unequal_spread
from hybridbatch.evaluation.metrics import INDEX, METRICS
from hybridbatch.evaluation.settings import ALL, MEDIAN, SEEN, ZERO_SHOT
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress

COMPARISON_COLUMNS = [
    "setting",
    "metric",
    "pool",
    "language",
    "sampling_a",
    "sampling_b",
    "value_a",
    "value_b",
    "difference",
    "standard_error",
    "df",
    "ci_low",
    "ci_high",
    "p",
    "detectable",
    "effect_size",
    "n_queries",
    "n_clusters",
    "n_seeds",
    "seed_df",
    "seed_sd_a",
    "seed_sd_b",
    "seed_sd_p",
    "seed_min",
    "seed_max",
    "seeds_same_sign",
    "repeats",
]
_TEXTS = {"setting", "metric", "pool", "language", "sampling_a", "sampling_b", "repeats"}
_COUNTS = {"n_queries", "n_clusters", "n_seeds", "seed_df"}
UNEQUAL = 0.05  # seed_sd_p below it: the samplings' seed variances differ


def compare(
    frames: Mapping[str, dict[tuple[str, int], pd.DataFrame]],
    languages: Sequence[str],
    seen: Sequence[str],
    confidence: float,
    of: Rows = PARALLEL,
) -> pd.DataFrame:
    """The difference between every two samplings in every score; columns COMPARISON_COLUMNS.

    frames: by sampling, the per-query metrics by query language and seed, as for
    `aggregate.score_system`. seen, of: as there.

    `difference` is sampling_a minus sampling_b, in the metric's unit (a share; ranks for rank
    distance). `detectable` is the minimum detectable difference. `seed_sd_a` and `_b` are the
    standard deviations of the samplings' values between seeds, `seed_df` the degrees of freedom of
    their pooled variance, and `seed_sd_p` is Bartlett's p that all samplings have the same one.
    `repeats` names the pool and language of the row, if there is one before, that averages the same
    scores; it is the same test.

    Where nothing can be tested (one seed, one cluster, no spread), standard error, df, interval, p
    and `detectable` are NaN. Medians over languages are left out, since they are not means of
    differences of questions. Raises DataError if seeds or samplings differ in their queries.
    """
    collected = {sampling: collect(of_sampling) for sampling, of_sampling in frames.items()}
    pairs = list(combinations(frames, 2))
    if not pairs:
        return _typed(pd.DataFrame(columns=COMPARISON_COLUMNS))
    _check_same(collected)
    tensors, group_names, queries, _ = next(iter(collected.values()))
    # Samplings and seeds have the same questions.
    of_language = {code: frame for (code, _), frame in next(iter(frames.values())).items()}
    clusters = clusters_of(queries, of_language.items())
    of_seen = [code for code in languages if code in seen]
    parts, progress = [], Progress(len(tensors), "metrics compared", last=False)
    for metric, tensor in tensors.items():
        progress.add()
        if INDEX in METRICS[metric].sources:
            continue  # it measures the index, not the samplings
        cells = cells_of_metric(metric, tensor, group_names, languages, of_seen, of)
        cells = [cell for cell in cells if cell.language != MEDIAN]
        if not cells:
            continue
        weights = np.array([group_weights(cell, group_names) for cell in cells])
        samples = {
            sampling: sample(one[0][metric], weights, clusters, sampling == ZERO_SHOT)
            for sampling, one in collected.items()
        }
        present = ~np.isnan(tensor[:, 0])
        means = {
            sampling: np.nan_to_num(one[0][metric]).mean(1) for sampling, one in collected.items()
        }
        cell_columns = {
            "setting": [cell.setting for cell in cells],
            "metric": metric,
            "pool": [cell.pool for cell in cells],
            "language": [cell.language for cell in cells],
            "n_queries": query_counts(tensor, weights),
            "repeats": repeats(cells, set(of_seen) == set(languages)),
        }
        for a, b in pairs:
            units, in_cell = unit_differences(means[a] - means[b], present, weights)
            effects = [effect_size(u[there]) for u, there in zip(units, in_cell, strict=True)]
            columns = _pair(samples, a, b, confidence)
            parts.append(pd.DataFrame({**cell_columns, **columns, "effect_size": effects}))
    frame = pd.concat(parts, ignore_index=True)
    # All of a pair's rows together, as the tables show them.
    order = {pair: i for i, pair in enumerate(pairs)}
    place = [order[pair] for pair in zip(frame["sampling_a"], frame["sampling_b"], strict=True)]
    return _typed(frame.iloc[np.argsort(place, kind="stable")].reset_index(drop=True))


def _pair(samples: Mapping[str, Sample], a: str, b: str, confidence: float) -> dict:
    """The columns of one pair of samplings that its samples give."""
    first, second = samples[a], samples[b]
    found = estimate(first, second, list(samples.values()))
    of_seeds = first.means - second.means  # a fixed side has one column, which counts for all
    return {
        "sampling_a": a,
        "sampling_b": b,
        "value_a": first.means.mean(1),
        "value_b": second.means.mean(1),
        "difference": found.value,
        **found.tested(confidence),
        "n_clusters": (first.shares > 0).sum(1),
        "n_seeds": of_seeds.shape[1],
        "seed_df": found.seed_df,
        "seed_sd_a": first.seed_sd,
        "seed_sd_b": second.seed_sd,
        "seed_sd_p": unequal_spread(list(samples.values())),
        "seed_min": of_seeds.min(1),
        "seed_max": of_seeds.max(1),
        "seeds_same_sign": (np.sign(of_seeds) == np.sign(found.value)[:, None]).mean(1),
    }


def repeats(cells: Sequence[Cell], all_seen: bool) -> list[str]:
    """For each cell, `pool/language` of an earlier one that averages the same scores, or ``.

    all_seen: whether the pools `all` and `seen` have the same candidates.
    """
    first: dict[tuple, str] = {}
    found = []
    for cell in cells:
        groups = [
            sorted((code, ALL if all_seen and pool == SEEN else pool) for code, pool in of_language)
            for of_language in cell.languages
        ]
        key = (cell.setting, tuple(sorted(map(tuple, groups))))
        name = f"{cell.pool}/{cell.language}"
        found.append("" if (earlier := first.setdefault(key, name)) == name else earlier)
    return found


def unit_differences(
    differences: np.ndarray, present: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The contribution of each question to the difference in each cell.

    differences: float64 [groups, queries], averaged over seeds, 0 where absent. present: bool
    [groups, queries]. weights: [cells, groups]. Returns float64 [cells, queries], whose mean over a
    cell's questions is the cell's difference, zero for a question without a score in the cell; and
    bool [cells, queries], whether it has a score.
    """
    means = differences / np.maximum(present.sum(1, keepdims=True), 1)
    in_cell = (weights > 0).astype(float) @ present > 0
    return weights @ means * in_cell.sum(1, keepdims=True), in_cell


def effect_size(units: np.ndarray) -> float:
    """Cohen's d_z: mean over standard deviation of the paired differences.

    units: float64 [queries]. NaN where it is not defined: one query, or no spread.
    """
    if len(units) < 2 or np.ptp(units) <= 1e-12 * np.abs(units).max():
        return float("nan")
    return float(units.mean() / units.std(ddof=1))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p values of one family; a missing p stays missing and does not count."""
    adjusted, tested = np.full(len(p), np.nan), np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def numbered_tests(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """The number of each row's test, equal in rows that repeat it.

    frame: has pool, language and `repeats` (of `compare`), and keys, which make a test together
    with the scores that it averages.
    """
    own = frame["pool"] + "/" + frame["language"]
    place = frame["repeats"].where(frame["repeats"] != "", own)
    return frame.assign(place=place).groupby([*keys, "place"], sort=False).ngroup()


def holm_of_distinct(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Holm's adjusted p of one family, in which a test that several rows have counts once.

    frame, keys: as for `numbered_tests`; frame has p, too.
    """
    tests = numbered_tests(frame, keys)
    first = tests.drop_duplicates()
    corrected = holm(frame.loc[first.index, "p"].to_numpy())
    return tests.map(dict(zip(first, corrected, strict=True)))


def _check_same(collected: dict[str, tuple]) -> None:
    """Check that all samplings have the same questions, since scores are paired by question.

    Their seeds are the same too, but for the one of a sampling that is not trained.
    """
    for (a, first), (b, second) in combinations(collected.items(), 2):
        same = first[1:3] == second[1:3] and all(
            (np.isnan(tensor[:, 0]) == np.isnan(second[0][metric][:, 0])).all()
            for metric, tensor in first[0].items()
        )
        same_seeds = first[3] == second[3] or ZERO_SHOT in (a, b)
        if not (same and same_seeds):
            raise DataError(
                f"samplings {a} and {b} were not scored on the same queries and seeds; rerun the "
                "evaluation of both."
            )


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns in fixed order and types, also for an empty frame."""
    types = {
        column: "str" if column in _TEXTS else "int64" if column in _COUNTS else "float64"
        for column in COMPARISON_COLUMNS
    }
    return frame[COMPARISON_COLUMNS].astype(types)
