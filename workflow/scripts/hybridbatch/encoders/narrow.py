"""A DistilBERT whose layers differ in their numbers of heads and units, saved as a standard one."""

import copy
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from transformers import DistilBertModel

from hybridbatch.encoders.widening import resized


class NarrowDistilBert(DistilBertModel):
    """A DistilBERT with heads of attention and feed-forward units of each layer's own.

    The configuration is that of the widest layer. Nothing is computed, counted or trained beyond
    a layer's own width. What is saved is a standard DistilBERT: the heads and units that a layer
    lacks are zeros there. A head whose values and outputs are zero adds nothing, whatever its
    attention, nor does a unit.
    """

    def __init__(self, whole: DistilBertModel, heads: Sequence[int], units: Sequence[int]) -> None:
        """The first heads and units of each layer of `whole`. heads, units: numbers, by layer."""
        with torch.random.fork_rng():
            super().__init__(whole.config)
        self.load_state_dict(whole.state_dict())
        size = self.config.dim // self.config.n_heads
        for layer, number, hidden in zip(self.transformer.layer, heads, units, strict=True):
            _resize(layer, self.config.dim, size * number, hidden)

    def save_pretrained(self, save_directory: str | Path, **kwargs) -> None:
        """Save a standard DistilBERT that gives the same vectors."""
        wide = copy.deepcopy(self)
        for layer in wide.transformer.layer:
            _resize(layer, self.config.dim, self.config.dim, self.config.hidden_dim)
        with torch.random.fork_rng():
            whole = DistilBertModel(self.config)
        whole.load_state_dict(wide.state_dict())
        whole.save_pretrained(save_directory, **kwargs)


def _resize(layer: nn.Module, dimension: int, inner: int, hidden: int) -> None:
    """Change a layer's numbers of attention dimensions and of units."""
    attention, network = layer.attention, layer.ffn
    for name in ("q_lin", "k_lin", "v_lin"):
        setattr(attention, name, resized(getattr(attention, name), dimension, inner))
    attention.out_lin = resized(attention.out_lin, inner, dimension)
    network.lin1 = resized(network.lin1, dimension, hidden)
    network.lin2 = resized(network.lin2, hidden, dimension)
