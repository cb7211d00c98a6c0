"""Exact rankings and judgements as rows for TREC files (`trec`).

A run and its judgements have only the queries with an answer in the pool. Tools that average over
the judged queries, or over those of the run, then both agree with the workflow's means.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from hybridbatch.retrieval.ranking import SCORES_A_BLOCK, exact_scores, places
from hybridbatch.runtime.errors import DataError


def judgements(
    query_ids: Sequence[str], qrels: Iterable[tuple[str, str]]
) -> list[tuple[str, str, int]]:
    """Rows (query id, candidate id, 1) in the order of `query_ids`; other queries are left out.

    qrels: (query id, candidate id) of the relevant pairs of a pool.
    """
    relevant: dict[str, list[str]] = {query: [] for query in query_ids}
    for query, candidate in qrels:
        if query in relevant:
            relevant[query].append(candidate)
    return [(query, candidate, 1) for query, found in relevant.items() for candidate in found]


def run_rows(
    query_ids: Sequence[str],
    queries: np.ndarray,
    candidate_ids: Sequence[str],
    candidates: np.ndarray,
    depth: int,
) -> Iterator[tuple[str, str, float]]:
    """Rows (query id, candidate id, score) of each query's first `depth`, the best first.

    queries: unit vectors float32 [q, d]; candidates: float32 [n, d]. Scores and the order of ties
    (descending candidate id) are those of `ranking`. Scores are float32 as in trec_eval, which
    therefore sees the same ties. Raises DataError if ids and vectors differ in number.
    """
    for what, ids, vectors in (
        ("queries", query_ids, queries),
        ("candidates", candidate_ids, candidates),
    ):
        if len(ids) != len(vectors):
            raise DataError(f"{len(ids)} {what} have {len(vectors)} vectors; encode them again.")
    place = places(candidate_ids)
    wide = candidates.astype(np.float64)
    block = max(1, SCORES_A_BLOCK // max(1, len(candidate_ids)))
    for first in range(0, len(query_ids), block):
        scores = exact_scores(queries[first : first + block], wide)
        for query, row in zip(query_ids[first : first + block], scores, strict=True):
            for column in first_places(row, place, depth):
                yield query, candidate_ids[column], float(row[column])


def first_places(scores: np.ndarray, place: np.ndarray, depth: int) -> np.ndarray:
    """Column numbers of the `depth` highest scores, the greater `place` first where they tie.

    scores: float [n]; place: int [n], all different. Returns int [min(depth, n)].
    """
    kept = np.arange(len(scores))
    if depth < len(scores):
        # Keep everything that ties with the last score, so that places can break the ties.
        least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        kept = np.flatnonzero(scores >= least)
    return kept[np.lexsort((-place[kept], -scores[kept]))[:depth]]
