"""One language of a corpus' train set as a file of a data set: the pairs and their language."""

from hybridbatch.data.train_sets import COLUMNS, SCHEMA, with_language
from hybridbatch.runtime.files import read_batches, table_writer
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    pairs = read_batches(snakemake.input.train, COLUMNS)
    with table_writer(snakemake.output[0], SCHEMA, snakemake.params.of) as write:
        for batch in with_language(pairs, snakemake.wildcards.language):
            write(batch)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
