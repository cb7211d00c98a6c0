"""What an entry of `catalogue.encoders` has: a module here for each kind (see `kinds`)."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import Model, Positive
from hybridbatch.experiment.shapes import Shape
from hybridbatch.experiment.training import TrainingOverrides
from hybridbatch.runtime.errors import ConfigError

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

    # What it costs: asked by `cost`, never by a job, so that another estimate reruns nothing.

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        """The tower that embeds a side, `query` or `candidate`.

        published: the shape of a published model by its name.
        """
        raise ConfigError(
            f"experiment/encoders/{self.kind}.py: Config has no `shape`, so that nobody knows what "
            "its jobs cost: add it there."
        )

    def parameters(self, published: Callable[[str], Shape]) -> float:
        """Of all its towers; here the same tower embeds both sides."""
        return self.shape("query", published).parameters

    def limit(self, side: str) -> float:
        """Tokens at which an input of a side is cut."""
        return float("inf")

    @property
    def padded(self) -> bool:
        """Whether a training batch is padded to its longest input."""
        return True

    @property
    def training_rate(self) -> str | None:
        """The rate of resources/rates.yaml at which a core trains on pairs.

        None where arithmetic bounds the time.
        """
        return None

    def values(self) -> dict:
        """What decides its weights beside training: the parameter `encoder` of jobs."""
        return self.plain(without=("training", "seeds", "licence"))


class TextEncoder(Encoder):
    """One text tower for both sides, told apart by a prefix."""

    max_tokens: Positive = Field(description="a text is cut there")
    query_prefix: str = Field(description="before every query")
    passage_prefix: str = Field(description="before every passage")

    def limit(self, side: str) -> float:
        return self.max_tokens


class ScratchTextEncoder(TextEncoder):
    """Trained from random weights, with a Unigram tokenizer that the workflow trains."""

    vocabulary: Annotated[int, Field(ge=100)] = Field(description="pieces of its Unigram tokenizer")
    tokenizer_characters: Annotated[int, Field(ge=1000)] = Field(
        description="of each language that the tokenizer is trained on"
    )
