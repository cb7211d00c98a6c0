"""The provenance record of one table, as JSON beside it."""

from hybridbatch.provenance import record as provenance
from hybridbatch.runtime.files import write_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    record = provenance.record(
        params.table, snakemake.input.table, params.configuration, params.recorded
    )
    write_json(snakemake.output[0], record)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
