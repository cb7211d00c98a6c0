"""Publish a table beside its provenance record, so that no table is without one."""

import shutil

from hybridbatch.provenance import record as provenance
from hybridbatch.runtime.files import whole, write_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params, drafts = snakemake.params, snakemake.input.drafts
    record = provenance.record(params.table, drafts, params.configuration, params.recorded)
    for draft, table in zip(drafts, snakemake.output.tables, strict=True):
        with whole(table) as temporary:
            shutil.copyfile(draft, temporary)
    write_json(snakemake.output.record, record)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
