"""A small transformer with random weights."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Positive
from hybridbatch.experiment.encoders import ScratchTextEncoder
from hybridbatch.experiment.shapes import Shape


class Config(ScratchTextEncoder):
    """A small transformer with random weights; there are `max_tokens` positions."""

    kind: Literal["scratch"] = Field(
        description="a small transformer with random weights; runs on the CPU"
    )
    layers: Positive = Field(description="of attention and feed-forward network")
    heads: Positive = Field(description="of attention in each layer")
    dimension: Positive = Field(description="of tokens and embeddings; a multiple of heads")
    feed_forward: Positive = Field(description="dimension within a feed-forward network")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="share of activations and of attention set to 0 in training"
    )

    def problems(self) -> Iterator[str]:
        if self.dimension % self.heads:
            yield f"dimension: {self.dimension} is no multiple of heads, {self.heads}"

    @property
    def layered(self) -> bool:
        return True

    @property
    def width(self) -> int:
        return self.dimension

    @property
    def trainable(self) -> tuple[str, ...]:
        return ("all", "decay")

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        sizes = (self.dimension, self.feed_forward, self.vocabulary)
        return Shape(
            self.layers,
            0,
            *sizes,
            source="the catalogue",
            positions=self.max_tokens,
            heads=self.heads,
            dropout=self.dropout > 0,
        )
