"""FAISS indexes of one model's candidates: each language and all together."""

from pathlib import Path

from safetensors.numpy import load_file

from hybridbatch.retrieval.index import build
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    paths = zip(snakemake.params.languages, snakemake.input.embeddings, strict=True)
    candidates = {language: load_file(path)["candidates"] for language, path in paths}
    build(candidates, Path(snakemake.output[0]))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
