"""Pairs of each corpus and language, beside the published sizes (the paper's Table 9)."""

import pandas as pd

from hybridbatch import tables
from hybridbatch.files import read_json, write_text
from hybridbatch.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    figures = pd.read_csv(snakemake.input.published).set_index("dataset")["size_per_language"]
    rows, published = [], {}
    for corpus, path in zip(params.corpora, snakemake.input.corpora, strict=True):
        for metric, value in read_json(path).items():
            rows.append({"benchmark": corpus, "language": "en", "metric": metric, "value": value})
    for (corpus, language), path in zip(params.parts, snakemake.input.train, strict=True):
        key = (corpus, "trained_on", language)
        rows.append(dict(zip(("benchmark", "metric", "language"), key, strict=True)))
        rows[-1]["value"] = read_json(path)["kept"]
        if params.names[corpus]:
            published[key] = int(figures[params.names[corpus]])
    frame = tables.counts_table("training_data", rows, published)
    tables.write_tidy(snakemake.output.csv, frame)
    title = "Training data (the paper's Table 9)"
    write_text(snakemake.output.markdown, tables.counts_markdown(title, frame, "corpus"))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
