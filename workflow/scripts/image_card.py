"""The card of a system's models of texts and images: what they are, of what, and how to load."""

from pathlib import Path

from hybridbatch.runtime import kinds
from hybridbatch.runtime.files import read_json, write_text
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.image_card import ImageFacts, image_card


def main(snakemake) -> None:
    params = snakemake.params
    folder = Path(snakemake.output[0]).parent
    models = sorted(Path(model).relative_to(folder) for model in snakemake.input.models)
    runs = {model.as_posix(): read_json(folder / model / "run.json") for model in models}
    kind = kinds.load("encoders", params.encoder["kind"])
    how = kind.how_to_load(params.encoder, next(iter(runs)))
    write_text(snakemake.output[0], image_card(ImageFacts(**params.facts), runs, how))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
