"""Retrieval metrics from the ranks of the relevant candidates.

All take `ranks` int [r], from 1, `query` int [r], the number of the query each belongs to, and
`relevant` int [q], how many relevant candidates each query has, found or not; all return float64
[q]. They equal trec_eval's, except `rank_distance`, which it does not have.
"""

import numpy as np


def average_precision(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Mean over the relevant of the precision at their rank (trec_eval's `map`)."""
    order = np.lexsort((ranks, query))
    precision = (_position(query[order]) + 1) / ranks[order]
    return np.bincount(query[order], precision, minlength=len(relevant)) / relevant


def recall_at(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Share of the relevant in the first k: with 11 relevant, recall at 10 is at most 10/11."""
    return np.bincount(query, ranks <= k, minlength=len(relevant)) / relevant


def ndcg_at(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray, k: int) -> np.ndarray:
    """Normalised discounted cumulative gain in the first k, for binary judgements."""
    gains = np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0)
    ideal = np.cumsum(1 / np.log2(np.arange(2, k + 2)))
    best = ideal[np.minimum(relevant, k) - 1]
    return np.bincount(query, gains, minlength=len(relevant)) / best


def rank_distance(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray) -> np.ndarray:
    """Largest minus smallest rank among a query's relevant candidates (the paper, section 4.3)."""
    largest = np.zeros(len(relevant), dtype=np.int64)
    smallest = np.full(len(relevant), np.iinfo(np.int64).max)
    np.maximum.at(largest, query, ranks)
    np.minimum.at(smallest, query, ranks)
    return (largest - smallest).astype(np.float64)


def _position(sorted_query: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... within each run of equal values."""
    starts = np.flatnonzero(np.diff(sorted_query, prepend=-1))
    return np.arange(len(sorted_query)) - np.repeat(
        starts, np.diff(np.append(starts, len(sorted_query)))
    )
