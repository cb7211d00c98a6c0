"""Bring one pinned file from the mirror or the network."""

from hybridbatch.data.download import Source, fetch, mirror_from_environment
from hybridbatch.runtime.hashes import Hashes
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    fetch(
        Source(params.url, params.sha256, params.max_bytes),
        snakemake.output[0],
        mirror_from_environment(),
        params.recorded,
        hashes=Hashes(),
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
