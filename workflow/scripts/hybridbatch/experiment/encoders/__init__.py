"""What an entry of `catalogue.encoders` has: a module here for each kind (see `kinds`)."""

from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import Model, Positive
from hybridbatch.experiment.training import TrainingOverrides

# By side, the modalities that an encoder takes.
TEXT_ONLY = {"query": ("text",), "candidate": ("text",)}


class Encoder(Model):
    """An encoder to fine-tune. What rules ask of a kind are the properties here."""

    kind: str = Field(description="what it is")
    seeds: Positive | None = Field(
        default=None,
        description="how many of the configuration's seeds, the first ones; all if absent",
    )
    training: TrainingOverrides | None = Field(
        default=None, description="overrides of the training section"
    )

    @property
    def wants_gpu(self) -> bool:
        """Whether its jobs take a GPU where there is one."""
        return False

    @property
    def has_own_tokenizer(self) -> bool:
        """Whether it brings its tokenizer; otherwise one is trained on the train sets."""
        return False

    @property
    def pretrained(self) -> bool:
        """Whether fine-tuning starts from published weights."""
        return False

    @property
    def modalities(self) -> dict[str, tuple[str, ...]]:
        """By side, `query` and `candidate`, what it embeds."""
        return TEXT_ONLY

    @property
    def width(self) -> int | None:
        """The dimension of its vectors, where the configuration says it."""
        return None

    def values(self) -> dict:
        """What decides its weights beside training: the parameter `encoder` of jobs."""
        return self.plain(without=("training", "seeds", "licence"))


class TextEncoder(Encoder):
    """One text tower for both sides, told apart by a prefix."""

    max_tokens: Positive = Field(description="a text is cut there")
    query_prefix: str = Field(description="before every query")
    passage_prefix: str = Field(description="before every passage")


class ScratchTextEncoder(TextEncoder):
    """Trained from random weights, with a Unigram tokenizer that the workflow trains."""

    vocabulary: Annotated[int, Field(ge=100)] = Field(description="pieces of its Unigram tokenizer")
    tokenizer_characters: Annotated[int, Field(ge=1000)] = Field(
        description="of each language that the tokenizer is trained on"
    )
