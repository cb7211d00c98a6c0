"""Queries and candidates of each benchmark language (the paper's Tables 10 and 11)."""

from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json, read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.counts import counts_page, counts_table
from hybridbatch.tables.published import EVALUATION_DATA, read_figures


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
    figures = read_figures(snakemake.input.published, EVALUATION_DATA)
    published = {
        (row.dataset, metric, row.language): getattr(row, metric)
        for row in figures.itertuples()
        for metric in ("queries", "candidates")
    }
    frame = counts_table("evaluation_data", rows, published)
    title = "Evaluation data (the paper's Tables 10 and 11)"
    page = counts_page("evaluation_data", title, frame, "benchmark")
    write(snakemake.output, frame, page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
