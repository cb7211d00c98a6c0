"""The share of the query's own language in the first k, beside its fair share."""

import pandas as pd

from hybridbatch.figures._style import save_figure
from hybridbatch.figures.shares import share_figure, share_words
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    bias = pd.read_csv(checked(snakemake.input.bias), keep_default_na=False, na_values="")
    bias = bias[(bias["encoder"] == params.encoder) & (bias["benchmark"] == params.benchmark)]
    figure = share_figure(bias, params.languages, params.seen)
    words = share_words(bias, params.encoder, params.benchmark, params.confidence)
    save_figure(figure, words, snakemake.output.svg, snakemake.output.caption, params.id)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
