"""The card of one system's models: what they are, of what data, and how good."""

from pathlib import Path

from hybridbatch.runtime.files import read_json, read_table, write_text
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.model_card import Corpus, Facts, model_card


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    kept = iter(files.train)
    corpora = [
        Corpus(pairs={code: read_json(next(kept))["kept"] for code in of["languages"]}, **of)
        for of in params.corpora
    ]
    folders = dict(zip(params.seeds, map(Path, files.models), strict=True))
    card = model_card(
        Facts(corpora=corpora, **params.facts),
        {seed: read_json(folder / "run.json") for seed, folder in folders.items()},
        {seed: read_json(folder / "mix.json") for seed, folder in folders.items()},
        [read_table(path).to_pandas() for path in files.cells],
        params.confidence,
    )
    write_text(snakemake.output[0], card)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
