"""Ranks of relevant candidates over full pools, ties broken as trec_eval breaks them."""

from collections.abc import Sequence

import numpy as np

SCORES_A_BLOCK = 4_000_000  # of queries times candidates; bounds memory


def exact_scores(queries: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Inner products, float32 [q, n], of float32 [q, d] and [n, d] (or the same in float64).

    Summed in float64 and rounded once, so that equal vectors score equal wherever they stand in
    the matrix. A float32 product does not promise that, and then noise would break ties.
    float32 is also what trec_eval keeps of a score.
    """
    wide = candidates.astype(np.float64, copy=False)
    return (queries.astype(np.float64) @ wide.T).astype(np.float32)


def places(identifiers: Sequence[str]) -> np.ndarray:
    """int64 [n]: each document id's place among them all; of equal scores the greater is first."""
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
    """How many candidates of each language stand before each relevant one.

    queries: unit vectors float32 [q, d]; candidates: float32 [n, d], language after language with
    `sizes` int [L]; identifiers: the candidates' document ids; relevant_query, relevant_candidate:
    int [r], the relevant pairs. Returns int64 [r, L]: candidates of the language that score higher
    or, at an equal score, have the greater id (descending document id, as trec_eval sorts). The
    rank in a pool of languages is one plus the sum over its columns.
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
