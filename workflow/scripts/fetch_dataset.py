"""Stream the rows of a data set into hashed shards, from the mirror, the hub or files of yours."""

from pathlib import Path

from hybridbatch.data.download import mirror_from_environment
from hybridbatch.data.hub import DataSet, fetch_data_set
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    with about(f"catalogue.corpora.{snakemake.wildcards.corpus}"):
        fetch_data_set(
            DataSet(**params.data_set),
            Path(snakemake.output[0]).parent,
            mirror_from_environment(),
            params.recorded,
            params.max_bytes,
        )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
