"""Score against what an ablation varies."""

import pandas as pd

from hybridbatch.figures._style import save_figure
from hybridbatch.figures.curves import curve_figure, curve_words
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    table = pd.read_csv(checked(snakemake.input.table), keep_default_na=False, na_values="")
    words = curve_words(params.name, table, params.confidence)
    figure = curve_figure(params.name, table)
    save_figure(figure, words, snakemake.output.svg, snakemake.output.caption, params.id)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
