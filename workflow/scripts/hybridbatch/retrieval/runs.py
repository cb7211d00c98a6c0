"""Rankings as they were scored, in rows for TREC's files (`trec`).

A run and its judgements have the queries with an answer in the pool, so that a tool that averages
over the judged queries and one that averages over the run's agree with the workflow's means.
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

    queries: unit vectors float32 [q, d]; candidates: float32 [n, d]. Scores are those that the
    ranks were counted from, ties in the order of `ranking`: descending candidate id. They are
    float32, which is what trec_eval keeps of a score, so that it sees the same ties. Raises
    DataError where ids and vectors differ in number.
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
        # All that tie with the last are still there when places decide.
        least = np.partition(scores, len(scores) - depth)[len(scores) - depth]
        kept = np.flatnonzero(scores >= least)
    return kept[np.lexsort((-place[kept], -scores[kept]))[:depth]]
