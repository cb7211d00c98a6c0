"""What an image tower needs of a benchmark's images: the same for all systems of an encoder."""

from pathlib import Path

from hybridbatch.benchmarks.base import modality_of
from hybridbatch.encoders.base import CANDIDATE
from hybridbatch.encoders.rendered import inputs
from hybridbatch.runtime.files import read_table, write_tensors
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    if not snakemake.resources.gpu:  # otherwise a frozen tower leases one
        hide_gpus()
    candidates = read_table(files.candidates)
    modality = modality_of(candidates, files.candidates)
    make = inputs(params.encoder, Path(files.encoder))
    found = make(CANDIDATE, modality, candidates[modality].to_pylist())
    log.info("%d images", len(found))
    write_tensors(snakemake.output[0], found.arrays(), params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
