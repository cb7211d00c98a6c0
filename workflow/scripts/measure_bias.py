"""Language bias of one model's multilingual rankings on one benchmark, query by query."""

import pyarrow as pa

from hybridbatch.evaluation.language_bias import mean_ranks, measure_rankings
from hybridbatch.retrieval.vectors import check_queries, read_pool
from hybridbatch.runtime.files import keys_of, read_keyed, read_table, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    pool = read_pool(params.languages, files.candidates, files.embeddings)
    found: dict[str, list[str]] = {}
    for path in files.queries:
        table = read_table(path, ["query_id"])
        language = keys_of(table, path)["language"]
        found[language] = table["query_id"].to_pylist()
        check_queries(found[language], pool.queries[language], path)
    query_ids = {language: found[language] for language in params.languages}
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
