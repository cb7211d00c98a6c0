"""Ranks that an approximate index gives, and how much of the exact ranking it finds.

An index returns the first `depth` candidates of a pool only. A relevant candidate behind them, or
one that the index missed, has no rank and counts as not found, as in trec_eval. Its score is the
inner product of the vectors themselves, and of equal scores the greater id stands first, so that
what was found stands in the order of an exact ranking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from hybridbatch.evaluation.per_query import ALL, RANK_SCHEMA, SEEN
from hybridbatch.retrieval.search import EXACT, SearchConfig, search
from hybridbatch.retrieval.vectors import Pool

RECALL_DEPTHS = (10, 100)


def index_recall(run: pa.Table, exact: pa.Table, depth: int) -> dict[str, float]:
    """By query id, the share of the first `depth` of the exact run that the index' run has as well.

    run, exact: of `search.RUN_SCHEMA`. What counts is that a candidate is among the first `depth`
    of both. A pool of fewer candidates is compared whole.
    """
    found = set(_first(run, depth))
    wanted: dict[str, list[bool]] = {}
    for query, candidate in _first(exact, depth):
        wanted.setdefault(query, []).append((query, candidate) in found)
    return {query: float(np.mean(hits)) for query, hits in wanted.items()}


def _first(run: pa.Table, depth: int) -> list[tuple[str, str]]:
    rows = run.select(["query_id", "candidate_id", "rank"]).to_pylist()
    return [(r["query_id"], r["candidate_id"]) for r in rows if r["rank"] <= depth]


def search_pools(
    query_ids: Sequence[str],
    queries: np.ndarray,
    pool: Pool,
    seen: Sequence[str],
    config: SearchConfig,
) -> dict[str, tuple[pa.Table, pa.Table]]:
    """By pool, the run of the index and the exact run of its first candidates.

    Pools are every language, `all`, and `seen` (the languages with training data), as in
    `per_query`. Each has an index of its own, since a filtered index would search less of it.
    """
    members = {language: [language] for language in pool.candidate_ids}
    members[ALL] = list(pool.candidate_ids)
    members[SEEN] = [language for language in pool.candidate_ids if language in seen]
    exact = replace(config, index=EXACT, index_parameters="", depth=max(RECALL_DEPTHS))
    runs = {}
    for name, languages in members.items():
        if languages:
            ids = [id_ for language in languages for id_ in pool.candidate_ids[language]]
            vectors = np.concatenate([pool.of_language(language) for language in languages])
            runs[name] = tuple(
                search(query_ids, queries, ids, vectors, way) for way in (config, exact)
            )
    return runs


def ranks_in_runs(
    query_ids: Sequence[str],
    candidate_ids: Mapping[str, Sequence[str]],
    qrels: Mapping[str, Sequence[tuple[str, str]]],
    seen: Sequence[str],
    runs: Mapping[str, tuple[pa.Table, pa.Table]],
) -> pa.Table:
    """The rank of every relevant candidate in each pool, null where the index did not return it.

    Rows and columns as of `per_query.relevant_ranks`: a RANK_SCHEMA table.
    """
    place: dict[str, dict[tuple[str, str], int]] = {}
    for name, (run, _) in runs.items():
        rows = run.select(["query_id", "candidate_id", "rank"]).to_pylist()
        place[name] = {(r["query_id"], r["candidate_id"]): r["rank"] for r in rows}
    number = {id_: i for i, id_ in enumerate(query_ids)}
    order = {id_: i for i, id_ in enumerate(c for ids in candidate_ids.values() for c in ids)}
    pairs = sorted(
        (
            (query, candidate, language)
            for language in candidate_ids
            for query, candidate in qrels[language]
            if query in number
        ),
        key=lambda pair: (number[pair[0]], order[pair[1]]),
    )
    rows = [
        {
            "query_id": query,
            "candidate_id": candidate,
            "candidate_language": language,
            "rank_language": place[language].get((query, candidate)),
            "rank_all": place[ALL].get((query, candidate)),
            "rank_seen": place[SEEN].get((query, candidate)) if language in seen else None,
        }
        for query, candidate, language in pairs
    ]
    return pa.Table.from_pylist(rows, schema=RANK_SCHEMA)
