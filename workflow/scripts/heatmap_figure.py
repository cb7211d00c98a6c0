"""mAP of the queries of each language against the candidates of each, a panel a sampling."""

import pandas as pd

from hybridbatch.figures._metrics import read_metrics
from hybridbatch.figures._style import save_figure
from hybridbatch.figures.heatmaps import heatmap_figure, heatmap_words, pair_scores
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    scores = pd.concat(
        pair_scores(metrics).assign(**names)
        for names, metrics in read_metrics(
            *(snakemake.input.metrics, ["candidates", "map"]),
            *(params.runs, params.languages),
        )
    )
    figure = heatmap_figure(scores, params.languages, params.seen)
    words = heatmap_words(scores, params.encoder, params.benchmark)
    save_figure(figure, words, snakemake.output.svg, snakemake.output.caption, params.id)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
