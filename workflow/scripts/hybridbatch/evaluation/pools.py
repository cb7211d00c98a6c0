"""Which benchmarks have two pools that differ: all languages, and the training languages."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from hybridbatch.evaluation.settings import ALL, SEEN


def told_pools(scores: pd.DataFrame, keys: Sequence[str]) -> set[str]:
    """The benchmarks whose pool `seen` has other scores than their pool `all`.

    They are the same where all languages of a benchmark are training languages. scores: one row
    for each pool and `keys`, benchmark among them.
    """
    whole, seen = (scores[scores["pool"] == pool] for pool in (ALL, SEEN))
    both = seen.merge(whole, on=list(keys), how="left", suffixes=("", "_all"))
    other = ~np.isclose(both["value"], both["value_all"])
    return set(both.loc[other, "benchmark"])
