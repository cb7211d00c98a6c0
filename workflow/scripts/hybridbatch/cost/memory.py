"""The memory of a training step at its peak, and what it is made of.

Counted is what autograd saves for the backward pass, each storage once, and what optimizer and loop
hold. On a CPU all is in float32. On a GPU matrix products are in bfloat16 and normalisations in
float32 (torch.autocast), attention scores are not kept, and frozen weights are in bfloat16.

A test holds the parts against what torch saves for tiny models of the same architectures, on a CPU.
What an allocator loses to fragments is left out.

Gradients come and go. At the peak of the activations, when the backward pass begins, hardly any
weight has one, but the activations of the last layer do. Counted is the larger of the two: the
weights' as a part of what is trained, and what the activations' have more than these.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybridbatch.experiment.shapes import Shape

_FLOAT, _HALF, _INDEX = 4, 2, 8  # bytes
# Bytes for each trained parameter: weight, gradient, AdamW's two moments, the best weight so far.
_TRAINED = 5 * _FLOAT
# What enters the linear modules of a layer, by the ends of their names; others are of attention.
_ATTENTION, _MIXED, _UP, _DOWN = "attention", "mixed", "up", "down"
_ENDS = {
    _MIXED: ("attention.output.dense", "out_lin"),
    _UP: ("intermediate.dense", "lin1"),
    _DOWN: ("output.dense", "lin2"),
}
_VECTORS = 6  # of each text, that pooling, a vector's length and the loss save
_ADAPTERS = ("lora", "bottleneck")
_WHOLE = {_ATTENTION: 3, _MIXED: 1, _UP: 1, _DOWN: 1}  # modules of a layer


@dataclass(frozen=True)
class Texts:
    """The texts of one side of a batch, each padded to `length` tokens."""

    number: float
    length: float

    @property
    def tokens(self) -> float:
        return self.number * self.length


@dataclass(frozen=True)
class Memory:
    """Bytes that training holds at its peak."""

    frozen: float  # weights that are not trained
    trained: float  # weights that are, their gradients and moments, the best weights so far
    kept: float  # for the backward pass: activations, and on a GPU trained matrices in bfloat16
    again: float  # of the one layer that is computed again in the backward pass
    passing: float = 0.0  # gradients of activations, by which these exceed those of weights
    loading: float = 0.0  # before that, all weights in float32
    batch: tuple[Texts, ...] = ()  # what all this is of

    @property
    def total(self) -> float:
        """Of a training step."""
        return self.frozen + self.trained + self.kept + self.again + self.passing

    @property
    def peak(self) -> float:
        return max(self.total, self.loading)


def training_memory(
    batch: Sequence[tuple[Shape, Texts]],
    parameters: float,
    trained: float,
    trainable: Mapping[str, Any] | None = None,
    checkpointing: bool = False,
    gpu: bool = False,
) -> Memory:
    """The memory of a training step.

    batch: the texts of each side, and the shape of the tower that embeds them. parameters: number
    of the encoder's parameters. trained: of those that are trained. trainable: the values of
    `training.trainable`. checkpointing: whether only what enters a layer is kept.
    """
    parts = [
        (_Activations(shape, trainable, gpu), texts)
        for shape, texts in batch
        if shape.encoder_layers
    ]
    kept, again = sum(part.outside(texts) for part, texts in parts), 0.0
    if checkpointing:
        kept += sum(part.number * part.entering(texts) for part, texts in parts)
        again = max((part.layer(texts) for part, texts in parts), default=0.0)
    else:
        kept += sum(part.layers(texts) for part, texts in parts)
    if gpu and parts:
        # Autocast computes with a copy of each trained matrix; tables are looked up as they are. A
        # layer that is computed again makes its own again.
        tower = max((part for part, _ in parts), key=lambda of: of.shape.encoder_parameters)
        copies = _HALF * min(trained, tower.shape.encoder_parameters)
        if checkpointing:
            again += copies / tower.number
        else:
            kept += copies
    # An adapter is added to the parameters, the others are some of them.
    added = trained if trainable is not None and trainable["kind"] in _ADAPTERS else 0
    passing = max((part.gradients(texts) for part, texts in parts), default=0.0)
    return Memory(
        frozen=(_HALF if gpu else _FLOAT) * (parameters + added - trained),
        trained=_TRAINED * trained,
        kept=kept,
        again=again,
        passing=max(0.0, passing - _FLOAT * trained),
        loading=_FLOAT * parameters,
        batch=tuple(texts for _, texts in batch),
    )


def trained_parameters(shape: Shape, total: float, trainable: Mapping[str, Any] | None) -> float:
    """How many of `total` parameters are trained.

    trainable: the values of `training.trainable`.
    """
    if trainable is None:
        return total
    kind = trainable["kind"]
    if kind == "top":
        return trainable["layers"] * shape.layer_parameters
    if kind == "lora":
        of = {
            _ATTENTION: shape.width + shape.inner,
            _MIXED: shape.width + shape.inner,
            _UP: shape.width + shape.feed_forward,
            _DOWN: shape.width + shape.feed_forward,
        }
        modules = _modules(trainable.get("modules"))
        return trainable["budget"] * sum(modules[name] * of[name] for name in of)
    if kind == "bottleneck":
        return trainable["budget"] * (2 * shape.width + 1)
    return total - (0 if trainable["token_embeddings"] else shape.width * shape.vocabulary)


class _Activations:
    """Bytes that the parts of an encoder save for the backward pass."""

    def __init__(self, shape: Shape, trainable: Mapping[str, Any] | None, gpu: bool) -> None:
        trainable = trainable or {"kind": "all", "token_embeddings": True}
        self.shape, self.gpu, self.kind = shape, gpu, trainable["kind"]
        self.value = _HALF if gpu else _FLOAT  # of a matrix product
        self.mask = (1 if gpu else _FLOAT) * shape.dropout
        # Layers in which something is trained.
        self.number = trainable["layers"] if self.kind == "top" else shape.encoder_layers
        share = trainable.get("budget", 0) / shape.encoder_layers
        self.ranks = share if self.kind == "lora" else 0.0
        self.units = share if self.kind == "bottleneck" else 0.0
        # Linear modules that save what enters them: a frozen one does not.
        self.saving = _modules(trainable.get("modules"))
        if self.kind == "bottleneck":
            self.saving = {_ATTENTION: 0, _MIXED: 0, _UP: 1, _DOWN: 1}

    def layers(self, texts: Texts) -> float:
        """Of all layers."""
        found = self.number * self.layer(texts)
        if self.kind == "bottleneck":
            # In the first layer, nothing before the feed-forward network depends on new units.
            found -= self._attention(texts)
        return found

    def layer(self, texts: Texts) -> float:
        """Of one layer."""
        return self._attention(texts) + self._feed_forward(texts)

    def entering(self, texts: Texts) -> float:
        """Of what enters a layer."""
        # Without a normalisation at the end of layers, it has the type of the embeddings.
        frozen = self.kind in (*_ADAPTERS, "top")
        half = self.gpu and self.shape.norm_first and frozen
        return (_HALF if half else _FLOAT) * texts.tokens * self.shape.width

    def gradients(self, texts: Texts) -> float:
        """Of activations, in the backward pass of one layer.

        Three as wide as the feed-forward network and three as wide as the layer, on a GPU in
        bfloat16 and in float32. How many there are at a time was found by torch's peaks on a GPU
        (docs/trainable.md).
        """
        shape = self.shape
        return 3 * texts.tokens * (self.value * shape.feed_forward + _FLOAT * shape.width)

    def outside(self, texts: Texts) -> float:
        """Of embeddings, pooling and loss."""
        shape, trained = self.shape, self.kind in ("all", "decay")
        found = _VECTORS * _FLOAT * texts.number * shape.width
        if trained:
            found += texts.tokens * (self.mask * shape.width + 3 * _INDEX)
        # What enters the one normalisation outside of layers, and the pooler, which reads one token
        # of it; on a GPU it casts that one.
        wide = (shape.norm_first or trained) + (shape.pooler and trained and not self.gpu)
        return found + wide * texts.tokens * (_FLOAT * shape.width)

    def _attention(self, texts: Texts) -> float:
        shape, tokens = self.shape, texts.tokens
        scores = shape.dropout and not self.gpu
        # On a GPU each module casts to bfloat16 for itself.
        inputs = self.saving[_ATTENTION] if self.gpu else min(1, self.saving[_ATTENTION])
        outputs = 1 if self.saving[_MIXED] or not scores else 0
        # peft casts to float32 what enters an adapter, and autocast back, to a copy.
        outputs += self.saving[_MIXED] if self.gpu and self.kind == "lora" else 0
        found = self.value * tokens * (inputs * shape.width + (3 + outputs) * shape.inner)
        if scores:
            # Softmax, dropout and their product, of each pair of tokens.
            found += 3 * _FLOAT * texts.number * shape.heads * texts.length**2
        else:
            # The mask of padding, and a number for each token and head.
            found += self.value * texts.number * texts.length**2 + _FLOAT * tokens * shape.heads
        return found + self._normalised(tokens) + self._ranks(tokens, _ATTENTION, _MIXED)

    def _feed_forward(self, texts: Texts) -> float:
        shape, tokens = self.shape, texts.tokens
        hidden = (1 + self.saving[_DOWN]) * (shape.feed_forward + self.units)
        found = self.value * tokens * (self.saving[_UP] * shape.width + hidden)
        if shape.norm_first:  # has no dropout behind this network
            found -= self.mask * tokens * shape.width
        return found + self._normalised(tokens) + self._ranks(tokens, _UP, _DOWN)

    def _normalised(self, tokens: float) -> float:
        """Of dropout and of a normalisation, with mean and deviation."""
        return tokens * (self.shape.width * (self.mask + _FLOAT) + 2 * _FLOAT)

    def _ranks(self, tokens: float, *inputs: str) -> float:
        return self.value * tokens * self.ranks * sum(self.saving[name] for name in inputs)


def _modules(names: Sequence[str] | None) -> dict[str, int]:
    """The number of linear modules of a layer by what enters them; names: None for all."""
    if names is None:
        return dict(_WHOLE)
    found = dict.fromkeys(_WHOLE, 0)
    for name in names:
        of = (what for what, ends in _ENDS.items() if any(_is(name, end) for end in ends))
        found[next(of, _ATTENTION)] += 1
    return found


def _is(name: str, end: str) -> bool:
    """Whether a module's name is `end`, or ends with it."""
    return f".{name}".endswith(f".{end}")
