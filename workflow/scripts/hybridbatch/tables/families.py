"""Significance tests with Holm's correction within each table."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from hybridbatch.evaluation.settings import MEANS, ZERO_SHOT
from hybridbatch.evaluation.significance import (
    COMPARISON_COLUMNS,
    holm_of_distinct,
    numbered_tests,
)
from hybridbatch.tables.scores import SPECS

_AFTER_P = COMPARISON_COLUMNS.index("p") + 1
_ROW = [*COMPARISON_COLUMNS[:_AFTER_P], "p_holm", *COMPARISON_COLUMNS[_AFTER_P:]]
SIGNIFICANCE_COLUMNS = [
    *("family", "benchmark", "encoder"),
    *(name for name in _ROW if name not in ("value_a", "value_b")),
]
# What makes a test, beside the scores that it averages.
_TEST = ["benchmark", "encoder", "setting", "metric", "sampling_a", "sampling_b"]


def significance_table(comparisons: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The tests of all encoders and benchmarks with Holm's p; columns SIGNIFICANCE_COLUMNS.

    comparisons: frames of `significance.compare` with added columns benchmark and encoder. A family
    is all tests of one table (`family_of`), over its encoders, benchmarks and pools: these are the
    p values that a reader of the table sees together. What a benchmark's table shows of others (the
    key `beside`) is of these benchmarks' families: so a test has one p_holm, however many tables
    show it. A test that stands in several rows (`repeats`) counts once and has the same p_holm in
    all of them. Differences to a system that was not trained are a family of their own.
    """
    frame = pd.concat(comparisons, ignore_index=True)
    families = [
        ZERO_SHOT if ZERO_SHOT in pair else family_of(*key)
        for pair, key in zip(
            zip(frame["sampling_a"], frame["sampling_b"], strict=True),
            zip(frame["benchmark"], frame["metric"], frame["language"], strict=True),
            strict=True,
        )
    ]
    frame = frame.assign(family=families, p_holm=np.nan)
    for index in frame.groupby("family").groups.values():
        frame.loc[index, "p_holm"] = holm_of_distinct(frame.loc[index], _TEST)
    return frame[SIGNIFICANCE_COLUMNS]


def distinct(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `significance_table` in which each test of a family stands first."""
    return frame[~numbered_tests(frame, ["family", *_TEST]).duplicated()]


def family_of(benchmark: str, metric: str, language: str) -> str:
    """The table whose family a test belongs to; means of overview metrics belong to overviews."""
    for name, spec in SPECS.items():
        if metric in spec.metrics and spec.means_only == (language in MEANS):
            return name
    return benchmark
