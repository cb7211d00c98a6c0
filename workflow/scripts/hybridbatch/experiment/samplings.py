"""How batches are made."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Model, Share


class Plain(Model):
    """A sampling whose batches are all made in one way."""

    kind: Literal["en-en", "x-x", "x-x-mono", "x-y"] = Field(
        description="the languages of a batch's questions and passages"
    )

    @property
    def alpha(self) -> None:
        return None


class Hybrid(Model):
    """Monolingual batches (x-x-mono) with probability alpha, else cross-lingual ones (x-y)."""

    kind: Literal["hybrid"] = Field(description="x-x-mono and x-y mixed")
    alpha: Share = Field(description="share of monolingual batches")


class ZeroShot(Model):
    """No training: a pretrained encoder as it is, evaluated once as a reference."""

    kind: Literal["zero-shot"] = Field(description="the pretrained encoder without training")

    @property
    def alpha(self) -> None:
        return None


# Kinds that train.
KINDS = ("en-en", "x-x", "x-x-mono", "x-y", "hybrid")
Sampling = Annotated[Plain | Hybrid | ZeroShot, Field(discriminator="kind")]
