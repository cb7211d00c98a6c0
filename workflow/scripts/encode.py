"""Vectors of the queries and candidates of one benchmark language."""

from pathlib import Path

from hybridbatch.benchmarks.base import modality_of
from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT
from hybridbatch.encoders.inference import load
from hybridbatch.runtime.files import read_table, write_tensors
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    if not snakemake.resources.gpu:  # otherwise a GPU is leased when torch is needed
        hide_gpus()
    params = snakemake.params
    queries, candidates = (read_table(snakemake.input[side]) for side in ("queries", "candidates"))
    modality = modality_of(candidates, snakemake.input.candidates)
    encode = load(params.encoder, Path(snakemake.input.model))
    vectors = {
        "queries": encode(QUERY, TEXT, queries["text"].to_pylist()),
        "candidates": encode(CANDIDATE, modality, candidates[modality].to_pylist()),
    }
    write_tensors(snakemake.output[0], vectors, params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
