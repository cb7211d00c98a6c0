"""A transformer from scratch whose layers differ in width; its tokenizer is trained here.

Layer-wise scaling of Mehta et al. (2024), "OpenELM", section 2: each layer has its own number of
heads of attention and of feed-forward units. Any two schedules of one size have equally many
parameters, to the last one: heads and units are divided among the layers by the largest remainder,
and each of them has the same number of parameters in every layer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridbatch.encoders import inference, tokens
from hybridbatch.encoders.base import Encode, Encoder, MakeInputs
from hybridbatch.encoders.budgets import Schedule, divided
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.logs import log


@dataclass(frozen=True)
class LayerwiseConfig:
    """The values of the catalogue entry."""

    kind: str
    layers: int
    dimension: int  # of hidden states and embeddings
    head_dimension: int  # a layer has room for `dimension // head_dimension` heads
    heads: int  # of a layer, on average
    head_schedule: Schedule
    feed_forward: int  # units of a layer's feed-forward network, on average
    feed_forward_schedule: Schedule
    dropout: float
    vocabulary: int
    tokenizer_characters: int  # characters of each language for training the tokenizer
    max_tokens: int  # maximum length of inputs, and number of positions
    query_prefix: str
    passage_prefix: str


def widths(config: LayerwiseConfig) -> tuple[list[int], list[int]]:
    """Heads and feed-forward units of each layer, the one at the input first.

    Raises ConfigError for a layer that would have none of them, or more heads than it has room for.
    """
    number, room = config.layers, config.dimension // config.head_dimension
    heads = divided(config.heads * number, config.head_schedule, number, "head_schedule")
    units = divided(
        config.feed_forward * number, config.feed_forward_schedule, number, "feed_forward_schedule"
    )
    for key, mean, found in (("head", "heads", heads), ("feed_forward", "feed_forward", units)):
        if not min(found):
            raise ConfigError(
                f"{key}_schedule: divides {sum(found)} among the layers as {found}, and every "
                f"layer needs one: raise `{mean}`, or choose a flatter schedule."
            )
    if max(heads) > room:
        raise ConfigError(
            f"head_schedule: divides {sum(heads)} heads among the layers as {heads}, and "
            f"{config.dimension} dimensions have room for {room} heads of {config.head_dimension}: "
            "lower `heads` or `head_dimension`, or choose a flatter schedule."
        )
    return heads, units


def prepare(values: Mapping[str, Any], texts: tokens.Texts, folder: Path) -> None:
    """Train the tokenizer into `folder`."""
    config = LayerwiseConfig(**values)
    log.info("heads %s, feed-forward units %s, from the input on", *widths(config))
    tokens.save_unigram(texts, config.vocabulary, config.tokenizer_characters, folder)


def inputs(values: Mapping[str, Any], folder: Path) -> MakeInputs:
    """Token ids. The tokenizer has no special tokens to add."""
    return tokens.saved_inputs(LayerwiseConfig(**values), folder, special_tokens=True)


def start(values: Mapping[str, Any], folder: Path, seed: int) -> Encoder:
    """A DistilBERT with narrow layers, random weights from `seed`, and mean pooling over tokens.

    Its weights are the first ones of each layer of a DistilBERT that is as wide as the widest.
    """
    from hybridbatch.encoders.narrow import NarrowDistilBert
    from hybridbatch.encoders.untrained import distilbert, text_tower

    config = LayerwiseConfig(**values)
    heads, units = widths(config)
    transformer = distilbert(
        folder,
        config.max_tokens,
        seed,
        layers=config.layers,
        heads=config.dimension // config.head_dimension,
        dimension=config.dimension,
        feed_forward=max(units),
        dropout=config.dropout,
    )
    transformer.model = NarrowDistilBert(transformer.model, heads, units)
    return text_tower(transformer, tokens.prompts(config))


def load(values: Mapping[str, Any], model: Path) -> Encode:
    """Encode with the saved model, a standard one."""
    return inference.by_torch(model, inputs(values, model))
