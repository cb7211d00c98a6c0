"""Training and validation losses of every sampling and seed of an encoder."""

from pathlib import Path

import pandas as pd

from hybridbatch.evaluation.inputs import pick
from hybridbatch.figures._style import save_figure
from hybridbatch.figures.training_curves import training_figure, training_words
from hybridbatch.runtime.files import checked, read_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    runs = [(read_json(Path(model) / "run.json"), model) for model in snakemake.input.models]
    found = [({"sampling": r["training"]["sampling"], "seed": r["seed"]}, m) for r, m in runs]
    wanted = [{"sampling": s, "seed": n} for s in params.samplings for n in params.seeds]
    models = pick(found, wanted)
    training, validation = (
        pd.concat(
            pd.read_json(checked(Path(model) / file), lines=True)[["step", "loss"]].assign(**of)
            for of, model in zip(wanted, models, strict=True)
        )
        for file in ("training.jsonl", "validation.jsonl")
    )
    figure = training_figure(training, validation)
    words = training_words(training, validation, params.encoder)
    save_figure(figure, words, snakemake.output.svg, snakemake.output.caption, params.id)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
