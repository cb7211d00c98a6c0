"""Read queries and judgements of one language of a benchmark with passages."""

from hybridbatch.benchmarks.miracl import judged_queries, read_qrels, read_topics
from hybridbatch.runtime.files import write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    qrels = read_qrels(snakemake.input.qrels)
    queries = judged_queries(read_topics(snakemake.input.topics), qrels, snakemake.input.qrels)
    log.info("%d queries, %d judgements", len(queries), len(qrels))
    write_table(snakemake.output.queries, queries)
    write_table(snakemake.output.qrels, qrels)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
