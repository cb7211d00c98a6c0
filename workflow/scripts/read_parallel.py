"""One shard in a language in which the corpus' publisher gives it, by the ids of its texts."""

from hybridbatch.data.readers import read_parallel
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import logged
from hybridbatch.translation.translate import parallel_table


def main(snakemake) -> None:
    texts = read_table(snakemake.input.texts)
    ids = texts["text_id"].to_pylist()
    lines = read_parallel(snakemake.params.reader, list(snakemake.input.files), ids)
    write_table(snakemake.output[0], parallel_table(texts, lines))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
