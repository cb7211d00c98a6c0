"""One ranking of the queries of one language as a run in TREC's format."""

from hybridbatch.retrieval.runs import judgements, run_rows
from hybridbatch.retrieval.trec import write_run
from hybridbatch.retrieval.vectors import read_pool
from hybridbatch.runtime.files import read_keyed, read_table, read_tensors
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    pool = read_pool(params.languages, files.candidates, files.candidate_embeddings)
    candidate_ids = [id_ for ids in pool.candidate_ids.values() for id_ in ids]
    pairs = [
        (row["query_id"], row["candidate_id"])
        for _, table in read_keyed(files.qrels)
        for row in table.to_pylist()
    ]
    query_ids = read_table(files.queries, ["query_id"])["query_id"].to_pylist()
    judged = {query for query, _, _ in judgements(query_ids, pairs)}
    kept = [i for i, query in enumerate(query_ids) if query in judged]
    queries = read_tensors(files.query_embeddings)[0]["queries"][kept]
    rows = run_rows(
        [query_ids[i] for i in kept], queries, candidate_ids, pool.candidates, params.depth
    )
    write_run(snakemake.output[0], rows, params.tag)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
