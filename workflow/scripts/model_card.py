"""The card of one system's models: what they are, of what data, and how good."""

from pathlib import Path

from hybridbatch.evaluation.inputs import pick
from hybridbatch.runtime import kinds
from hybridbatch.runtime.files import read_json, read_keyed, write_text
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.model_card import Corpus, Facts, model_card


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    kept = {(c["corpus"], c["language"]): c["kept"] for c in map(read_json, files.train)}
    corpora = [
        Corpus(pairs={code: kept[of["name"], code] for code in of["languages"]}, **of)
        for of in params.corpora
    ]
    found = {read_json(Path(model) / "run.json")["seed"]: Path(model) for model in files.models}
    folders = {seed: found[seed] for seed in params.seeds}
    benchmarks = [{"benchmark": benchmark} for benchmark in params.benchmarks]
    runs = {seed: read_json(folder / "run.json") for seed, folder in folders.items()}
    how = None
    if params.of_images:
        values = runs[params.seeds[0]]["encoder"]
        how = kinds.load("encoders", values["kind"]).how_to_load(values, f"seed{params.seeds[0]}")
    card = model_card(
        Facts(corpora=corpora, **params.facts),
        runs,
        {seed: read_json(folder / "mix.json") for seed, folder in folders.items()},
        [table.to_pandas() for table in pick(read_keyed(files.scores), benchmarks)],
        params.confidence,
        how,
    )
    write_text(snakemake.output[0], card)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
