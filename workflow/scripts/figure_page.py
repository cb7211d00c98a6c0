"""A figure as a page of the report."""

from pathlib import Path

from hybridbatch.render.html import figure_page
from hybridbatch.runtime.files import checked, read_text, write_text
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    page = figure_page(
        read_text(snakemake.input.caption),
        checked(snakemake.input.svg).read_bytes(),
        Path(snakemake.input.style).read_text(encoding="utf-8"),
    )
    write_text(snakemake.output[0], page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
