"""Significance tests with Holm's correction within each table."""

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
    """The tests of all encoders and benchmarks with Holm's p; columns SIGNIFICANCE_COLUMNS.

    comparisons: frames of `significance.compare` with added columns benchmark and encoder. A family
    is all tests shown in one table (`family_of`), over its encoders, benchmarks and pools: these
    are the p values that a reader of the table sees together.
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
    """The table whose family a test belongs to; means of overview metrics belong to overviews."""
    for name, spec in SPECS.items():
        if metric in spec.metrics and spec.means_only == (language in MEANS):
            return name
    return benchmark
