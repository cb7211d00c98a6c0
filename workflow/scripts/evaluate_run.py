"""The run of one language, merged from its parts, and its per-query metrics."""

from hybridbatch.evaluation.per_query import run_metrics
from hybridbatch.retrieval.index import merge
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    parts = [read_table(path) for path in snakemake.input.parts]
    run = merge(parts, snakemake.params.depth, f"the shards of {snakemake.wildcards.language}")
    metrics = run_metrics(run, read_table(snakemake.input.qrels), snakemake.wildcards.language)
    log.info("%d queries, %d rows", len(metrics), len(run))
    write_table(snakemake.output.run, run, snakemake.params.of)
    write_table(snakemake.output.metrics, metrics, snakemake.params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
