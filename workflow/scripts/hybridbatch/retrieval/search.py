"""Passage search: shards are encoded and searched one by one.

Vectors and index of a shard are held in memory and dropped after its search. Stored, the vectors of
MIRACL's 90 million passages would take 140 GB a system at 768 dimensions in float16, 280 GB in
float32, and nothing would read them again. Each shard's part of the run is kept as a checkpoint, so
that a killed job resumes at the shard where it stopped.
"""

from itertools import islice
from pathlib import Path

import numpy as np

from hybridbatch.benchmarks.miracl import read_passages
from hybridbatch.encoders.base import CANDIDATE, TEXT, Encode

_TEXTS_AT_ONCE = 20_000


def encode_passages(path: str | Path, encode: Encode) -> tuple[list[str], np.ndarray]:
    """Encode a shard; returns the ids and unit vectors, float32 [n, d], of its passages."""
    ids: list[str] = []
    vectors = []
    passages = read_passages(path)
    while piece := list(islice(passages, _TEXTS_AT_ONCE)):
        ids += [id_ for id_, _ in piece]
        vectors.append(encode(CANDIDATE, TEXT, [text for _, text in piece]))
    return ids, np.concatenate(vectors)
