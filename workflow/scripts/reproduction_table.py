"""Each of the paper's printed cells beside ours, graded at the paper's scale."""

from hybridbatch.evaluation.reproduction import discrimination, reproduction_table, summary
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import log, logged
from hybridbatch.tables.published import read_published
from hybridbatch.tables.reproduction import reproduction_page


def main(snakemake) -> None:
    params = snakemake.params
    published = read_published(snakemake.input.published)
    cells = [read_table(path).to_pandas() for path in snakemake.input.scores]
    frame = reproduction_table(published, cells, params.scale, params.confidence)
    told = discrimination(published)
    page = reproduction_page(frame, told, params.confidence, params.scale)
    write(snakemake.output, frame, page)
    log.info("the paper's cells: %s", summary(frame))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
