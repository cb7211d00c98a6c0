"""Retrieval metrics from the ranks of the relevant candidates, and the registry of all metrics.

A metric is a function and one entry in METRICS: unit, direction, decimals, title, and the settings
that report it. Adding a metric needs no change elsewhere.

The functions take `ranks`, int [r], from 1; `query`, int [r], the number of each rank's query; and
`relevant`, int [q], the number of relevant candidates of each query, found or not. They return
float64 [q], NaN for a query that a metric is not defined for. Values equal trec_eval's, except for
`rank_distance`, which trec_eval does not have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from hybridbatch.evaluation.settings import CROSS_LINGUAL, MONOLINGUAL, MULTILINGUAL

SHARE, RANKS = "share", "ranks"  # units
# The source of a metric: RANKING has the ranks of all relevant candidates. RUN has only the first
# candidates. INDEX is the run of an approximate index, where the first k candidates of the exact
# ranking count as relevant.
RANKING, RUN, INDEX = "ranking", "run", "index"


def average_precision(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Mean, over the relevant candidates, of the precision at their rank (trec_eval's `map`)."""
    order = np.lexsort((ranks, query))
    precision = (_position(query[order]) + 1) / ranks[order]
    return np.bincount(query[order], precision, minlength=len(relevant)) / relevant


def recall_at(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Fraction of the relevant that is in the first k; at most 10/11 for k = 10 and 11 relevant."""
    return np.bincount(query, ranks <= k, minlength=len(relevant)) / relevant


def ndcg_at(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain in the first k, for binary judgements."""
    gains = np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    best = ideal[np.minimum(relevant, k) - 1]
    return np.bincount(query, gains, minlength=len(relevant)) / best


def rank_distance(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Largest minus smallest rank among a query's relevant candidates (the paper, section 4.3).

    NaN for a query with fewer than two of them: it has no distance, and 0 would stand for none.
    """
    largest = np.zeros(len(relevant), dtype=np.int64)
    smallest = np.full(len(relevant), np.iinfo(np.int64).max)
    np.maximum.at(largest, query, ranks)
    np.minimum.at(smallest, query, ranks)
    return np.where(relevant < 2, np.nan, (largest - smallest).astype(np.float64))


def _position(sorted_query: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... within each run of equal values."""
    starts = np.flatnonzero(np.diff(sorted_query, prepend=-1))
    return np.arange(len(sorted_query)) - np.repeat(
        starts, np.diff(np.append(starts, len(sorted_query)))
    )


@dataclass(frozen=True)
class Metric:
    """A metric's function and presentation.

    decimals: in the tables of one benchmark; the overviews of all benchmarks have one less.
    sources: among RANKING, RUN and INDEX. settings: those in which the metric is reported.
    complete: whether it needs the rank of every relevant candidate, which an approximate index does
    not give. least_relevant: the number of relevant candidates below which a query has no value.
    """

    function: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
    title: str
    settings: tuple[str, ...]
    sources: tuple[str, ...] = (RANKING,)
    unit: str = SHARE
    less_is_better: bool = False
    decimals: int = 4
    complete: bool = False
    least_relevant: int = 1


# In the order of the tables.
METRICS = {
    "map": Metric(average_precision, "mAP", (MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL)),
    "recall_1": Metric(partial(recall_at, k=1), "R@1", (MONOLINGUAL, CROSS_LINGUAL)),
    "recall_10": Metric(partial(recall_at, k=10), "R@10", (MULTILINGUAL,)),
    "rank_distance": Metric(
        rank_distance,
        "rank distance",
        (MULTILINGUAL,),
        unit=RANKS,
        less_is_better=True,
        decimals=1,
        complete=True,
        least_relevant=2,
    ),
    "ndcg_10": Metric(partial(ndcg_at, k=10), "nDCG@10", (MONOLINGUAL,), sources=(RUN,)),
    "recall_100": Metric(partial(recall_at, k=100), "R@100", (MONOLINGUAL,), sources=(RUN,)),
}
INDEX_DEPTHS = {"index_recall_10": 10, "index_recall_100": 100}
METRICS |= {
    name: Metric(
        partial(recall_at, k=k),
        f"R@{k} of the index against exact",
        (MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL),
        sources=(INDEX,),
    )
    for name, k in INDEX_DEPTHS.items()
}
SETTINGS = {
    setting: tuple(name for name, metric in METRICS.items() if setting in metric.settings)
    for setting in (MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL)
}


def of_source(source: str) -> dict[str, Metric]:
    """The metrics that are computed from one of RANKING, RUN and INDEX."""
    return {name: metric for name, metric in METRICS.items() if source in metric.sources}


def metric_title(metric: str) -> str:
    """The title of a metric, such as `mAP`; an unregistered metric's own name."""
    return METRICS[metric].title if metric in METRICS else metric
