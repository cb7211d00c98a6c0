"""The mean of token embeddings."""

from typing import Literal

from pydantic import Field

from hybridbatch.experiment.base import Positive
from hybridbatch.experiment.encoders import ScratchTextEncoder


class Config(ScratchTextEncoder):
    """The mean of token embeddings, trained from random ones."""

    kind: Literal["static"] = Field(description="mean of token embeddings")
    dimension: Positive = Field(description="of the embeddings")

    @property
    def width(self) -> int:
        return self.dimension
