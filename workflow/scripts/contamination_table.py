"""Duplicates between every corpus and every benchmark: counts, and the most similar pairs."""

from hybridbatch.data.contamination import ContaminationConfig, contamination_table
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json, read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.contamination import contamination_page


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    rows, pairs = [], []
    for (corpus, language), counts, found in zip(
        params.parts, files.counts, files.pairs, strict=True
    ):
        rows += [{"corpus": corpus, "language": language, **row} for row in read_json(counts)]
        pairs.append((corpus, language, read_table(found)))
    frame = contamination_table(rows)
    config = ContaminationConfig(**params.contamination)
    write(snakemake.output, frame, contamination_page(frame, pairs, config, params.worst))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
