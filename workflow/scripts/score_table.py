"""One of the papers' tables of scores, as CSV and Markdown."""

from hybridbatch import tables
from hybridbatch.files import read_table, write_text
from hybridbatch.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    spec = tables.SPECS.get(params.name) or tables.benchmark_spec(params.title)
    cells = [read_table(path).to_pandas() for path in snakemake.input.cells]
    published = tables.read_published(snakemake.input.published)
    frame = tables.tidy(params.name, spec, cells, published)
    layout = tables.overview_markdown if spec.means_only else tables.benchmark_markdown
    tables.write_tidy(snakemake.output.csv, frame)
    write_text(snakemake.output.markdown, layout(spec.title, frame, params.confidence))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
