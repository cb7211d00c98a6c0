"""Differences between the samplings of one encoder: tests, intervals and effect sizes.

The unit is the question in all its languages and pools. A permutation exchanges the two samplings'
scores of a whole question, since questions were sampled, and their translations are not independent
of each other.

Seeds are a random factor, but they add no observations: the scores of one question under three
seeds are not independent. A question's difference is averaged over the seeds, and the test
exchanges these means, so p generalises over questions *for these seeds*. A test that also exchanged
seeds could not get below p = 2 / 2^seeds, which is .25 with three seeds.

Generalisation over seeds is reported beside p. The interval resamples questions and seeds (two
samplings' scores of one question and seed stay together), and the columns seed_min, seed_max and
seeds_same_sign show the differences of single seeds. Where p is small but the interval contains
zero, other seeds might give another result. Resampling both factors counts the interaction of seed
and question more than once, which makes the interval rather too wide; a resample of three seeds
shows only two thirds of their variance.

Smucker, Allan and Carterette (2007), "A comparison of statistical significance tests for
information retrieval evaluation"; Holm (1979), "A simple sequentially rejective multiple test
procedure"; Cohen (1988), "Statistical power analysis for the behavioral sciences", on d_z; Owen
(2007), "The pigeonhole bootstrap", on resampling two factors.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from hybridbatch.evaluation.aggregate import PARALLEL, Rows, cells_of, collect, group_weights
from hybridbatch.evaluation.bootstrap import StatisticsConfig, bootstrap, resampled
from hybridbatch.evaluation.metrics import INDEX, METRICS, SETTINGS
from hybridbatch.evaluation.settings import MEDIAN
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
    "ci_low",
    "ci_high",
    "p",
    "effect_size",
    "n_queries",
    "n_seeds",
    "seed_min",
    "seed_max",
    "seeds_same_sign",
]
_TEXTS = {"setting", "metric", "pool", "language", "sampling_a", "sampling_b"}
_COUNTS = {"n_queries", "n_seeds"}
_ROWS_AT_ONCE = 400  # rows of the null distribution, a float for each row and permutation


def compare(
    frames: dict[str, dict[tuple[str, int], pd.DataFrame]],
    languages: Sequence[str],
    seen: Sequence[str],
    config: StatisticsConfig,
    permutations: int,
    of: Rows = PARALLEL,
) -> pd.DataFrame:
    """The difference between every two samplings in every score; columns COMPARISON_COLUMNS.

    frames: by sampling, the per-query metrics by query language and seed, as for
    `aggregate.score_system`. seen, of: as there. permutations: number of random permutations.
    `difference` is sampling_a minus sampling_b, in the metric's unit (a share; ranks for rank
    distance). A score of one query has neither p nor interval nor effect size. Medians over
    languages are left out, since they are not means of differences of questions. Raises DataError
    if seeds or samplings differ in their queries.
    """
    collected = {sampling: collect(of_sampling) for sampling, of_sampling in frames.items()}
    _check_same(collected)
    rows, contributions = [], []
    pairs = list(combinations(frames, 2))
    progress = Progress(sum(len(collected[a][0]) for a, _ in pairs), "metrics compared", last=False)
    for a, b in pairs:
        tensors, group_names, queries, seeds = collected[a]
        of_seen = [code for code in languages if code in seen]
        cells = cells_of(languages, of_seen, set(group_names), of)
        cells = [cell for cell in cells if cell.language != MEDIAN]
        weights = np.array([group_weights(cell, group_names) for cell in cells])
        for metric, tensor in tensors.items():
            if INDEX in METRICS[metric].sources:
                continue  # it measures the index, not the samplings
            wanted = [i for i, cell in enumerate(cells) if metric in SETTINGS[cell.setting]]
            w, other = weights[wanted], collected[b][0][metric]
            difference, low, high = bootstrap(tensor - other, w, config)
            of_seeds = _each_seed(tensor - other, w)
            axes = np.arange(len(queries)), np.arange(len(seeds))
            value_a, value_b = (resampled(t, w)(*axes) for t in (tensor, other))
            by_unit, present = unit_differences(tensor - other, w)
            for k, i in enumerate(wanted):
                cell, units = cells[i], by_unit[k, present[k]]
                several = len(units) > 1
                rows.append(
                    {
                        "setting": cell.setting,
                        "metric": metric,
                        "pool": cell.pool,
                        "language": cell.language,
                        "sampling_a": a,
                        "sampling_b": b,
                        "value_a": value_a[k],
                        "value_b": value_b[k],
                        "difference": difference[k],
                        "ci_low": low[k] if several else np.nan,
                        "ci_high": high[k] if several else np.nan,
                        "effect_size": effect_size(units),
                        "n_queries": len(units),
                        "n_seeds": len(seeds),
                        "seed_min": of_seeds[k].min(),
                        "seed_max": of_seeds[k].max(),
                        "seeds_same_sign": _share_of_same_sign(of_seeds[k], difference[k]),
                    }
                )
            contributions.append(by_unit)
            progress.add()
    if not rows:
        return _typed(pd.DataFrame(columns=COMPARISON_COLUMNS))
    frame = pd.DataFrame(rows)
    p = permutation_p(np.concatenate(contributions), permutations, config.seed)
    return _typed(frame.assign(p=np.where(frame["n_queries"] > 1, p, np.nan)))


def unit_differences(tensor: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The contribution of each question to the difference in each cell, averaged over seeds.

    tensor: float64 [groups, seeds, queries], differences. weights: [cells, groups]. Returns float64
    [cells, queries], whose mean over a cell's questions is the cell's difference, zero for a
    question without a score in the cell; and bool [cells, queries], whether it has a score.
    """
    present = ~np.isnan(tensor[:, 0, :])
    means = np.nan_to_num(tensor).mean(1) / present.sum(1, keepdims=True)
    in_cell = (weights > 0).astype(float) @ present > 0
    return weights @ means * in_cell.sum(1, keepdims=True), in_cell


