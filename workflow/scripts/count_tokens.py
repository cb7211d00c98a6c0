"""What an encoder's tokenizer makes of the texts of one benchmark, by language."""

from pathlib import Path

from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT
from hybridbatch.encoders.tokens import counted
from hybridbatch.runtime import kinds
from hybridbatch.runtime.files import read_keyed, write_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    kind = kinds.load("encoders", params.encoder["kind"])
    make = kind.inputs(params.encoder, Path(snakemake.input.encoder))
    texts: dict[str, list[tuple[str, list[str]]]] = {}
    for side, files in (
        (QUERY, snakemake.input.queries),
        (CANDIDATE, snakemake.input.candidates),
    ):
        for keys, table in read_keyed(files, ["text"]):
            texts.setdefault(keys["language"], []).append((side, table["text"].to_pylist()))
    found = {}
    for language in params.languages:
        with counted() as counts:
            for side, of_side in texts[language]:
                make(side, TEXT, of_side)
        found[language] = counts
    write_json(snakemake.output[0], params.of | {"counts": found})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
