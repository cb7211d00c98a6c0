"""One shard of a corpus' English texts, where every translation route starts."""

from hybridbatch.runtime.files import read_batches, write_table
from hybridbatch.runtime.logs import logged
from hybridbatch.translation.translate import shard, source_texts


def main(snakemake) -> None:
    texts = source_texts(read_batches(snakemake.input.pairs))
    part = shard(texts, snakemake.params.number, snakemake.params.of)
    write_table(snakemake.output[0], part)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
