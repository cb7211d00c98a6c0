"""Language bias of one model's multilingual rankings on one benchmark, query by query."""

import pyarrow as pa

from hybridbatch.evaluation.language_bias import mean_ranks, measure_rankings
from hybridbatch.retrieval.vectors import check_queries, read_pool
from hybridbatch.runtime.files import read_keyed, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    pool = read_pool(params.languages, files.candidates, files.embeddings)
    found = {k["language"]: t["query_id"].to_pylist() for k, t in read_keyed(files.queries)}
    query_ids = {language: found[language] for language in params.languages}
    for language, ids in query_ids.items():
        check_queries(ids, pool.queries[language], f"queries in {language}")
    measured = measure_rankings(
        query_ids, pool.queries, pool.candidate_ids, pool.candidates, params.seen
    )
    by_language = {keys["language"]: table for keys, table in read_keyed(files.ranks)}
    ranks = [
        mean_ranks(by_language[language], language, params.seen) for language in params.languages
    ]
    write_table(snakemake.output[0], pa.concat_tables([measured, *ranks]), params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
