"""Pairs of each corpus and language, beside the published sizes (the paper's Table 9)."""

from collections.abc import Iterable

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.counts import counts_page, counts_table
from hybridbatch.tables.published import TRAINING_DATA, read_figures


def main(snakemake) -> None:
    params = snakemake.params
    figures = read_figures(snakemake.input.published, TRAINING_DATA)
    sizes = figures.set_index("dataset")["size_per_language"]
    rows, published = [], {}
    for counts in _read(snakemake.input.corpora, params.corpora):
        corpus, language = counts.pop("corpus"), counts.pop("language")
        for metric, value in counts.items():
            row = {"benchmark": corpus, "language": language, "metric": metric, "value": value}
            rows.append(row)
    for counts in _read(snakemake.input.train, params.train):
        corpus = counts["corpus"]
        key = (corpus, "trained_on", counts["language"])
        rows.append(dict(zip(("benchmark", "metric", "language"), key, strict=True)))
        rows[-1]["value"] = counts["kept"]
        if params.names[corpus]:
            published[key] = int(sizes[params.names[corpus]])
    frame = counts_table("training_data", rows, published)
    title = "Training data (the paper's Table 9)"
    page = counts_page("training_data", title, frame, "corpus")
    write(snakemake.output, frame, page)


def _read(paths: Iterable[str], wanted: list[dict]) -> list[dict]:
    """The counts of each of the wanted keys, with their keys."""
    counts = list(map(read_json, paths))
    return pick(list(zip(counts, counts, strict=True)), wanted)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
