"""One font out of several, for rendering texts with characters of several scripts."""

from hybridbatch.data.fonts import merge_fonts
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    merge_fonts(snakemake.params.fonts, snakemake.output[0])


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
