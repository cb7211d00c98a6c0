"""One estimate, standard error and degrees of freedom behind every interval, test and claim.

The score of question q, of cluster c, under seed s of one sampling is modelled as

    mean + seed_s + cluster_c + (seed x cluster)_sc + rest_sq

with seeds and clusters as crossed random factors. A cluster is an article, a paragraph or a single
question (see `clusters`). Samplings are paired by question; their seeds are separate trainings and
independent of each other.

The variance of a mean over S seeds is V = C + k * max(0, B - I) / S, where

- C is the cluster-robust variance of the scores, or paired differences, averaged over seeds: the
  jackknife over clusters (CV3). It holds the cluster part and 1/S of the interaction.
- B is the variance between the seeds' means, and I the cluster-robust variance of the interaction
  of seed and cluster, which is in both B and C and must count once. Both are pooled over the
  samplings of an encoder, so that a difference rests on `samplings * (S - 1)` degrees of freedom
  and not on S - 1.
- k is the number of trained sides: 2 for a difference, 1 for a score or for a difference to a
  reference that was not trained.

This is the two-way cluster-robust variance of Cameron, Gelbach and Miller (2011), "Robust inference
with multiway clustering", with the seed part as a variance component, which is not negative. Owen
and Eckles (2012), "Bootstrapping data arrays of arbitrary order", show why C + B alone counts the
interaction twice; Barr, Levy, Scheepers and Tily (2013), "Random effects structure for confirmatory
hypothesis testing", why both factors have to be random; MacKinnon, Nielsen and Webb (2023), "Fast
and reliable jackknife and bootstrap methods for cluster-robust inference", describe CV3.

Degrees of freedom are Satterthwaite's (1946, "An approximate distribution of estimates of variance
components") for C + kB/S - kI/S. C has the effective number of clusters less one, 1 / sum of
squared shares - 1, after Kish (1965), "Survey sampling".
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

POWER, LEVEL = 0.8, 0.05  # of the minimum detectable difference
_NOTHING = 1e-10  # of the scores' size: a spread below it is rounding


@dataclass(frozen=True)
class Sample:
    """The scores of one system, reduced to what the estimator needs.

    means: float64 [cells, seeds]. deviations: float64 [cells, seeds, clusters], by how much a mean
    falls if the cluster is left out. shares: float64 [cells, clusters], each cluster's weight in
    the cell; rows sum to 1. fixed: whether the system was not trained, so that its single seed
    stands for all seeds.
    """

    means: np.ndarray
    deviations: np.ndarray
    shares: np.ndarray
    fixed: bool = False

    @property
    def seed_variance(self) -> np.ndarray:
        """Between the seeds' means; float64 [cells]."""
        return self.means.var(1, ddof=1)

    @property
    def seed_sd(self) -> np.ndarray:
        """The standard deviation between the seeds' means; float64 [cells], NaN with one seed."""
        if self.means.shape[1] < 2:
            return np.full(len(self.means), np.nan)
        return np.sqrt(self.seed_variance)

    @property
    def interaction(self) -> np.ndarray:
        """Of seed and cluster, in the mean of one seed; float64 [cells]."""
        around = self.deviations - self.deviations.mean(1, keepdims=True)
        n = (self.shares > 0).sum(1)
        seeds = self.means.shape[1]
        return np.square(around).sum((1, 2)) * (n - 1) / np.maximum(n, 1) / (seeds - 1)


@dataclass(frozen=True)
class Estimate:
    """Means or differences of means with their uncertainty; arrays [cells].

    standard_error and df are NaN where nothing can be inferred: a single cluster, or scores without
    any spread. seed_df: pooled degrees of freedom of the seed variance; 0 with one seed, where the
    standard error speaks of this seed only.
    """

    value: np.ndarray
    standard_error: np.ndarray
    df: np.ndarray
    seed_df: int = 0

    def interval(self, confidence: float) -> tuple[np.ndarray, np.ndarray]:
        """Both ends of the two-sided confidence interval."""
        half = stdtrit(self.df, (1 + confidence) / 2) * self.standard_error
        return self.value - half, self.value + half

    def p(self, null: float | np.ndarray = 0.0) -> np.ndarray:
        """Two-sided p of the hypothesis that the true value is `null`.

        It is below 1 - confidence exactly where `interval(confidence)` leaves `null` out.
        """
        return 2 * stdtr(self.df, -np.abs(self.value - null) / self.standard_error)

    def detectable(self) -> np.ndarray:
        """The true difference that a two-sided test at LEVEL finds with probability POWER.

        Bloom (1995), "Minimum detectable effects".
        """
        quantiles = stdtrit(self.df, 1 - LEVEL / 2) + stdtrit(self.df, POWER)
        return quantiles * self.standard_error

    def tested(self, confidence: float) -> dict[str, np.ndarray]:
        """The columns of a tested difference; all NaN with one seed, where nothing is tested."""
        low, high = self.interval(confidence)
        columns = {
            "standard_error": self.standard_error,
            "df": self.df,
            "ci_low": low,
            "ci_high": high,
            "p": self.p(),
            "detectable": self.detectable(),
        }
        if self.seed_df:
            return columns
        return {name: np.full(len(self.value), np.nan) for name in columns}


