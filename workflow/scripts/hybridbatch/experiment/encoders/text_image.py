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


class TextTower(_Pretrained):
    """A trained system's folder, or a Hugging Face encoder."""

    pooling: Literal["mean", "cls", "published"] = Field(
        description="over tokens; published takes the modules stored with the model, as a trained "
        "system has them, or the text tower of CLIP, SigLIP or BLIP"
    )
    max_tokens: Positive = Field(description="a text is cut there")
    prefix: str | None = Field(
        default=None, description="before every text; the model's own for queries if absent"
    )


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


class VisualWords(Model):
    """A table of n-grams of visual words, for rendered lines of text."""

    kind: Literal["visual_words"] = Field(description="a table for images of lines of text")
    codebook: Annotated[int, Field(ge=2)] = Field(description="entries, to which blobs are matched")
    ngrams: Annotated[int, Field(ge=1, le=8)] = Field(description="visual words in the longest one")
    rows: Annotated[int, Field(ge=2)] = Field(
        description="of the table, to which n-grams are hashed"
    )
    dimension: Positive = Field(description="of the rows; that of the common space")


ImageTower = Annotated[VisionModel | SmallNetwork | VisualWords, Field(discriminator="kind")]


class Config(Encoder):
    """Two towers: queries are texts, candidates are images."""

    kind: Literal["text_image"] = Field(description="a text tower and an image tower")
    dimension: Positive = Field(description="of the common space")
    text: TextTower = Field(description="the tower of captions")
    image: ImageTower = Field(description="the tower of images")
    licence: Name | None = Field(
        default=None, description="of the towers, as their owners state it, for the cards of models"
    )

    @property
    def wants_gpu(self) -> bool:
        return isinstance(self.image, VisionModel) or self.text.trained

    @property
    def has_own_tokenizer(self) -> bool:
        return True

    @property
    def modalities(self) -> dict[str, tuple[str, ...]]:
        return {"query": ("text",), "candidate": ("image",)}

    @property
    def width(self) -> int:
        return self.dimension
