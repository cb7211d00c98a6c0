"""Vectors of a split's captions and images, and per-query metrics in both directions, by seed."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from hybridbatch.encoders.base import QUERY, TEXT
from hybridbatch.encoders.captions import ImageInputs
from hybridbatch.evaluation.image_queries import image_query_metrics, with_keys
from hybridbatch.runtime import kinds
from hybridbatch.runtime.files import read_json, read_table, write_table, write_tensors
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    if not snakemake.resources.gpu:  # otherwise a GPU is leased when torch is needed
        hide_gpus()
    captions, images = read_table(files.captions), read_table(files.tested)
    found, _ = ImageInputs.load(files.images)
    inputs = found.of(images["image_id"].to_pylist())
    kind = kinds.load("encoders", params.encoder["kind"])
    vectors: dict[str, np.ndarray] = {}
    tables: list[pa.Table] = []
    # Sorted by the seeds that the models themselves state.
    for seed, model in sorted((read_json(Path(m) / "run.json")["seed"], m) for m in files.models):
        log.info("seed %d", seed)
        encode, vectors_of = kind.load_towers(params.encoder, Path(model))
        of_captions = encode(QUERY, TEXT, captions["text"].to_pylist())
        of_images = vectors_of(inputs)
        vectors |= {f"captions{seed}": of_captions, f"images{seed}": of_images}
        metrics = image_query_metrics(captions, of_captions, images, of_images, params.seen)
        tables.append(with_keys(metrics, {**params.of, "seed": seed}))
    write_tensors(snakemake.output.vectors, vectors, params.of)
    write_table(snakemake.output.metrics, pa.concat_tables(tables), params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
