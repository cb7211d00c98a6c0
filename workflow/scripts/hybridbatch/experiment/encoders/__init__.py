"""Models of the entries in `catalogue.encoders`, one module a kind (see `kinds`)."""

from collections.abc import Callable, Iterator
from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import Model, Positive
from hybridbatch.experiment.shapes import Shape
from hybridbatch.experiment.training import TrainingOverrides
from hybridbatch.runtime.errors import ConfigError

# The modalities that an encoder embeds, by side.
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
        """Whether its jobs use a GPU if one is available."""
        return False

    @property
    def full_precision(self) -> bool:
        """Whether it encodes in float32 on a GPU."""
        return True

    @property
    def has_own_tokenizer(self) -> bool:
        """Whether it comes with a tokenizer; otherwise one is trained on the train sets."""
        return False

    @property
    def pretrained(self) -> bool:
        """Whether fine-tuning starts from published weights."""
        return False

    @property
    def trainable(self) -> tuple[str, ...]:
        """The kinds of `training.trainable` that it can do."""
        return ("all",)

    @property
    def modalities(self) -> dict[str, tuple[str, ...]]:
        """The modalities that it embeds, by side (`query`, `candidate`)."""
        return TEXT_ONLY

    @property
    def base(self) -> str | None:
        """The encoder whose systems are its text towers, if it has such."""
        return None

    @property
    def renders(self) -> bool:
        """Whether it trains on images of the passages, beside the systems of `base`."""
        return False

    @property
    def width(self) -> int | None:
        """The dimension of its vectors; None if the configuration does not state it."""
        return None

    @property
    def layered(self) -> bool:
        """Whether it has layers whose activations can be computed again in the backward pass."""
        return False

    def problems(self) -> Iterator[str]:
        """What is wrong with its keys taken together, each message beginning with a key."""
        yield from ()

    # Below: cost estimates. Only `cost` reads them, so changing an estimate reruns no job.

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        """The shape of the tower that embeds a side (`query` or `candidate`).

        published: returns the shape of a published model by its name.
        """
        raise ConfigError(
            f"experiment/encoders/{self.kind}.py: Config has no `shape`, so that nobody knows what "
            "its jobs cost: add it there."
        )

    def parameters(self, published: Callable[[str], Shape]) -> float:
        """The number of parameters of all towers; here one tower embeds both sides."""
        return self.shape("query", published).parameters

    def limit(self, side: str) -> float:
        """The maximum number of tokens of an input of this side; longer ones are truncated."""
        return float("inf")

    @property
    def threaded(self) -> bool:
        """Whether its jobs use several threads: in weights from scratch they change last bits."""
        return self.pretrained

    @property
    def embeds_once(self) -> bool:
        """Whether its image tower is frozen, so that an image passes it once for all systems."""
        return False

    @property
    def padded(self) -> bool:
        """Whether a training batch is padded to its longest input."""
        return True

    @property
    def training_rate(self) -> str | None:
        """The name in resources/rates.yaml of its training rate, in pairs a second on one core.

        None where the time is computed from FLOPs instead.
        """
        return None

    def values(self) -> dict:
        """Everything but training that determines its weights: the jobs' parameter `encoder`."""
        return self.plain(without=("training", "seeds", "licence", "precision"))

    def encoding_values(self) -> dict:
        """The parameter `encoder` of jobs that encode with it: `values` and the precision."""
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


class ScratchTransformer(ScratchTextEncoder):
    """A small transformer with random weights; there are `max_tokens` positions."""

    layers: Positive = Field(description="of attention and feed-forward network")
    heads: Positive = Field(description="of attention in each layer")
    dimension: Positive = Field(description="of tokens and embeddings; a multiple of heads")
    feed_forward: Positive = Field(description="dimension within a feed-forward network")
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="share of activations and of attention set to 0 in training"
    )

    @property
    def layered(self) -> bool:
        return True

    @property
    def width(self) -> int:
        return self.dimension

    @property
    def trainable(self) -> tuple[str, ...]:
        return ("all", "decay")

    @property
    def attention(self) -> int | None:
        """The dimension of all heads of a layer together; None for `dimension`."""
        return None

    def shape(self, side: str, published: Callable[[str], Shape]) -> Shape:
        return Shape(
            self.layers,
            0,
            self.dimension,
            self.feed_forward,
            self.vocabulary,
            source="the catalogue",
            positions=self.max_tokens,
            heads=self.heads,
            dropout=self.dropout > 0,
            attention=self.attention,
        )
