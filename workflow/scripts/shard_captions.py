"""One shard of a corpus' English captions, where every translation route starts."""

from hybridbatch.data.caption_corpora import english
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import logged
from hybridbatch.translation.translate import original_texts, shard


def main(snakemake) -> None:
    texts = original_texts(english(read_table(snakemake.input.captions)))
    part = shard(texts, snakemake.params.number, snakemake.params.of)
    write_table(snakemake.output[0], part)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
