"""Ranks that an approximate index gives, and how much of the exact ranking it finds.

An index returns the first `depth` candidates of a pool only. A relevant candidate behind them, or
one that the index missed, has no rank and counts as not found, as in trec_eval. Its score is the
inner product of the vectors themselves, and of equal scores the greater id stands first, so that
what was found stands in the order of an exact ranking.
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
    """By pool, the run of the index and the exact run, as deep as its recall is measured.

    Pools are every language, `all`, and `seen` (the languages with training data), as in
    `per_query`. Each has an index of its own, since a filtered index would search less of it.
    """
    members = {language: [language] for language in pool.candidate_ids}
    members[ALL] = list(pool.candidate_ids)
    members[SEEN] = [language for language in pool.candidate_ids if language in seen]
    exact = config.exact(max(INDEX_DEPTHS.values()))
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


def index_metrics(
    ranks: pa.Table,
    seen: Sequence[str],
    runs: Mapping[str, tuple[pa.Table, pa.Table]],
    index: str,
) -> pa.Table:
    """Metrics of every query in every pool, as `per_query.query_metrics`, by an index.

    Two kinds of columns are added: `index`, its factory string, and of each metric of an INDEX how
    much of the exact ranking it found.
    """
    return with_recall(query_metrics(ranks, seen, complete=False), runs, index)


def with_recall(
    metrics: pa.Table,
    runs: Mapping[str, tuple[pa.Table, pa.Table]],
    index: str,
    prefix: str = "",
) -> pa.Table:
    """`metrics` with the columns of an index: see `index_metrics`.

    prefix: what the query ids of the metrics begin with, and those of the runs do not.
    """
    pools = metrics["candidates"].to_pylist()
    ids = [id_.removeprefix(prefix) for id_ in metrics["query_id"].to_pylist()]
    for name in of_source(INDEX):
        recall = {pool: index_recall(*of_pool, name) for pool, of_pool in runs.items()}
        values = [recall[pool][query] for pool, query in zip(pools, ids, strict=True)]
        metrics = metrics.append_column(name, pa.array(values, pa.float64()))
    return metrics.append_column(INDEX_COLUMN, pa.array([index] * len(metrics)))


def index_recall(run: pa.Table, exact: pa.Table, metric: str) -> dict[str, float]:
    """By query id, the share of the first k of the exact run that stand in the first k of `run`.

    run, exact: of `index.RUN_SCHEMA`; metric: of an INDEX, which has the k. A pool of fewer
    candidates is compared whole.
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
