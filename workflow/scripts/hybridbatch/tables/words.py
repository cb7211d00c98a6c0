"""Wording in tables: names of pools and means, numbers of seeds, intervals."""

import pandas as pd

from hybridbatch.evaluation.settings import (
    ALL,
    JUDGED,
    MEAN,
    MEAN_SEEN,
    MEAN_UNSEEN,
    SEEN,
    ZERO_SHOT,
)

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
    """`1 seed`, `3 seeds` or `1 or 3 seeds`; frame: rows with n_seeds and sampling.

    Zero-shot rows have no seeds, and do not count beside others.
    """
    trained = frame[frame["sampling"] != ZERO_SHOT]
    frame = trained if len(trained) else frame
    seeds = sorted(frame["n_seeds"].unique())
    return f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}"


def interval_phrase(frame: pd.DataFrame, confidence: float) -> str:
    """A phrase that says what the intervals speak of; frame: rows with n_seeds."""
    counts = set(frame["n_seeds"])
    of = "of this seed only" if counts == {1} else "over articles and seeds"
    note = " (with one seed: of this seed only)" if len(counts) > 1 and 1 in counts else ""
    return f"{100 * confidence:g}% interval {of}{note}"


def no_test(row) -> str:
    """Why a difference was not tested; row: of `significance.compare`, without a p."""
    if row.n_seeds == 1:
        return "this seed only: no test"
    return "one cluster of questions: no test" if row.n_clusters == 1 else "no spread: no test"
