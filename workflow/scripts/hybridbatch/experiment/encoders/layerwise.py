"""A small transformer with random weights whose layers differ in width."""

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Positive
from hybridbatch.experiment.encoders import ScratchTextEncoder
from hybridbatch.experiment.shapes import Shape
from hybridbatch.experiment.trainable import Schedule

_HOW = "uniform, rising, falling, middle, ends, {linear: {from: a, to: b}}, or a number each"


class Config(ScratchTextEncoder):
    """A transformer with random weights and layers of different widths (OpenELM, 2404.14619)."""

    kind: Literal["layerwise"] = Field(
        description="a small transformer whose layers differ in width; runs on the CPU"
    )
    layers: Positive = Field(description="of attention and feed-forward network")
    dimension: Positive = Field(description="of tokens and embeddings; a multiple of a head's")
    head_dimension: Positive = Field(description="of one head of attention")
    heads: Positive = Field(description="of attention in a layer, on average")
    head_schedule: Schedule = Field(
        description=f"how layers * heads are divided among the layers: {_HOW}"
    )
    feed_forward: Positive = Field(description="units of a feed-forward network, on average")
    feed_forward_schedule: Schedule = Field(
        description=f"how layers * feed_forward are divided among the layers: {_HOW}"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="share of activations and of attention set to 0 in training"
    )

    def problems(self) -> Iterator[str]:
        """Named schedules are checked by the job that prepares the encoder."""
        if self.dimension % self.head_dimension:
            of = f"head_dimension, {self.head_dimension}"
            yield f"dimension: {self.dimension} is no multiple of {of}"
        for key, mean in (("head", self.heads), ("feed_forward", self.feed_forward)):
            schedule = getattr(self, f"{key}_schedule")
            if not isinstance(schedule, list):
                continue
            if len(schedule) != self.layers:
                yield f"{key}_schedule: has {len(schedule)} numbers, and layers is {self.layers}"
            elif sum(schedule) != mean * self.layers:
                yield (
                    f"{key}_schedule: adds up to {sum(schedule)}, and {self.layers} layers of "
                    f"{mean} on average to {mean * self.layers}"
                )

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
        """A layer of average width: what is asked of it is linear in the width."""
        sizes = (self.dimension, self.feed_forward, self.vocabulary)
        return Shape(
            self.layers,
            0,
            *sizes,
            source="the catalogue",
            positions=self.max_tokens,
            heads=self.heads,
            dropout=self.dropout > 0,
            attention=self.heads * self.head_dimension,
        )
