"""One ablation: every score at every value of what is varied, as a table."""

from hybridbatch.evaluation.ablations import ablation_table
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.ablations import ablation_page
from hybridbatch.tables.published import LAREQA, read_published


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
    published = read_published(files.published, LAREQA)
    frame = ablation_table(params.ablation, parts, comparisons, published)
    shown = (params.confidence, params.together, params.whole)
    page = ablation_page(params.ablation, frame, *shown)
    write(snakemake.output, frame, page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
