"""How the rank distances of the queries are distributed, a row a sampling."""

import pandas as pd

from hybridbatch.figures._metrics import read_metrics
from hybridbatch.figures._style import save_figure
from hybridbatch.figures.distances import distance_figure, distance_words, distances_of
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    distances = pd.concat(
        distances_of(metrics, names["language"] in params.seen).assign(**names)
        for names, metrics in read_metrics(
            *(snakemake.input.metrics, ["candidates", "rank_distance"]),
            *(params.runs, params.languages),
        )
    )
    words = distance_words(distances, params.encoder, params.benchmark)
    save_figure(
        distance_figure(distances), words, snakemake.output.svg, snakemake.output.caption, params.id
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
