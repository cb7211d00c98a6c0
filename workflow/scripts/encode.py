"""Vectors of the queries and candidates of one benchmark language."""

from pathlib import Path

from safetensors.numpy import save_file

from hybridbatch.encoders.inference import encode
from hybridbatch.runtime.files import read_table, whole
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    if not snakemake.resources.gpu:  # else a GPU is taken when torch is needed
        hide_gpus()
    texts = {
        side: read_table(snakemake.input[side], ["text"])["text"].to_pylist()
        for side in ("queries", "candidates")
    }
    vectors = encode(Path(snakemake.input.model), texts, snakemake.params.max_tokens)
    with whole(snakemake.output[0]) as temporary:
        save_file(vectors, temporary)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
