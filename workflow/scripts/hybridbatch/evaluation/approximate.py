"""Ranks from an approximate index, and its recall of the exact ranking.

An index returns only the first `depth` candidates of a pool. A relevant candidate that it does not
return has no rank and counts as not found, as in trec_eval. Scores are inner products of the
original vectors, and ties are broken by descending id, so that the candidates found are in the
order of the exact ranking.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from hybridbatch.evaluation.metrics import INDEX, INDEX_DEPTHS, METRICS, of_source
from hybridbatch.evaluation.per_query import RANK_SCHEMA, query_metrics
from hybridbatch.evaluation.settings import ALL, INDEX_COLUMN, SEEN
from hybridbatch.retrieval.index import SearchConfig, search
from hybridbatch.retrieval.vectors import Pool


def search_pools(
    query_ids: Sequence[str],
    queries: np.ndarray,
    pool: Pool,
    seen: Sequence[str],
    config: SearchConfig,
) -> dict[str, tuple[pa.Table, pa.Table]]:
    """By pool, the run of the index and the exact run, to the depth at which recall is measured.

    Pools are each single language, `all`, and `seen` (the training languages), as in `per_query`.
    Each pool has its own index: filtering the results of a common index would search less of it.
    """
    members = {language: [language] for language in pool.candidate_ids}
    members[ALL] = list(pool.candidate_ids)
    members[SEEN] = [language for language in pool.candidate_ids if language in seen]
    exact = config.exact()
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

    Returns a RANK_SCHEMA table, as `per_query.relevant_ranks` does.
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


def index_metrics(
    ranks: pa.Table,
    seen: Sequence[str],
    runs: Mapping[str, tuple[pa.Table, pa.Table]],
    index: str,
) -> pa.Table:
    """Metrics of every query in every pool for an index, as in `per_query.query_metrics`.

    Added columns: `index`, its factory string, and its recall of the exact ranking, one column for
    each metric of source INDEX.
    """
    return with_recall(query_metrics(ranks, seen, complete=False), runs, index)


def with_recall(
    metrics: pa.Table,
    runs: Mapping[str, tuple[pa.Table, pa.Table]],
    index: str,
    prefix: str = "",
) -> pa.Table:
    """`metrics` with the columns of an index added: see `index_metrics`.

    prefix: a prefix of the query ids in `metrics` that those in `runs` lack.
    """
    pools = metrics["candidates"].to_pylist()
    ids = [id_.removeprefix(prefix) for id_ in metrics["query_id"].to_pylist()]
    for name in of_source(INDEX):
        recall = {pool: index_recall(*of_pool, name) for pool, of_pool in runs.items()}
        values = [recall[pool][query] for pool, query in zip(pools, ids, strict=True)]
        metrics = metrics.append_column(name, pa.array(values, pa.float64()))
    return metrics.append_column(INDEX_COLUMN, pa.array([index] * len(metrics)))


def index_recall(run: pa.Table, exact: pa.Table, metric: str) -> dict[str, float]:
    """By query id, the fraction of the exact run's first k that are in the first k of `run`.

    run, exact: tables of `retrieval.index.RUN_SCHEMA`. metric: one of source INDEX, which defines
    k. A pool of fewer than k candidates is compared whole.
    """
    wanted = [r for r in exact.to_pylist() if r["rank"] <= INDEX_DEPTHS[metric]]
    place = {(r["query_id"], r["candidate_id"]): r["rank"] for r in run.to_pylist()}
    ids = sorted({row["query_id"] for row in wanted})
    number = {id_: i for i, id_ in enumerate(ids)}
    query = np.array([number[row["query_id"]] for row in wanted])
    ranks = np.array([place.get((r["query_id"], r["candidate_id"]), 0) for r in wanted])
    found = ranks > 0
    values = METRICS[metric].function(ranks[found], query[found], np.bincount(query))
    return dict(zip(ids, values.tolist(), strict=True))
