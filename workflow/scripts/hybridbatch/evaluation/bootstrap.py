"""Percentile bootstrap intervals over clusters of queries and seeds, for medians.

Means have the intervals of `estimates`. Owen (2007), "The pigeonhole bootstrap", on resampling two
factors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class StatisticsConfig:
    """How intervals are made."""

    confidence: float
    resamples: int
    seed: int


def bootstrap(
    tensor: np.ndarray,
    weights: np.ndarray,
    clusters: np.ndarray,
    config: StatisticsConfig,
    over: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of the percentile bootstrap intervals of functions of weighted means.

    tensor: float64 [groups, seeds, queries], of `aggregate.collect`. weights: [cells, groups].
    clusters: int [queries], of `clusters.clusters_of`. over: a function applied to the means,
    [cells] or [cells, resamples], of every draw; it may combine their rows. Clusters and seeds are
    each resampled with replacement if there is more than one. Returns two arrays, of the rows that
    `over` gives; NaN if there is only one cluster.
    """
    n_seeds, n_clusters = tensor.shape[1], clusters.max() + 1
    means = resampled(tensor, weights, clusters)

    def statistic(*draws: np.ndarray, axis: int = -1) -> np.ndarray:
        return over(means(*draws))

    if n_clusters == 1:
        nothing = np.full(len(statistic(np.zeros(1), np.arange(n_seeds))), np.nan)
        return nothing, nothing
    # Imported here: only medians need it, and it takes longer than most jobs of this module.
    from scipy import stats

    interval = stats.bootstrap(
        # With one seed only the clusters are resampled: scipy wants two observations to draw from.
        [np.arange(n) for n in (n_clusters, n_seeds) if n > 1],
        statistic,
        n_resamples=config.resamples,
        batch=100,
        vectorized=True,
        axis=-1,
        confidence_level=config.confidence,
        method="percentile",
        rng=np.random.default_rng(config.seed),
    ).confidence_interval
    return interval.low.copy(), interval.high.copy()


def resampled(
    tensor: np.ndarray, weights: np.ndarray, clusters: np.ndarray
) -> Callable[..., np.ndarray]:
    """For scipy's bootstrap: cells [c] or [c, resamples] from drawn cluster and seed numbers.

    tensor, weights, clusters: see `bootstrap`.
    """
    present = (~np.isnan(tensor[:, 0, :])).astype(float)  # [groups, queries]
    filled = np.nan_to_num(tensor)  # [groups, seeds, queries]
    n_clusters, n_seeds = clusters.max() + 1, tensor.shape[1]
    # A resample may contain no query of a tiny group. The group then keeps its measured mean.
    # A group without any query is in no cell.
    measured = filled.sum(2).mean(1) / np.maximum(present.sum(1), 1)

    def statistic(
        cluster_draws: np.ndarray, seed_draws: np.ndarray | None = None, axis: int = -1
    ) -> np.ndarray:
        drawn = np.atleast_2d(cluster_draws)
        seeds = np.atleast_2d(np.zeros((len(drawn), 1)) if seed_draws is None else seed_draws)
        times_query = _counts(drawn.astype(np.int64), n_clusters)[:, clusters]
        times_seed = _counts(seeds.astype(np.int64), n_seeds) / seeds.shape[1]
        sums = sum(times_seed[:, [s]] * (times_query @ filled[:, s].T) for s in range(n_seeds))
        numbers = times_query @ present.T
        means = np.where(numbers > 0, sums / np.maximum(numbers, 1), measured)
        result = weights @ means.T
        return result[:, 0] if cluster_draws.ndim == 1 else result

    return statistic


def _counts(draws: np.ndarray, n: int) -> np.ndarray:
    rows = np.repeat(np.arange(len(draws)), draws.shape[1])
    return np.bincount(rows * n + draws.ravel(), minlength=len(draws) * n).reshape(-1, n) * 1.0
