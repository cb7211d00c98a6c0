"""Each of the paper's printed cells beside ours, graded at the paper's scale."""

from hybridbatch.files import read_table, write_text
from hybridbatch.logs import log, logged
from hybridbatch.reproduction import reproduction_markdown, reproduction_table, summary
from hybridbatch.tables import read_published, write_tidy


def main(snakemake) -> None:
    params = snakemake.params
    published = read_published(snakemake.input.published)
    cells = [read_table(path).to_pandas() for path in snakemake.input.cells]
    frame = reproduction_table(published, cells, params.scale)
    write_tidy(snakemake.output.csv, frame)
    text = reproduction_markdown(frame, params.confidence, params.scale)
    write_text(snakemake.output.markdown, text)
    log.info("the paper's cells: %s", summary(frame))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
