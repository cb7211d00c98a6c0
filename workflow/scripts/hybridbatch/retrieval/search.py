"""Passage search: shards are encoded and searched one by one.

Vectors and index of a shard are held in memory and dropped after its search. Stored, the vectors of
MIRACL's 90 million passages would take 140 GB a system at 768 dimensions in float16, 280 GB in
float32, and nothing would read them again. Each shard's part of the run is kept as a checkpoint, so
that a killed job resumes at the shard where it stopped.
"""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from hybridbatch.encoders.base import CANDIDATE, TEXT, Encode

_TEXTS_AT_ONCE = 20_000


def encode_passages(
    passages: Iterator[tuple[str, str]], encode: Encode
) -> tuple[list[str], np.ndarray]:
    """Encode (id, text) pairs, held in pieces; returns ids and unit vectors, float32 [n, d]."""
    ids: list[str] = []
    vectors = []
    while piece := list(islice(passages, _TEXTS_AT_ONCE)):
        ids += [id_ for id_, _ in piece]
        vectors.append(encode(CANDIDATE, TEXT, [text for _, text in piece]))
    return ids, np.concatenate(vectors)
