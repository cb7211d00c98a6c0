"""A pretrained Hugging Face encoder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from hybridbatch.experiment.base import Commit, Name
from hybridbatch.experiment.encoders import TextEncoder
from hybridbatch.experiment.places import hub_or_local
from hybridbatch.experiment.shapes import Shape

_SIZES = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size")
# By `model_type` in config.json: encoders whose pooler is loaded, and those that normalise what
# enters a layer.
_POOLER = ("bert", "camembert", "roberta", "xlm-roberta", "xlm-roberta-xl")
_NORM_FIRST = ("xlm-roberta-xl",)


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

    @property
    def layered(self) -> bool:
        return True

    @property
    def trainable(self) -> tuple[str, ...]:
        return ("all", "top", "decay", "lora", "bottleneck")

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        """The shape in a local folder's config.json, or that of the published model."""
        file = Path(self.model) / "config.json"
        if not file.is_file():
            return published(self.model)
        found = json.loads(file.read_text(encoding="utf-8"))
        if not all(key in found for key in _SIZES):  # another architecture's names
            return published(self.model)
        layers, width, feed_forward, vocabulary = (found[key] for key in _SIZES)
        architecture = found.get("model_type")
        return Shape(
            layers,
            0,
            width,
            feed_forward,
            vocabulary,
            source=str(file),
            positions=found.get("max_position_embeddings", 0),
            token_types=found.get("type_vocab_size", 0),
            pooler=architecture in _POOLER,
            heads=found.get("num_attention_heads", 1),
            norm_first=architecture in _NORM_FIRST,
            dropout=bool(found.get("attention_probs_dropout_prob", True)),
        )
