"""Encoding with a saved model; in float32 the vectors equal those of SentenceTransformer."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hybridbatch.encoders.base import CANDIDATE, QUERY, Encode, MakeInputs
from hybridbatch.encoders.inputs import Inputs
from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress

_TOKENS_A_BATCH = 16_384
_PLURALS = {QUERY: "queries", CANDIDATE: "candidates"}  # for the log

FLOAT32 = "float32"

VectorsOf = Callable[[Inputs], np.ndarray]


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Load a saved model as a function of side, modality and items to encode.

    values: the encoder's catalogue entry. The function raises `DataError` if a vector is not
    finite.
    """
    encode = kinds.load("encoders", values["kind"]).load(values, model)

    return lambda side, modality, items: finite(encode(side, modality, items), model)


def finite(vectors: np.ndarray, model: Path) -> np.ndarray:
    """The vectors of a model; `DataError` if one of them is not finite."""
    if not np.isfinite(vectors).all():
        raise DataError(f"{model}: gives vectors that are not finite.")
    return vectors


def by_torch(model: Path, make: MakeInputs, precision: str = FLOAT32) -> Encode:
    """Encode with a saved model of one tower, on a GPU if the job has one.

    precision: of matrix products on a GPU, FLOAT32 (without TF32's shorter mantissa) or another
    type's name, such as `bfloat16`. On a CPU they are always in float32.
    """
    import torch

    from hybridbatch.encoders.towers import embed_padded, load_model
    from hybridbatch.runtime.gpus import lease_gpu

    lease_gpu()
    tower = load_model(model).eval()
    lower = tower.device.type == "cuda" and precision != FLOAT32
    torch.set_float32_matmul_precision("highest")

    def vectors_of(rows: Inputs) -> np.ndarray:
        cast = torch.autocast("cuda", getattr(torch, precision), enabled=lower)
        with torch.inference_mode(), cast:
            vectors = embed_padded(tower, rows).float()
        return torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()

    return encode_by(make, vectors_of)


def encode_by(make: MakeInputs, vectors_of: VectorsOf) -> Encode:
    """A function that makes inputs and encodes them in batches of similar length."""

    def encode(side: str, modality: str, items: Sequence[Any]) -> np.ndarray:
        return in_length_order(make(side, modality, items), vectors_of, _PLURALS[side])

    return encode


def in_length_order(inputs: Inputs, vectors_of: VectorsOf, unit: str) -> np.ndarray:
    """Apply `vectors_of` to batches of inputs of similar length.

    Inputs are sorted by tokens, since lengths in characters are not comparable between scripts. A
    batch has a limit of padded tokens, so that short texts form large batches. unit: the word for
    items in the log. Returns float32 [n, d] in input order.
    """
    lengths = inputs.lengths()
    order = np.argsort(-lengths, kind="stable")
    parts, start = [], 0
    progress = Progress(len(order), unit)
    while start < len(order):
        size = max(1, _TOKENS_A_BATCH // max(1, int(lengths[order[start]])))
        rows = order[start : start + size]
        parts.append(vectors_of(inputs.take(rows)))
        progress.add(len(rows))
        start += size
    result = np.empty((len(order), parts[0].shape[1]), dtype=np.float32)
    result[order] = np.concatenate(parts)
    return result
