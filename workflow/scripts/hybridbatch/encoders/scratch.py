"""A transformer with random weights; its Unigram tokenizer is trained by the workflow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridbatch.encoders import inference, tokens
from hybridbatch.encoders.base import Encode, Encoder, MakeInputs


@dataclass(frozen=True)
class ScratchConfig:
    """The values of the catalogue entry."""

    kind: str
    layers: int
    heads: int
    dimension: int  # of hidden states and embeddings; a multiple of `heads`
    feed_forward: int  # hidden dimension of a layer's feed-forward network
    dropout: float
    vocabulary: int
    tokenizer_characters: int  # characters of each language for training the tokenizer
    max_tokens: int  # maximum length of inputs, and number of positions
    query_prefix: str
    passage_prefix: str


def prepare(values: Mapping[str, Any], texts: tokens.Texts, folder: Path) -> None:
    """Train the tokenizer into `folder`."""
    config = ScratchConfig(**values)
    tokens.save_unigram(texts, config.vocabulary, config.tokenizer_characters, folder)


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """Token ids. The tokenizer has no special tokens to add."""
    return tokens.saved_inputs(ScratchConfig(**values), folder, special_tokens=True)


def start(values: Mapping[str, Any], folder: Path, seed: int) -> Encoder:
    """A DistilBERT with random weights from `seed`, and mean pooling over tokens."""
    from hybridbatch.encoders.untrained import distilbert, text_tower

    config = ScratchConfig(**values)
    transformer = distilbert(
        folder,
        config.max_tokens,
        seed,
        layers=config.layers,
        heads=config.heads,
        dimension=config.dimension,
        feed_forward=config.feed_forward,
        dropout=config.dropout,
    )
    return text_tower(transformer, tokens.prompts(config))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode with the saved model."""
    return inference.by_torch(model, inputs(values, model))
