"""The image tower's inputs of a benchmark's images: of a frozen tower, its vectors."""

from pathlib import Path

from hybridbatch.data.captions import read_images
from hybridbatch.encoders.captions import image_inputs
from hybridbatch.runtime import kinds
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    if not snakemake.resources.gpu:
        hide_gpus()
    kind = kinds.load("encoders", params.encoder["kind"])
    make = kind.inputs(params.encoder, Path(files.encoder))
    found = image_inputs(make, read_images(files.images))
    log.info("%d images", len(found.ids))
    found.save(snakemake.output[0], params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
