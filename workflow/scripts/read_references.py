"""Read one language of a reference set into texts by id."""

from hybridbatch.runtime.files import write_table
from hybridbatch.runtime.logs import log, logged
from hybridbatch.translation.references import READERS, texts_table


def main(snakemake) -> None:
    read = READERS[snakemake.params.reader]
    texts = texts_table(read(snakemake.input.file, snakemake.wildcards.language))
    log.info("%d texts", len(texts))
    write_table(snakemake.output[0], texts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
