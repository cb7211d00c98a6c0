"""Vectors of a benchmark language's queries, and of its candidates, which are images."""

from pathlib import Path

from hybridbatch.encoders.base import QUERY, TEXT
from hybridbatch.encoders.inputs import from_arrays
from hybridbatch.encoders.rendered import load_towers
from hybridbatch.runtime.files import read_table, read_tensors, write_tensors
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    if not snakemake.resources.gpu:  # otherwise a GPU is leased when torch is needed
        hide_gpus()
    queries = read_table(files.queries)["text"].to_pylist()
    seen = from_arrays(read_tensors(files.candidates)[0])
    encode, vectors_of = load_towers(params.encoder, Path(files.model))
    vectors = {"queries": encode(QUERY, TEXT, queries), "candidates": vectors_of(seen)}
    write_tensors(snakemake.output[0], vectors, params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
