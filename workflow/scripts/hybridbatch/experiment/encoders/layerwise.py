"""A small transformer with random weights whose layers differ in width."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from hybridbatch.experiment.base import Positive
from hybridbatch.experiment.encoders import ScratchTransformer
from hybridbatch.experiment.trainable import SCHEDULES, Schedule


class Config(ScratchTransformer):
    """A transformer with random weights and layers of different widths (OpenELM, 2404.14619)."""

    kind: Literal["layerwise"] = Field(
        description="a small transformer whose layers differ in width; runs on the CPU"
    )
    dimension: Positive = Field(description="of tokens and embeddings; a multiple of a head's")
    head_dimension: Positive = Field(description="of one head of attention")
    heads: Positive = Field(description="of attention in a layer, on average")
    head_schedule: Schedule = Field(
        description=f"how layers * heads are divided among the layers: {SCHEDULES}"
    )
    feed_forward: Positive = Field(description="units of a feed-forward network, on average")
    feed_forward_schedule: Schedule = Field(
        description=f"how layers * feed_forward are divided among the layers: {SCHEDULES}"
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
    def attention(self) -> int:
        """Of a layer of average width: what is asked of a shape is linear in the width."""
        return self.heads * self.head_dimension
