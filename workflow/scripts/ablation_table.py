"""One ablation: every score at every value of what is varied, as CSV and Markdown."""

from hybridbatch.ablations import ablation_markdown, ablation_table
from hybridbatch.files import read_table, write_text
from hybridbatch.logs import logged
from hybridbatch.tables import LAREQA_COLUMNS, read_published, write_tidy


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    parts = [
        (point, read_table(path).to_pandas())
        for point, path in zip(params.points, files.cells, strict=True)
    ]
    comparisons = [
        (*part, read_table(path).to_pandas())
        for part, path in zip(params.compared, files.comparisons, strict=True)
    ]
    published = read_published(files.published, LAREQA_COLUMNS)
    frame = ablation_table(params.ablation, parts, comparisons, published)
    write_tidy(snakemake.output.csv, frame)
    text = ablation_markdown(params.ablation, frame, params.confidence)
    write_text(snakemake.output.markdown, text)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
