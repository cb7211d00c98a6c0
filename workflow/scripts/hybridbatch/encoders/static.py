"""The mean of token embeddings; its Unigram tokenizer is trained by the workflow.

Encoding with a saved model uses NumPy alone, which starts ten times faster than torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hybridbatch.encoders import inference, tokens
from hybridbatch.encoders.base import Encode, MakeInputs
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.runtime.files import read_tensors


@dataclass(frozen=True)
class StaticConfig:
    """The values of the catalogue entry."""

    kind: str
    dimension: int
    vocabulary: int
    tokenizer_characters: int  # characters of each language for training the tokenizer
    max_tokens: int
    query_prefix: str
    passage_prefix: str


def prepare(values: Mapping[str, Any], texts: tokens.Texts, folder: Path) -> None:
    """Train the tokenizer into `folder`."""
    config = StaticConfig(**values)
    tokens.save_unigram(texts, config.vocabulary, config.tokenizer_characters, folder)


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """Token ids without special tokens."""
    return tokens.saved_inputs(StaticConfig(**values), folder, special_tokens=False)


def start(values: Mapping[str, Any], folder: Path, seed: int) -> "Static":
    """A random table (standard normal / sqrt(dimension)) from `seed`, for `folder`'s tokenizer."""
    import torch

    from hybridbatch.encoders.devices import best_device
    from hybridbatch.encoders.mean_embedding import MeanEmbedding

    config = StaticConfig(**values)
    tokenizer = tokens.load_tokenizer(folder / tokens.TOKENIZER_FILE, config.max_tokens)
    generator = torch.Generator().manual_seed(seed)
    shape = (tokenizer.get_vocab_size(), config.dimension)
    table = torch.randn(shape, generator=generator) / config.dimension**0.5
    return Static(MeanEmbedding(table, tokenizer, tokens.prompts(config)).to(best_device()))


class Static:
    """A static encoder during training."""

    def __init__(self, model) -> None:
        self.model = model

    def embed(self, side: str, modality: str, inputs: Ragged):
        """Embeddings, float [n, d]; the prefix alone tells the sides apart."""
        import torch

        device = self.model.device
        ids = torch.from_numpy(inputs.ids).to(device)
        return self.model(ids, torch.from_numpy(inputs.bounds[:-1]).to(device, ids.dtype))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode with the saved model by looking up its embedding table."""
    make = inputs(values, model)
    table = read_tensors(model / "model.safetensors")[0]["embedding.weight"]

    def vectors_of(rows: Ragged) -> np.ndarray:
        sums = np.add.reduceat(table[rows.ids], rows.bounds[:-1], axis=0)
        means = sums / rows.lengths()[:, None].astype(np.float32)
        return means / np.linalg.norm(means, axis=1, keepdims=True).clip(1e-12)

    return inference.encode_by(make, vectors_of)
