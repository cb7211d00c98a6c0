"""Pairs of each corpus and language, beside the published sizes, and the shares of batches."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.counts import counts_page, counts_table
from hybridbatch.tables.draws import draws_grids
from hybridbatch.tables.published import TRAINING_DATA, read_figures
from hybridbatch.training.draws import expected_draws


def main(snakemake) -> None:
    params = snakemake.params
    figures = read_figures(snakemake.input.published, TRAINING_DATA)
    sizes = figures.set_index("dataset")["size_per_language"]
    rows, published = [], {}
    pairs: dict[str, int] = {}
    languages: dict[str, list[str]] = {}
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
        # A corpus' own language, in which nothing is filtered, has all its pairs.
        pairs[corpus] = max(pairs.get(corpus, 0), counts["kept"])
        languages.setdefault(corpus, []).append(counts["language"])
        if params.names[corpus]:
            published[key] = int(sizes[params.names[corpus]])
    frame = counts_table("training_data", rows, published)
    title = "Training data (the paper's Table 9)"
    draws = expected_draws(pairs, languages, params.systems)
    page = counts_page("training_data", title, frame, "corpus")
    page = replace(page, blocks=[*page.blocks, *draws_grids(draws)])
    draws = draws.assign(table="training_data").reindex(columns=[*frame.columns, "share"])
    numbers = dict.fromkeys(("value", "published", "delta"), "Int64")
    whole = pd.concat([frame.astype(numbers), draws.astype(numbers)])
    write(snakemake.output, whole, page)


def _read(paths: Iterable[str], wanted: list[dict]) -> list[dict]:
    """The counts of each of the wanted keys, with their keys."""
    counts = list(map(read_json, paths))
    return pick(list(zip(counts, counts, strict=True)), wanted)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
