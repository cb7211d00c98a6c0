"""Tests of differences, corrected by Holm within the table that each stands in."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from hybridbatch.evaluation.settings import MEANS
from hybridbatch.evaluation.significance import holm
from hybridbatch.tables.scores import SPECS

SIGNIFICANCE_COLUMNS = [
    "family",
    "benchmark",
    "encoder",
    "setting",
    "metric",
    "pool",
    "language",
    "sampling_a",
    "sampling_b",
    "difference",
    "ci_low",
    "ci_high",
    "p",
    "p_holm",
    "effect_size",
    "n_queries",
    "n_seeds",
    "seed_min",
    "seed_max",
    "seeds_same_sign",
]


def significance_table(comparisons: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Rows of all encoders and benchmarks with Holm's p; columns SIGNIFICANCE_COLUMNS.

    comparisons: of `significance.compare`, each with its columns benchmark and encoder. A family
    is what stands in one table (`family_of`), over all its encoders, benchmarks and pools: the p's
    a reader of that table looks through.
    """
    frame = pd.concat(comparisons, ignore_index=True)
    families = [
        family_of(*key)
        for key in zip(frame["benchmark"], frame["metric"], frame["language"], strict=True)
    ]
    frame = frame.assign(family=families, p_holm=np.nan)
    for index in frame.groupby("family").groups.values():
        frame.loc[index, "p_holm"] = holm(frame.loc[index, "p"].to_numpy())
    return frame[SIGNIFICANCE_COLUMNS]


def family_of(benchmark: str, metric: str, language: str) -> str:
    """The table whose family a test belongs to; the overviews have the means of their metrics."""
    for name, spec in SPECS.items():
        if metric in spec.metrics and spec.means_only == (language in MEANS):
            return name
    return benchmark
