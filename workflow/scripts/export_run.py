"""A run and the judgements that it is scored by, as trec_eval reads them."""

from hybridbatch.retrieval.trec import write_qrels, write_run
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    run = read_table(snakemake.input.run, ["query_id", "candidate_id", "score"])
    qrels = read_table(snakemake.input.qrels, ["query_id", "candidate_id", "grade"])
    qrels = qrels.sort_by("query_id")
    write_run(
        snakemake.output.run, (tuple(row.values()) for row in run.to_pylist()), snakemake.params.tag
    )
    write_qrels(snakemake.output.qrels, (tuple(row.values()) for row in qrels.to_pylist()))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
