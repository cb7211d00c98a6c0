"""More units in the feed-forward network of a transformer's layers, beside those that are there.

A parallel adapter of the feed-forward network (He et al. 2022, "Towards a unified view of
parameter-efficient transfer learning", section 3) with the network's own activation is the same as
more units in it. A model with such adapters is therefore saved as a standard model with a wider
network. Layers with fewer units than the widest are padded with zeros.
"""

import torch
from torch import nn
from torch.nn.utils import skip_init

from hybridbatch.encoders.layers import layers_of
from hybridbatch.runtime.errors import ConfigError


class _Up(nn.Module):
    """A linear module to the network's units, and one to more of them."""

    def __init__(self, base: nn.Linear, units: int, deviation: float) -> None:
        super().__init__()
        self.base, self.extra = base, nn.Linear(base.in_features, units)
        nn.init.normal_(self.extra.weight, std=deviation)
        nn.init.zeros_(self.extra.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.base(hidden), self.extra(hidden)], dim=-1)


class _Down(nn.Module):
    """A linear module from the network's units, and one from more of them."""

    def __init__(self, base: nn.Linear, units: int) -> None:
        super().__init__()
        self.base, self.extra = base, nn.Linear(units, base.out_features, bias=False)
        nn.init.zeros_(self.extra.weight)  # so that training starts from the base

    def forward(self, units: torch.Tensor) -> torch.Tensor:
        inner = self.base.in_features
        return self.base(units[..., :inner]) + self.extra(units[..., inner:])


def add_units(transformer: nn.Module, units: list[int]) -> None:
    """Put so many new units, which alone can be trained, beside each layer's own.

    Raises ConfigError for an architecture whose feed-forward network is not two linear modules.
    """
    transformer.requires_grad_(False)
    for layer, number in zip(layers_of(transformer).modules, units, strict=True):
        if number:
            up, down = _network(layer)
            device = next(layer.parameters()).device
            deviation = getattr(transformer.config, "initializer_range", 0.02)
            _put(layer, up, _Up(layer.get_submodule(up), number, deviation).to(device))
            _put(layer, down, _Down(layer.get_submodule(down), number).to(device))


def has_units(transformer: nn.Module) -> bool:
    """Whether `add_units` has added any."""
    return any(isinstance(part, _Up) for part in transformer.modules())


@torch.no_grad()
def resized(linear: nn.Linear, inputs: int, outputs: int) -> nn.Linear:
    """The linear module with so many inputs and outputs, the first ones; new ones are zero."""
    like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
    found = skip_init(nn.Linear, inputs, outputs, **like)  # draws no random numbers
    found.weight.zero_()
    found.bias.zero_()
    rows, columns = min(outputs, linear.out_features), min(inputs, linear.in_features)
    found.weight[:rows, :columns] = linear.weight[:rows, :columns]
    found.bias[:rows] = linear.bias[:rows]
    return found


@torch.no_grad()
def widen(base: nn.Module, trained: nn.Module) -> None:
    """Make the base as wide as the widest layer of a transformer with new units, and take these."""
    layers = layers_of(base).modules
    of_trained = layers_of(trained).modules
    pairs = [_network(layer) for layer in layers]
    new = [_units(layer, *names) for layer, names in zip(of_trained, pairs, strict=True)]
    most = max(units for units, _ in new)
    for layer, (up, down), (units, parts) in zip(layers, pairs, new, strict=True):
        first, second = layer.get_submodule(up), layer.get_submodule(down)
        inner = first.out_features
        wide = resized(first, first.in_features, inner + most)
        back = resized(second, inner + most, second.out_features)
        if units:
            wide.weight[inner : inner + units], wide.bias[inner : inner + units] = parts[:2]
            back.weight[:, inner : inner + units] = parts[2]
        _put(layer, up, wide)
        _put(layer, down, back)
    key = "intermediate_size" if hasattr(base.config, "intermediate_size") else "hidden_dim"
    setattr(base.config, key, getattr(base.config, key) + most)


def _units(layer: nn.Module, up: str, down: str) -> tuple[int, tuple[torch.Tensor, ...]]:
    first, second = layer.get_submodule(up), layer.get_submodule(down)
    if not isinstance(first, _Up):
        return 0, ()
    return first.extra.out_features, (first.extra.weight, first.extra.bias, second.extra.weight)


def _network(layer: nn.Module) -> tuple[str, str]:
    """The names of the two linear modules of a layer's feed-forward network."""
    sizes = {
        name: (part.in_features, part.out_features)
        for name, part in layer.named_modules()
        if isinstance(part, nn.Linear)
    }
    up = [name for name, (inputs, outputs) in sizes.items() if inputs < outputs]
    down = [name for name, (inputs, outputs) in sizes.items() if inputs > outputs]
    if len(up) != 1 or len(down) != 1 or sizes[up[0]] != sizes[down[0]][::-1]:
        raise ConfigError(
            "training.trainable: bottleneck needs a feed-forward network of two linear modules, "
            f"and a layer of this encoder has {', '.join(sizes)}."
        )
    return up[0], down[0]


def _put(layer: nn.Module, name: str, part: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(layer.get_submodule(parent), last, part)
