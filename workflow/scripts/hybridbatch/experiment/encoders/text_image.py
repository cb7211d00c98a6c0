"""A text tower and an image tower."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hybridbatch.experiment.base import Commit, Model, Name, Positive
from hybridbatch.experiment.encoders import Encoder
from hybridbatch.experiment.places import hub_or_local

_REVISION = "commit of the hub model, 40 hexadecimal digits; not for a local folder"
_TRAINED = "whether the tower is trained, not its head alone"
_HEAD = "whether a linear layer leads from the tower to the common space"


class _Pretrained(Model):
    """A model of the hub with its revision, or a local folder."""

    model: Name = Field(description="hub name or local folder")
    revision: Commit | None = Field(default=None, description=_REVISION)
    trained: bool = Field(description=_TRAINED)
    head: bool = Field(description=_HEAD)

    @model_validator(mode="after")
    def _names_one(self) -> "_Pretrained":
        object.__setattr__(self, "model", hub_or_local(self.model, self.revision))
        return self


class SystemTower(Model):
    """Each of the tables' systems that `image_text` names, with one of their encoders."""

    kind: Literal["system"] = Field(description="the trained systems of one of the encoders")
    encoder: Name = Field(description="name of the encoder whose systems are the text towers")
    trained: bool = Field(description=_TRAINED)
    head: bool = Field(description=_HEAD)
    max_tokens: Positive = Field(description="a text is cut there")
    prefix: str | None = Field(
        default=None, description="before every text; the system's own for queries if absent"
    )


class TextModel(_Pretrained):
    """A Hugging Face encoder, or the folder of a model that was trained elsewhere."""

    kind: Literal["transformer"] = Field(description="a Hugging Face encoder, or a model's folder")
    pooling: Literal["mean", "cls", "published"] = Field(
        description="over tokens; published takes the modules stored with the model, as a trained "
        "system has them, or the text tower of CLIP, SigLIP or BLIP"
    )
    max_tokens: Positive = Field(description="a text is cut there")
    prefix: str | None = Field(
        default=None, description="before every text; the model's own for queries if absent"
    )


# Tokens of an image of 224 pixels in patches of 14, with the one of the whole: where the rates do
# not have those of a model.
PATCHES = 257


class VisionModel(_Pretrained):
    """A Hugging Face vision model."""

    kind: Literal["transformer"] = Field(description="a Hugging Face vision model")
    pooling: Literal["mean", "cls", "published"] = Field(
        description="over patches; published takes the model's own vector, of CLIP, SigLIP and "
        "BLIP the image tower's"
    )


class SmallNetwork(Model):
    """A small residual network that is trained from random weights."""

    kind: Literal["cnn"] = Field(description="a small residual network with random weights")
    size: Annotated[int, Field(ge=16, le=128)] = Field(description="pixels of an image's sides")
    widths: Annotated[list[Positive], Field(min_length=1, max_length=5)] = Field(
        description="channels of each stage; each has half of the pixels of the one before"
    )

    # Below: cost estimates. A step of 7 x 7 with half of the pixels, a maximum that halves them
    # again, and in each stage two convolutions of 3 x 3 and a shortcut.

    @property
    def flops(self) -> float:
        """FLOPs of a forward pass with one image."""
        pixels, total, before = self.size // 4, 0.0, self.widths[0]
        total += 2 * (self.size // 2) ** 2 * 49 * 3 * self.widths[0]
        for number, width in enumerate(self.widths):
            pixels = pixels if number == 0 else max(1, pixels // 2)
            total += 2 * pixels**2 * width * (9 * before + 9 * width + before * (number > 0))
            before = width
        return total

    @property
    def parameters(self) -> float:
        """The number of parameters."""
        total, before = 147.0 * self.widths[0] + 2 * self.widths[0], self.widths[0]
        for number, width in enumerate(self.widths):
            total += 9 * width * (before + width) + 4 * width
            total += (before + 2) * width * (number > 0)
            before = width
        return total


class VisualWords(Model):
    """A table of n-grams of visual words, for rendered lines of text."""

    kind: Literal["visual_words"] = Field(description="a table for images of lines of text")
    # It is made from 50,000 blobs.
    codebook: Annotated[int, Field(ge=2, le=50_000)] = Field(
        description="entries, to which blobs are matched"
    )
    ngrams: Annotated[int, Field(ge=1, le=8)] = Field(description="visual words in the longest one")
    rows: Annotated[int, Field(ge=2)] = Field(
        description="of the table, to which n-grams are hashed"
    )
    dimension: Positive = Field(description="of the rows; that of the common space")


TextTower = Annotated[SystemTower | TextModel, Field(discriminator="kind")]
ImageTower = Annotated[VisionModel | SmallNetwork | VisualWords, Field(discriminator="kind")]


class TextsAndImages(Encoder):
    """Queries are texts, candidates are images."""

    dimension: Positive = Field(description="of the common space")

    @property
    def has_own_tokenizer(self) -> bool:
        return True

    @property
    def modalities(self) -> dict[str, tuple[str, ...]]:
        return {"query": ("text",), "candidate": ("image",)}

    @property
    def width(self) -> int:
        return self.dimension


class Config(TextsAndImages):
    """Two towers: queries are texts, candidates are images."""

    kind: Literal["text_image"] = Field(description="a text tower and an image tower")
    text: TextTower = Field(description="the tower of captions")
    image: ImageTower = Field(description="the tower of images")
    licence: Name | None = Field(
        default=None, description="of the towers, as their owners state it, for the cards of models"
    )

    @property
    def wants_gpu(self) -> bool:
        return isinstance(self.image, VisionModel) or self.text.trained

    @property
    def pretrained(self) -> bool:
        return isinstance(self.image, VisionModel) or isinstance(self.text, TextModel)

    @property
    def base(self) -> str | None:
        """The encoder of the tables whose systems are the text towers; None for another model."""
        return self.text.encoder if isinstance(self.text, SystemTower) else None
