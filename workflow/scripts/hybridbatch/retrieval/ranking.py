"""Ranks of relevant candidates over full pools, ties broken as trec_eval breaks them."""

from collections.abc import Sequence

import numpy as np

SCORES_A_BLOCK = 4_000_000  # queries times candidates in a block; bounds memory


def exact_scores(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Inner products, float32 [q, n], of float32 [q, d] and [n, d] (or the same in float64).

    Sums are in float64 and rounded once. Equal vectors therefore get equal scores at any position
    in the matrix. A float32 product does not guarantee this, so that rounding noise would break
    ties. trec_eval also stores scores as float32.
    """
    wide = candidates.astype(np.float64, copy=False)
    return (queries.astype(np.float64) @ wide.T).astype(np.float32)


def places(identifiers: Sequence[str]) -> np.ndarray:
    """int64 [n]: the rank of each document id in ascending order, to break ties.

    At equal scores, the greater place ranks first.
    """
    place = np.empty(len(identifiers), dtype=np.int64)
    place[np.argsort(np.array(identifiers))] = np.arange(len(identifiers))
    return place


def ranks_by_language(
    queries: np.ndarray,
    candidates: np.ndarray,
    sizes: np.ndarray,
    identifiers: list[str],
    relevant_query: np.ndarray,
    relevant_candidate: np.ndarray,
) -> np.ndarray:
    """The number of candidates of each language that rank before each relevant one.

    queries: unit vectors float32 [q, d]. candidates: float32 [n, d], grouped by language; sizes:
    int [L], the group sizes. identifiers: document ids of the candidates. relevant_query,
    relevant_candidate: int [r], the relevant pairs.

    Returns int64 [r, L]: the candidates of the language that score higher or, at an equal score,
    have the greater document id, as trec_eval sorts. The rank in a pool of languages is one plus
    the sum over its columns.
    """
    place = places(identifiers)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    before = np.empty((len(relevant_query), len(sizes)), dtype=np.int64)
    block = max(1, SCORES_A_BLOCK // len(candidates))
    for first in range(0, len(queries), block):
        scores = exact_scores(queries[first : first + block], candidates)
        here = np.flatnonzero((relevant_query >= first) & (relevant_query < first + block))
        for r in here:
            score = scores[relevant_query[r] - first]
            own = relevant_candidate[r]
            ahead = score > score[own]
            tied = score == score[own]
            ahead |= tied & (place > place[own])
            before[r] = np.add.reduceat(ahead, starts, dtype=np.int64)
    return before
