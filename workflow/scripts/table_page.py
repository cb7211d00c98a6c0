"""A table as a page of the report."""

from pathlib import Path

from hybridbatch.render.html import counts_phrase, table_page
from hybridbatch.runtime.files import checked, read_text, write_text
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    page = table_page(
        read_text(snakemake.input.markdown),
        snakemake.params.caption,
        counts_phrase(checked(snakemake.input.csv)),
        Path(snakemake.input.style).read_text(encoding="utf-8"),
    )
    write_text(snakemake.output[0], page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
