"""Differences between samplings, with Holm's correction over each table's tests."""

from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.families import significance_table
from hybridbatch.tables.significance import significance_page


def main(snakemake) -> None:
    params = snakemake.params
    parts = [
        read_table(path).to_pandas().assign(benchmark=benchmark, encoder=encoder)
        for (benchmark, encoder), path in zip(
            params.parts, snakemake.input.comparisons, strict=True
        )
    ]
    frame = significance_table(parts)
    page = significance_page(frame, params.confidence, params.permutations)
    write(snakemake.output, frame, page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
