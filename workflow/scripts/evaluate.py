"""Ranks of every relevant candidate and per-query metrics, for the queries of one language."""

from hybridbatch.evaluation.origins import with_origins
from hybridbatch.evaluation.per_query import query_metrics, relevant_ranks
from hybridbatch.retrieval.vectors import check_answers, check_queries, read_pool
from hybridbatch.runtime.files import read_keyed, read_table, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    pool = read_pool(params.languages, files.candidates, files.embeddings)
    asked = read_table(files.queries)
    query_ids = asked["query_id"].to_pylist()
    queries = pool.queries[snakemake.wildcards.language]
    check_queries(query_ids, queries, files.queries)
    qrels = {
        keys["language"]: [(row["query_id"], row["candidate_id"]) for row in table.to_pylist()]
        for keys, table in read_keyed(files.qrels)
    }
    check_answers(query_ids, qrels, files.queries)
    if params.search:
        # Imported here, since most benchmarks are ranked exactly and start faster without FAISS.
        from hybridbatch.evaluation.approximate import index_metrics, ranks_in_runs, search_pools
        from hybridbatch.retrieval.index import SearchConfig

        config = SearchConfig(**params.search)
        runs = search_pools(query_ids, queries, pool, params.seen, config)
        ranks = ranks_in_runs(query_ids, pool.candidate_ids, qrels, params.seen, runs)
        metrics = index_metrics(ranks, params.seen, runs, config.index)
    else:
        ranks = relevant_ranks(
            query_ids, queries, pool.candidate_ids, pool.candidates, qrels, params.seen
        )
        metrics = query_metrics(ranks, params.seen)
    write_table(snakemake.output.ranks, ranks, params.of)
    write_table(snakemake.output.metrics, with_origins(metrics, asked), params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
