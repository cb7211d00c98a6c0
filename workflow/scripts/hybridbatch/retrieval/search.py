"""Runs: the first passages of each query, from shards that are encoded and searched in turn.

Vectors and indexes live in memory, a shard at a time, and are dropped when its first passages are
known. Kept, those of MIRACL's 90 million passages would take 140 GB a system at 768 dimensions in
float16, 280 GB in float32, and nothing reads them again. What is kept of each shard is its part of
the run, among the checkpoints: a killed job goes on at the shard it was in.
"""

from itertools import islice
from pathlib import Path

import numpy as np

from hybridbatch.benchmarks.miracl import read_passages
from hybridbatch.encoders.base import CANDIDATE, TEXT, Encode

_TEXTS_AT_ONCE = 20_000


def encode_passages(path: str | Path, encode: Encode) -> tuple[list[str], np.ndarray]:
    """Ids and unit vectors, float32 [n, d], of a shard."""
    ids: list[str] = []
    vectors = []
    passages = read_passages(path)
    while piece := list(islice(passages, _TEXTS_AT_ONCE)):
        ids += [id_ for id_, _ in piece]
        vectors.append(encode(CANDIDATE, TEXT, [text for _, text in piece]))
    return ids, np.concatenate(vectors)
