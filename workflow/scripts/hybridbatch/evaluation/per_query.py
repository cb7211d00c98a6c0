"""Ranks from vectors, and per-query metrics from ranks, for the queries of one language.

Settings (the paper, section 4.1), for queries of language L:

- *monolingual*: against candidates of L.
- *cross-lingual*: against candidates of each other language C in which the query has an answer.
- *multilingual*: against the candidates of all languages, where the answers in all languages are
  relevant. The pool `seen` restricts this to the training languages.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from hybridbatch.evaluation.metrics import RANKING, RUN, of_source
from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.retrieval.ranking import ranks_by_language

RANK_SCHEMA = pa.schema(
    [
        ("query_id", pa.string()),
        ("candidate_id", pa.string()),
        ("candidate_language", pa.string()),
        ("rank_language", pa.int64()),  # in the pool of the candidate's language
        ("rank_all", pa.int64()),  # in the pool of all languages
        ("rank_seen", pa.int64()),  # in the pool of the languages trained on, else null
    ]
)


def relevant_ranks(
    query_ids: list[str],
    queries: np.ndarray,
    candidate_ids: dict[str, list[str]],
    candidates: np.ndarray,
    qrels: dict[str, list[tuple[str, str]]],
    seen: list[str],
) -> pa.Table:
    """The rank of every relevant candidate of every query, in each pool: a RANK_SCHEMA table.

    queries: float32 [q, d]. candidates: float32 [n, d], grouped by language in the order of
    `candidate_ids`. qrels: by the candidate's language, (query id, candidate id) pairs; those of
    other queries are ignored. seen: the training languages.
    """
    languages = list(candidate_ids)
    identifiers = [i for language in languages for i in candidate_ids[language]]
    query_number = {id_: i for i, id_ in enumerate(query_ids)}
    candidate_number = {id_: i for i, id_ in enumerate(identifiers)}
    rows = [
        (query_number[query], candidate_number[candidate], column)
        for column, language in enumerate(languages)
        for query, candidate in qrels[language]
        if query in query_number
    ]
    rows.sort()
    query, candidate, column = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    sizes = np.array([len(candidate_ids[language]) for language in languages])
    before = ranks_by_language(queries, candidates, sizes, identifiers, query, candidate)
    in_seen = np.array([language in seen for language in languages])
    rank_seen = 1 + before[:, in_seen].sum(1)
    return pa.table(
        {
            "query_id": [query_ids[i] for i in query],
            "candidate_id": [identifiers[i] for i in candidate],
            "candidate_language": [languages[i] for i in column],
            "rank_language": 1 + before[np.arange(len(rows)), column],
            "rank_all": 1 + before.sum(1),
            "rank_seen": pa.array(rank_seen, mask=~in_seen[column]),
        },
        schema=RANK_SCHEMA,
    )


def query_metrics(ranks: pa.Table, seen: Sequence[str], complete: bool = True) -> pa.Table:
    """Metrics of every query in every pool it has an answer in, from a RANK_SCHEMA table.

    seen: the training languages. complete: whether every relevant candidate has a rank. If not, a
    null rank counts as not found, and metrics that need all ranks are left out.

    Columns: query_id; candidates (a language code, `all` or `seen`); relevant; one column for each
    metric of source RANKING, null for a query that the metric is not defined for. Rows are sorted
    by query id within a pool.
    """
    language = ranks["candidate_language"].to_numpy(zero_copy_only=False)
    query_id = ranks["query_id"].to_numpy(zero_copy_only=False)
    pools = {code: (language == code, "rank_language") for code in sorted(set(language))}
    pools[ALL] = (np.ones(len(ranks), dtype=bool), "rank_all")
    pools[SEEN] = (np.isin(language, list(seen)), "rank_seen")
    metrics = {n: m for n, m in of_source(RANKING).items() if complete or not m.complete}
    tables = []
    for pool, (mask, column) in pools.items():
        if not mask.any():
            continue
        ids = query_id[mask]
        unique_ids, query = np.unique(ids, return_inverse=True)
        values = ranks.filter(pa.array(mask))[column]
        found = values.is_valid().to_numpy()
        values = values.drop_null().to_numpy().astype(np.int64)
        relevant = np.bincount(query)
        tables.append(
            pa.table(
                {
                    "query_id": unique_ids,
                    "candidates": [pool] * len(unique_ids),
                    "relevant": relevant,
                    **{
                        name: _nulls(metric.function(values, query[found], relevant))
                        for name, metric in metrics.items()
                    },
                }
            )
        )
    return pa.concat_tables(tables)


def _nulls(values: np.ndarray) -> pa.Array:
    """float64 [q] with nulls for NaN."""
    return pa.array(values, pa.float64(), mask=np.isnan(values))


def run_metrics(run: pa.Table, qrels: pa.Table, language: str) -> pa.Table:
    """Metrics of every judged query of one language, from a retrieval.index.RUN_SCHEMA table.

    qrels: of benchmarks.base.GRADED_SCHEMA. As in trec_eval with `-c`, a query that is not in the
    run scores 0, and a relevant passage counts even if the collection lacks it. Columns are those
    of `query_metrics`, with the metrics of source RUN. Query ids are `language:id`, since different
    queries of two languages may have the same id.
    """
    ids = sorted(set(qrels["query_id"].to_pylist()))
    number = {id_: i for i, id_ in enumerate(ids)}
    good = {(row["query_id"], row["candidate_id"]) for row in qrels.to_pylist() if row["grade"] > 0}
    found = [
        (number[row["query_id"]], row["rank"])
        for row in run.to_pylist()
        if (row["query_id"], row["candidate_id"]) in good
    ]
    query, ranks = np.array(found, dtype=np.int64).reshape(-1, 2).T
    relevant = np.bincount([number[query] for query, _ in good], minlength=len(ids))
    # A query without a relevant passage scores 0.
    values = {
        name: metric.function(ranks, query, np.maximum(relevant, 1))
        for name, metric in of_source(RUN).items()
    }
    return pa.table(
        {
            "query_id": [f"{language}:{id_}" for id_ in ids],
            "candidates": [language] * len(ids),
            "relevant": relevant,
            **values,
        }
    )
