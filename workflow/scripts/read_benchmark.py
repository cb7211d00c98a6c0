"""Read one language of a benchmark into queries, candidates and relevance judgements."""

from hybridbatch.benchmarks.lareqa import READERS
from hybridbatch.runtime.files import write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    read = READERS[snakemake.params.reader]
    collection = read(snakemake.input.file, snakemake.wildcards.language)
    log.info("%d queries, %d candidates", len(collection.queries), len(collection.candidates))
    write_table(snakemake.output.queries, collection.queries)
    write_table(snakemake.output.candidates, collection.candidates)
    write_table(snakemake.output.qrels, collection.qrels)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
