"""Vectors of texts by a saved model, the same that SentenceTransformer gives.

A static model is looked up with NumPy alone, which starts ten times faster than torch.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from hybridbatch.encoders.tokens import TOKENIZER_FILE, Ragged, load_tokenizer, tokenize
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.logs import Progress

SIDES = {"queries": "query", "candidates": "document"}  # our side -> its prompt in the model
_TOKENS_A_BATCH = 16_384


Encode = Callable[[str, Sequence[str]], np.ndarray]


def encode(model: Path, texts: dict[str, Sequence[str]], max_tokens: int) -> dict[str, np.ndarray]:
    """Unit vectors, float32 [n, d], of the texts of each side (`queries`, `candidates`)."""
    vectors_of = load(model, max_tokens)
    return {side: vectors_of(side, side_texts) for side, side_texts in texts.items()}


def load(model: Path, max_tokens: int) -> Encode:
    """A saved model as a function of a side and its texts, for texts that come in pieces."""
    prompts = read_json(model / "config_sentence_transformers.json")["prompts"]
    static = read_json(model / "modules.json")[0]["type"].endswith(".StaticEmbedding")
    tokenizer = load_tokenizer(model / TOKENIZER_FILE, max_tokens)
    vectors_of = _static_table(model) if static else _transformer(model)

    def encode_side(side: str, texts: Sequence[str]) -> np.ndarray:
        prompted = [prompts[SIDES[side]] + text for text in texts]
        tokens = tokenize(tokenizer, prompted, special_tokens=not static)
        vectors = in_token_order(tokens, vectors_of, side)
        if not np.isfinite(vectors).all():
            raise DataError(f"{model}: gives vectors that are not finite.")
        return vectors

    return encode_side


def in_token_order(tokens: Ragged, vectors_of, unit: str) -> np.ndarray:
    """Apply `vectors_of` to batches of sequences of about one length; results in input order.

    Sorted by tokens, since characters say little across scripts; a batch has a budget of padded
    tokens, so that short texts come in large batches.
    """
    lengths = tokens.lengths()
    order = np.argsort(-lengths, kind="stable")
    parts, start = [], 0
    progress = Progress(len(order), unit)
    while start < len(order):
        size = max(1, _TOKENS_A_BATCH // max(1, int(lengths[order[start]])))
        rows = order[start : start + size]
        parts.append(vectors_of(tokens.take(rows)))
        progress.add(len(rows))
        start += size
    result = np.empty((len(order), parts[0].shape[1]), dtype=np.float32)
    result[order] = np.concatenate(parts)
    return result


def _static_table(model: Path):
    table = load_file(model / "model.safetensors")["embedding.weight"]

    def vectors_of(tokens: Ragged) -> np.ndarray:
        sums = np.add.reduceat(table[tokens.ids], tokens.bounds[:-1], axis=0)
        means = sums / tokens.lengths()[:, None].astype(np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True).clip(1e-12)

    return vectors_of


def _transformer(path: Path):
    import torch

    from hybridbatch.encoders.models import embed, load_model
    from hybridbatch.runtime.gpus import lease_gpu

    lease_gpu()
    model = load_model(path).eval()

    def vectors_of(tokens: Ragged) -> np.ndarray:
        cuda = model.device.type == "cuda"
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=cuda):
            vectors = embed(model, tokens, model.device).float()
        return torch.nn.functional.normalize(vectors, dim=-1).cpu().numpy()

    return vectors_of
