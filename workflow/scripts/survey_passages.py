"""Count the passages of one language and keep those that the judgements name."""

from hybridbatch.runtime import kinds
from hybridbatch.runtime.files import read_table, write_json, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files = snakemake.input
    kind = kinds.load("benchmarks", snakemake.params.kind)
    found = kind.survey(files.passages, read_table(files.queries), read_table(files.qrels))
    log.info("%s", ", ".join(f"{name} {n:,}" for name, n in found.counts.items()))
    if found.counts["absent_judgements"]:
        log.warning(
            "%d judgements name passages that the collection lacks, %d of them relevant: these "
            "count as not found",
            found.counts["absent_judgements"],
            found.counts["absent_relevant"],
        )
    write_json(snakemake.output.counts, snakemake.params.of | found.counts)
    write_table(snakemake.output.judged, found.judged, snakemake.params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
