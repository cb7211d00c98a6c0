"""Differences between samplings, with Holm's correction over each table's tests."""

from hybridbatch.files import read_table, write_text
from hybridbatch.logs import logged
from hybridbatch.significance import significance_markdown, significance_table
from hybridbatch.tables import write_tidy


def main(snakemake) -> None:
    params = snakemake.params
    parts = [
        read_table(path).to_pandas().assign(benchmark=benchmark, encoder=encoder)
        for (benchmark, encoder), path in zip(
            params.parts, snakemake.input.comparisons, strict=True
        )
    ]
    frame = significance_table(parts)
    write_tidy(snakemake.output.csv, frame)
    text = significance_markdown(frame, params.confidence, params.permutations)
    write_text(snakemake.output.markdown, text)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
