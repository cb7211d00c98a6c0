"""Retrieval between captions and images: scores, differences between systems, verdicts."""

from hybridbatch.evaluation.image_scores import read_scores
from hybridbatch.evaluation.image_text import image_text_table
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.image_text import image_text_page, read_families, read_published_recall


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    scores = read_scores(read_table(path).to_pandas() for path in files.queries)
    published = read_published_recall(files.published, params.published)
    families = read_families(files.families)
    frame = image_text_table(
        scores,
        published,
        params.known,
        params.margin,
        params.confidence,
        families,
        params.not_run,
    )
    write(snakemake.output, frame, image_text_page(frame, params.margin, params.confidence))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
