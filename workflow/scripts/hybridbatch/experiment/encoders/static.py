"""The mean of token embeddings."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field

from hybridbatch.experiment.base import Positive
from hybridbatch.experiment.encoders import ScratchTextEncoder
from hybridbatch.experiment.shapes import Shape


class Config(ScratchTextEncoder):
    """The mean of token embeddings, trained from random ones."""

    kind: Literal["static"] = Field(description="mean of token embeddings")
    dimension: Positive = Field(description="of the embeddings")

    @property
    def width(self) -> int:
        return self.dimension

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        return Shape(0, 0, self.dimension, 0, self.vocabulary, source="the catalogue")

    @property
    def padded(self) -> bool:
        return False

    @property
    def training_rate(self) -> str:
        return "static_pairs"
