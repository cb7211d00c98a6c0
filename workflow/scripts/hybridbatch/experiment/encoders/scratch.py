"""A small transformer with random weights."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from hybridbatch.experiment.encoders import ScratchTransformer


class Config(ScratchTransformer):
    """A small transformer with random weights; there are `max_tokens` positions."""

    kind: Literal["scratch"] = Field(
        description="a small transformer with random weights; runs on the CPU"
    )

    def problems(self) -> Iterator[str]:
        if self.dimension % self.heads:
            yield f"dimension: {self.dimension} is no multiple of heads, {self.heads}"
