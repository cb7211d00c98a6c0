"""Read one language of a benchmark into queries, candidates and relevance judgements."""

from hybridbatch.benchmarks._reading import read_collection
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.files import write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    files = dict(snakemake.input.items())
    language = snakemake.wildcards.language
    with about(f"catalogue.benchmarks.{snakemake.wildcards.benchmark}"):
        collection = read_collection(params.kind, files, language, params.reading)
    log.info("%d queries, %d judgements", len(collection.queries), len(collection.qrels))
    write_table(output.queries, collection.queries, params.of)
    write_table(output.qrels, collection.qrels, params.of)
    if collection.candidates is not None:
        log.info("%d candidates", len(collection.candidates))
        write_table(output.candidates, collection.candidates, params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