def permutation_p(units: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Two-sided p of the mean of each row, by scipy's paired permutation test.

    units: float64 [rows, queries], differences of paired scores. Exchanging the two scores of a
    question flips the sign of its difference. scipy draws the signs, the same for all rows, and one
    matrix product applies them to the differences. All 2^queries exchanges are enumerated if there
    are at most `permutations`. With one query p is NaN.
    """
    if units.shape[1] < 2:
        return np.full(len(units), np.nan)
    # Exchanges with the same sum must compare equal, whatever the order of summation.
    scale = np.abs(units).sum(1, keepdims=True)
    scaled = (units / np.where(scale > 0, scale, 1)).T

    def p(columns: np.ndarray) -> np.ndarray:
        return stats.permutation_test(
            (np.ones(len(columns)),),
            lambda signs, axis=-1: np.round(signs @ columns, 12),
            permutation_type="samples",
            vectorized=True,
            n_resamples=permutations,
            batch=1000,
            axis=-1,
            rng=np.random.default_rng(seed),
        ).pvalue

    starts = range(0, scaled.shape[1], _ROWS_AT_ONCE)
    values, progress = [], Progress(scaled.shape[1], "permutation tests", last=False)
    for start in starts:
        values.append(p(scaled[:, start : start + _ROWS_AT_ONCE]))
        progress.add(len(values[-1]))
    return np.concatenate(values)


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


def _check_same(collected: dict[str, tuple]) -> None:
    """Check that all samplings have the same questions, since scores are paired by question."""
    for (a, first), (b, second) in combinations(collected.items(), 2):
        same = first[1:] == second[1:] and all(
            (np.isnan(tensor) == np.isnan(second[0][metric])).all()
            for metric, tensor in first[0].items()
        )
        if not same:
            raise DataError(
                f"samplings {a} and {b} were not scored on the same queries and seeds; rerun the "
                "evaluation of both."
            )


def _each_seed(tensor: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The value of each cell for each single seed; float64 [cells, seeds]."""
    statistic = resampled(tensor, weights)
    queries, seeds = np.arange(tensor.shape[2]), range(tensor.shape[1])
    return np.stack([statistic(queries, np.array([seed])) for seed in seeds], axis=1)


def _share_of_same_sign(of_seeds: np.ndarray, difference: float) -> float:
    return float((np.sign(of_seeds) == np.sign(difference)).mean())


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns in fixed order and types, also for an empty frame."""
    types = {
        column: "str" if column in _TEXTS else "int64" if column in _COUNTS else "float64"
        for column in COMPARISON_COLUMNS
    }
    return frame[COMPARISON_COLUMNS].astype(types)
