"""Duplicates between every corpus and every benchmark: counts, and the most similar pairs."""

from hybridbatch.contamination import (
    ContaminationConfig,
    contamination_markdown,
    contamination_table,
)
from hybridbatch.files import read_json, read_table, write_text
from hybridbatch.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    rows, pairs = [], []
    for (corpus, language), counts, found in zip(
        params.parts, files.counts, files.pairs, strict=True
    ):
        rows += [{"corpus": corpus, "language": language, **row} for row in read_json(counts)]
        pairs.append((corpus, language, read_table(found)))
    frame = contamination_table(rows)
    write_text(
        snakemake.output.csv, frame.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    )
    config = ContaminationConfig(**params.contamination)
    text = contamination_markdown(frame, pairs, config, params.worst)
    write_text(snakemake.output.markdown, text)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
