"""The images of Crossmodal-3600, out of the archive that they are published as."""

from hybridbatch.benchmarks.xm3600 import image_ids
from hybridbatch.data.image_files import pack_archive
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files = snakemake.input
    number = pack_archive(files.archive, image_ids(files.captions), snakemake.output[0])
    log.info("%d images", number)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
