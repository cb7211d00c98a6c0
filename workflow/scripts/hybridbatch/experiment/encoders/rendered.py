"""A frozen text tower of the tables, and an image tower that learns to read rendered texts."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Name, Positive
from hybridbatch.experiment.encoders.text_image import (
    PATCHES,
    TextsAndImages,
    VisionModel,
    VisualWords,
)
from hybridbatch.experiment.rendering import Rendering
from hybridbatch.experiment.shapes import Shape

_LETTERS = 6  # of a word; each begins an n-gram of every length


class Config(Rendering, TextsAndImages):
    """Queries are texts of a frozen tower, candidates are images; passages are rendered to train.

    A system of a sampling and a seed has as its text tower the system of `text` with both.
    """

    kind: Literal["rendered"] = Field(
        description="a trained system as text tower, and an image tower beside it"
    )
    text: Name = Field(description="name of the encoder whose systems are the text towers")
    dimension: Positive = Field(description="of the common space: that of the text towers")
    max_tokens: Positive = Field(description="a text is cut there: that of the text towers")
    image: Annotated[VisualWords | VisionModel, Field(discriminator="kind")] = Field(
        description="the tower of images"
    )
    licence: Name | None = Field(
        default=None, description="of the image tower, as its owners state it"
    )

    @property
    def wants_gpu(self) -> bool:
        return isinstance(self.image, VisionModel)

    @property
    def base(self) -> str:
        return self.text

    @property
    def renders(self) -> bool:
        return True

    # Below: cost estimates, of the image tower alone.

    @property
    def threaded(self) -> bool:
        return isinstance(self.image, VisionModel)

    @property
    def embeds_once(self) -> bool:
        return isinstance(self.image, VisionModel) and not self.image.trained

    def numbers(self, words: float, shape: Shape) -> float:
        """The numbers that an image of so many words is for its tower: n-grams, or patches.

        shape: of that tower.
        """
        if isinstance(self.image, VisionModel):
            return shape.positions or PATCHES
        return words * _LETTERS * self.image.ngrams

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        if isinstance(self.image, VisionModel):
            return published(self.image.model)
        return Shape(0, 0, self.dimension, 0, self.image.rows, source="the catalogue")

    def limit(self, side: str) -> float:
        if side == "query":
            return self.max_tokens
        return PATCHES if isinstance(self.image, VisionModel) else float("inf")

    @property
    def padded(self) -> bool:
        return False
