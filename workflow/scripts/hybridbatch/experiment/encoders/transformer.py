"""A pretrained Hugging Face encoder."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field, model_validator

from hybridbatch.experiment.base import Commit, Name
from hybridbatch.experiment.encoders import TextEncoder
from hybridbatch.experiment.places import hub_or_local
from hybridbatch.experiment.shapes import Shape


class Config(TextEncoder):
    """A pretrained Hugging Face encoder: a hub name with its revision, or a local folder."""

    kind: Literal["transformer"] = Field(description="a Hugging Face encoder")
    model: Name = Field(description="hub name or local folder")
    licence: Name | None = Field(
        default=None, description="as its owner states it, for the cards of models"
    )
    revision: Commit | None = Field(
        default=None,
        description="commit of the hub model, 40 hexadecimal digits; not for a local folder",
    )
    pooling: Literal["mean", "cls", "published"] = Field(
        description="over tokens; published takes the modules stored with the model"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        default="float32",
        description="of matrix products when it encodes on a GPU; only float32 gives the vectors "
        "of SentenceTransformer. CPUs always compute in float32",
    )

    @property
    def full_precision(self) -> bool:
        return self.precision == "float32"

    @model_validator(mode="after")
    def _names_one(self) -> "Config":
        object.__setattr__(self, "model", hub_or_local(self.model, self.revision))
        return self

    @property
    def wants_gpu(self) -> bool:
        return True

    @property
    def has_own_tokenizer(self) -> bool:
        return True

    @property
    def pretrained(self) -> bool:
        return True

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        return published(self.model)
