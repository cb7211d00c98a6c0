"""Ranks of every relevant candidate and per-query metrics, for the queries of one language."""

from pathlib import Path

from safetensors.numpy import load_file

from hybridbatch.evaluation.per_query import query_metrics, relevant_ranks
from hybridbatch.retrieval.index import check_layout, read_vectors
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    languages = snakemake.params.languages
    candidate_ids = {
        language: read_table(path, ["candidate_id"])["candidate_id"].to_pylist()
        for language, path in zip(languages, snakemake.input.candidates, strict=True)
    }
    index = Path(snakemake.input.index)
    check_layout(index, {code: len(ids) for code, ids in candidate_ids.items()})
    ranks = relevant_ranks(
        read_table(snakemake.input.queries)["query_id"].to_pylist(),
        load_file(snakemake.input.embeddings)["queries"],
        candidate_ids,
        read_vectors(index),
        {
            language: [tuple(row.values()) for row in read_table(path).to_pylist()]
            for language, path in zip(languages, snakemake.input.qrels, strict=True)
        },
        snakemake.params.seen,
    )
    write_table(snakemake.output.ranks, ranks)
    write_table(snakemake.output.metrics, query_metrics(ranks))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
