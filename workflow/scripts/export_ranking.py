"""One ranking of the queries of one language as a run in TREC's format."""

import numpy as np
from safetensors.numpy import load_file

from hybridbatch.retrieval.runs import judgements, run_rows
from hybridbatch.retrieval.trec import write_run
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    pairs, candidate_ids = [], []
    for path in snakemake.input.qrels:
        pairs += [tuple(row.values()) for row in read_table(path).to_pylist()]
    for path in snakemake.input.candidates:
        candidate_ids += read_table(path, ["candidate_id"])["candidate_id"].to_pylist()
    candidates = [load_file(path)["candidates"] for path in snakemake.input.candidate_embeddings]
    query_ids = read_table(snakemake.input.queries, ["query_id"])["query_id"].to_pylist()
    judged = {query for query, _, _ in judgements(query_ids, pairs)}
    kept = [i for i, query in enumerate(query_ids) if query in judged]
    rows = run_rows(
        [query_ids[i] for i in kept],
        load_file(snakemake.input.query_embeddings)["queries"][kept],
        candidate_ids,
        np.concatenate(candidates),
        snakemake.params.depth,
    )
    write_run(snakemake.output[0], rows, snakemake.params.tag)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
