"""The run of one language, merged from its parts, and its per-query metrics."""

from hybridbatch.evaluation.per_query import run_metrics
from hybridbatch.retrieval.index import merge_parts, without_exact
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params, language = snakemake.params, snakemake.wildcards.language
    parts = [read_table(path) for path in snakemake.input.parts]
    merged = merge_parts(parts, params.search["depth"], f"the shards of {language}")
    run, exact = without_exact(merged)
    metrics = run_metrics(run, read_table(snakemake.input.qrels), language)
    if exact is not None:
        from hybridbatch.evaluation.approximate import with_recall

        runs = {language: (run, exact)}
        metrics = with_recall(metrics, runs, params.search["index"], f"{language}:")
    log.info("%d queries, %d rows", len(metrics), len(run))
    write_table(snakemake.output.run, run, params.of)
    write_table(snakemake.output.metrics, metrics, params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
