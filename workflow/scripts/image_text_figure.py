"""R@10 between captions and images by language family, a line a text tower."""

import pandas as pd

from hybridbatch.figures._style import save_figure
from hybridbatch.figures.image_text import family_figure, family_words
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    table = pd.read_csv(checked(snakemake.input.table), keep_default_na=False, na_values="")
    words = family_words(table, snakemake.params.confidence)
    figure, output = family_figure(table), snakemake.output
    save_figure(figure, words, output.svg, output.caption, snakemake.params.id)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
