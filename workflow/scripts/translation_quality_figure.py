"""chrF++ of each language's translations against its monolingual mAP."""

import pandas as pd

from hybridbatch.figures._style import save_figure
from hybridbatch.figures.translations import quality_figure, quality_points, quality_words
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    quality, *scores = (
        pd.read_csv(checked(path), keep_default_na=False, na_values="")
        for path in (snakemake.input.quality, *snakemake.input.scores)
    )
    frame = pd.concat(scores)
    points = quality_points(quality, frame[frame["encoder"] == params.encoder])
    words = quality_words(points, params.encoder, params.confidence)
    save_figure(
        quality_figure(points), words, snakemake.output.svg, snakemake.output.caption, params.id
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
