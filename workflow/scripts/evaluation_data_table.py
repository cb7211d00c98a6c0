"""Queries and candidates of each benchmark language (the paper's Tables 10 and 11)."""

import pandas as pd

from hybridbatch import tables
from hybridbatch.files import read_json, read_table, write_text
from hybridbatch.logs import logged


def main(snakemake) -> None:
    rows = [
        {"benchmark": key[0], "language": key[1], "metric": key[2], "value": len(read_table(path))}
        for key, path in zip(snakemake.params.parts, snakemake.input.collections, strict=True)
    ]
    for (benchmark, language, judged_only), path in zip(
        snakemake.params.counted, snakemake.input.counts, strict=True
    ):
        counts = read_json(path)
        names = {"queries": "queries", "judged": "judged candidates"}
        if not judged_only:
            names |= {"passages": "candidates"}
        rows += [
            {"benchmark": benchmark, "language": language, "metric": metric, "value": counts[name]}
            for name, metric in names.items()
        ]
    figures = pd.read_csv(snakemake.input.published)
    published = {
        (row.dataset, metric, row.language): getattr(row, metric)
        for row in figures.itertuples()
        for metric in ("queries", "candidates")
    }
    frame = tables.counts_table("evaluation_data", rows, published)
    tables.write_tidy(snakemake.output.csv, frame)
    title = "Evaluation data (the paper's Tables 10 and 11)"
    write_text(snakemake.output.markdown, tables.counts_markdown(title, frame, "benchmark"))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
