"""Read one language of a reference set into texts by id."""

from hybridbatch.runtime.errors import about
from hybridbatch.runtime.files import write_table
from hybridbatch.runtime.logs import log, logged
from hybridbatch.translation.references import read_references
from hybridbatch.translation.translate import original_texts


def main(snakemake) -> None:
    params, language = snakemake.params, snakemake.wildcards.language
    with about(f"catalogue.references.{snakemake.wildcards.references}"):
        found = read_references(params.reader, snakemake.input.file, language)
    texts = original_texts(found)
    log.info("%d texts", len(texts))
    write_table(snakemake.output[0], texts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
