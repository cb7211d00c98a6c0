"""Training and validation losses of every sampling and seed of an encoder."""

from pathlib import Path

import pandas as pd

from hybridbatch.figures._style import save_figure
from hybridbatch.figures.training_curves import training_figure, training_words
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    training, validation = (
        pd.concat(
            pd.read_json(checked(Path(model) / file), lines=True)[["step", "loss"]].assign(
                sampling=sampling, seed=seed
            )
            for (sampling, seed), model in zip(params.parts, snakemake.input.models, strict=True)
        )
        for file in ("training.jsonl", "validation.jsonl")
    )
    figure = training_figure(training, validation)
    words = training_words(training, validation, params.encoder)
    save_figure(figure, words, snakemake.output.svg, snakemake.output.caption)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
