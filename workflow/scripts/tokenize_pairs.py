"""The encoder's inputs of one corpus in one language, for all samplings and seeds."""

from pathlib import Path

from hybridbatch.encoders.pairs import pair_inputs
from hybridbatch.encoders.tokens import counted
from hybridbatch.runtime import kinds
from hybridbatch.runtime.files import read_batches, read_table, write_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    values, of = snakemake.params.encoder, snakemake.params.of
    kind = kinds.load("encoders", values["kind"])
    with counted() as counts:
        found = pair_inputs(
            kind.inputs(values, Path(snakemake.input.encoder)),
            read_table(snakemake.input.pairs, ["id"]),
            read_batches(snakemake.input.train, ["id", "question", "passage", "negative"]),
        )
    found.save(snakemake.output.tokens, of)
    write_json(snakemake.output.counts, of | counts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
