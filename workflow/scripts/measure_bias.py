"""Language bias of one model's multilingual rankings on one benchmark, query by query."""

from pathlib import Path

import pyarrow as pa
from safetensors.numpy import load_file

from hybridbatch.evaluation.language_bias import check_vectors, mean_ranks, measure_rankings
from hybridbatch.retrieval.index import check_layout, read_vectors
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, languages = snakemake.input, snakemake.params.languages
    query_ids, candidate_ids = (
        {
            language: read_table(path, [column])[column].to_pylist()
            for language, path in zip(languages, paths, strict=True)
        }
        for paths, column in ((files.queries, "query_id"), (files.candidates, "candidate_id"))
    )
    index = Path(files.index)
    check_layout(index, {code: len(ids) for code, ids in candidate_ids.items()})
    candidates = read_vectors(index)
    queries = {}
    for language, path in zip(languages, files.embeddings, strict=True):
        queries[language] = load_file(path)["queries"]
        check_vectors(path, queries[language], len(query_ids[language]), candidates, index)
    seen = snakemake.params.seen
    measured = measure_rankings(query_ids, queries, candidate_ids, candidates, seen)
    ranks = [
        mean_ranks(read_table(path), language, seen)
        for language, path in zip(languages, files.ranks, strict=True)
    ]
    write_table(snakemake.output[0], pa.concat_tables([measured, *ranks]))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
