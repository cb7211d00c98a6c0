"""Each of the paper's cells against ours, where the run is at the paper's scale."""

import pandas as pd

from hybridbatch.figures._style import save_figure
from hybridbatch.figures.published import reproduction_figure, reproduction_words
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    cells = pd.read_csv(checked(snakemake.input.table), keep_default_na=False, na_values="")
    figure = reproduction_figure(cells, params.scale)
    words = reproduction_words(cells, params.scale, params.confidence)
    save_figure(figure, words, snakemake.output.svg, snakemake.output.caption, params.id)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