def sample(
    tensor: np.ndarray, weights: np.ndarray, clusters: np.ndarray, fixed: bool = False
) -> Sample:
    """The sample of one system.

    tensor: float64 [groups, seeds, queries], NaN where a query has no score in a group, for all
    seeds alike. weights: float64 [cells, groups]; a cell is a weighted mean of the means of groups.
    clusters: int [queries], from 0.
    """
    present = ~np.isnan(tensor[:, 0])
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    sums = np.add.reduceat(np.nan_to_num(tensor)[:, :, order], starts, axis=2)
    sizes = np.add.reduceat(present[:, order].astype(float), starts, axis=1)
    totals = sizes.sum(1)
    means = sums.sum(2) / np.maximum(totals, 1)[:, None]
    without = totals[:, None] - sizes
    # A group that is one cluster cannot do without it.
    around = sums - sizes[:, None] * means[:, :, None]
    deviations = around / np.where(without > 0, without, np.inf)[:, None]
    return Sample(
        means=weights @ means,
        deviations=np.tensordot(weights, deviations, 1),
        shares=weights @ (sizes / np.maximum(totals, 1)[:, None]),
        fixed=fixed,
    )


def estimate(
    first: Sample, second: Sample | None = None, pooled: Sequence[Sample] = ()
) -> Estimate:
    """The mean of `first`, or the paired difference of `first` minus `second`.

    pooled: the samples of all trained samplings of the encoder, over which the seed variance is
    pooled; by default those of the estimate itself. All samples that are not fixed have the same
    seeds.
    """
    sides = [first] if second is None else [first, second]
    trained = [side for side in sides if not side.fixed]
    value, deviations = first.means.mean(1), first.deviations.mean(1)
    size = np.abs(first.means).max(1)
    if second is not None:
        value, deviations = value - second.means.mean(1), deviations - second.deviations.mean(1)
        size = np.maximum(size, np.abs(second.means).max(1))
    n = (first.shares > 0).sum(1)
    of_clusters = np.square(deviations).sum(1) * (n - 1) / np.maximum(n, 1)
    df_clusters = np.maximum(1 / np.square(first.shares).sum(1) - 1, 0)
    seeds = trained[0].means.shape[1] if trained else 1
    pool = [one for one in pooled or trained if not one.fixed]
    seed_df = len(pool) * (seeds - 1)
    between = interaction = np.zeros(len(value))
    if seed_df:
        scale = len(trained) / seeds
        between = scale * np.mean([one.seed_variance for one in pool], axis=0)
        interaction = scale * np.mean([one.interaction for one in pool], axis=0)
    variance = of_clusters + np.maximum(between - interaction, 0)
    inferred = (n > 1) & (df_clusters > 0) & (variance > np.square(_NOTHING * size))
    variance = np.where(inferred, variance, np.nan)
    terms = [(of_clusters, df_clusters)]
    if seed_df:
        terms += [(between, seed_df), (interaction, seed_df * df_clusters)]
    squares = sum(v**2 / np.where(d > 0, d, np.nan) for v, d in terms)
    # A sum of independent variances has at least the degrees of freedom of the worst of them.
    least = np.minimum(df_clusters, seed_df) if seed_df else df_clusters
    df = np.maximum(variance**2 / squares, least)
    return Estimate(value, np.sqrt(variance), np.where(inferred, df, np.nan), seed_df)


def unequal_spread(samples: Sequence[Sample]) -> np.ndarray:
    """p of Bartlett's test that the samplings' seed variances are equal; float64 [cells].

    NaN where it says nothing: one seed, one sampling, or a sampling without any spread.
    """
    trained = [one.means for one in samples if not one.fixed]
    if len(trained) < 2 or trained[0].shape[1] < 2:
        return np.full(len(samples[0].means), np.nan)
    spread = np.min([np.ptp(means, axis=1) for means in trained], axis=0)
    size = np.max([np.abs(means).max(1) for means in trained], axis=0)
    told = spread > _NOTHING * size
    p = np.full(len(told), np.nan)
    if told.any():
        # Imported here, since jobs that compare nothing start a second faster without it.
        from scipy import stats

        p[told] = stats.bartlett(*(means[told] for means in trained), axis=1).pvalue
    return p
