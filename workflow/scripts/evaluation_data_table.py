"""Queries and candidates of each benchmark language (the paper's Tables 10 and 11)."""

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json, read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.counts import counts_page, counts_table
from hybridbatch.tables.published import EVALUATION_DATA, read_figures


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    queries = pick(read_keyed(files.queries, ["query_id"]), params.ranked)
    candidates = pick(read_keyed(files.candidates, ["candidate_id"]), params.ranked)
    rows = [
        of | {"metric": metric, "value": len(table)}
        for of, *tables in zip(params.ranked, queries, candidates, strict=True)
        for metric, table in zip(("queries", "candidates"), tables, strict=True)
    ]
    counted = [(counts, counts) for counts in map(read_json, files.counts)]
    for of, counts in zip(params.searched, pick(counted, params.searched), strict=True):
        names = {"queries": "queries", "judged": "judged candidates"}
        if of["benchmark"] not in params.judged_only:
            names |= {"passages": "candidates"}
        rows += [of | {"metric": metric, "value": counts[name]} for name, metric in names.items()]
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
