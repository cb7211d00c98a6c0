"""Differences between samplings, with Holm's correction over each table's tests."""

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.families import significance_table
from hybridbatch.tables.significance import significance_page


def main(snakemake) -> None:
    params = snakemake.params
    found = pick(read_keyed(snakemake.input.comparisons), params.compared)
    frame = significance_table(
        table.to_pandas().assign(benchmark=of["benchmark"], encoder=of["encoder"])
        for of, table in zip(params.compared, found, strict=True)
    )
    write(snakemake.output, frame, significance_page(frame, params.confidence))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
