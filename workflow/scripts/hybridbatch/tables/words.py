"""Wording in tables: names of pools and means, numbers of seeds, intervals."""

import pandas as pd

from hybridbatch.evaluation.settings import ALL, JUDGED, MEAN, MEAN_SEEN, MEAN_UNSEEN, SEEN

MEAN_TITLES = {
    MEAN: "all query languages",
    MEAN_SEEN: "query languages with training data",
    MEAN_UNSEEN: "query languages without training data",
}
POOL_TITLES = {
    ALL: "pool `all`: every language of the benchmark",
    SEEN: "pool `seen`: only the languages with training data",
    JUDGED: "pool `judged`: judged passages only, an easier task than the benchmark's",
}


def seeds_phrase(frame: pd.DataFrame) -> str:
    """`1 seed`, `3 seeds` or `1 or 3 seeds`; frame: rows with n_seeds."""
    seeds = sorted(frame["n_seeds"].unique())
    return f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}"


def interval_phrase(frame: pd.DataFrame, confidence: float) -> str:
    """A phrase that says what the intervals resample; frame: rows with n_seeds."""
    units = "queries" if (frame["n_seeds"] == 1).all() else "queries and seeds"
    return f"{100 * confidence:g}% bootstrap interval over {units}"
