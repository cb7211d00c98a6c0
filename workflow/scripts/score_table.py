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
    tables.write_tidy(snakemake.output.csv, frame)
    if spec.means_only:
        text = tables.overview_markdown(spec.title, frame, params.confidence)
    else:
        text = tables.benchmark_markdown(spec.title, frame, params.confidence, params.averaged)
    write_text(snakemake.output.markdown, text)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
