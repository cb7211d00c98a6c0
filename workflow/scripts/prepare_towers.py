"""A text tower and an image tower before training, and the text tower's inputs of all captions."""

from collections.abc import Iterator
from pathlib import Path

from hybridbatch.data.captions import TEST, read_captions, read_images
from hybridbatch.encoders.captions import text_inputs
from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.files import whole
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    if not snakemake.resources.gpu:
        hide_gpus()
    kind = kinds.load("encoders", params.encoder["kind"])
    values = params.encoder
    if model := files.get("model"):
        # A system of the tables, whose folder has its own modules.
        system = {"model": model, "pooling": "published"}
        values = {**values, "text": {**values["text"], **system}}
    folder = Path(snakemake.output.encoder)
    with about(f"catalogue.encoders.{params.name}"), whole(folder) as temporary:
        temporary.mkdir()
        kind.prepare(values, {}, temporary, (image for _, image in read_images(files.images)))
    found = text_inputs(kind.inputs(params.encoder, folder), _texts(files.captions, params))
    log.info("%d different captions", len(found.texts))
    found.save(snakemake.output.texts, params.of)


def _texts(paths: list[str], params) -> Iterator[str]:
    """The captions of all splits that are trained on or validated with."""
    for path in paths:
        for row in read_captions(path).to_pylist():
            if row["split"] != TEST and row["language"] in params.languages:
                yield row["caption"]


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
