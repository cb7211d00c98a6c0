"""Pairs of each corpus and language, beside the published sizes (the paper's Table 9)."""

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
    for corpus, path in zip(params.corpora, snakemake.input.corpora, strict=True):
        for metric, value in read_json(path).items():
            rows.append({"benchmark": corpus, "language": "en", "metric": metric, "value": value})
    for (corpus, language), path in zip(params.parts, snakemake.input.train, strict=True):
        key = (corpus, "trained_on", language)
        rows.append(dict(zip(("benchmark", "metric", "language"), key, strict=True)))
        rows[-1]["value"] = read_json(path)["kept"]
        if params.names[corpus]:
            published[key] = int(sizes[params.names[corpus]])
    frame = counts_table("training_data", rows, published)
    title = "Training data (the paper's Table 9)"
    page = counts_page("training_data", title, frame, "corpus")
    write(snakemake.output, frame, page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
