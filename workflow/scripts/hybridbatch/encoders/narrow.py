"""A DistilBERT whose layers differ in numbers of heads and units, saved as a standard BERT."""

import copy
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from transformers import BertConfig, BertModel, DistilBertModel

from hybridbatch.encoders.widening import resized

# What BERT calls the parts that DistilBERT has.
_OF_BERT = (
    (r"^transformer\.", "encoder."),
    (r"attention\.q_lin", "attention.self.query"),
    (r"attention\.k_lin", "attention.self.key"),
    (r"attention\.v_lin", "attention.self.value"),
    (r"attention\.out_lin", "attention.output.dense"),
    (r"sa_layer_norm", "attention.output.LayerNorm"),
    (r"output_layer_norm", "output.LayerNorm"),
    (r"ffn\.lin1", "intermediate.dense"),
    (r"ffn\.lin2", "output.dense"),
)


class NarrowDistilBert(DistilBertModel):
    """A DistilBERT with heads of attention and feed-forward units of each layer's own.

    The configuration is that of the widest layer. Nothing is computed, counted or trained beyond
    a layer's own width. What is saved is a standard BERT: the heads and units that a layer lacks
    are zeros there. A head whose values and outputs are zero adds nothing, whatever its attention,
    nor does a unit. BERT's segment embeddings and pooler, which DistilBERT lacks, are zeros, too.
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
        """Save a standard BERT that gives the same vectors, up to rounding."""
        wide = copy.deepcopy(self)
        for layer in wide.transformer.layer:
            _resize(layer, self.config.dim, self.config.dim, self.config.hidden_dim)
        _as_bert(wide).save_pretrained(save_directory, **kwargs)


def _as_bert(whole: DistilBertModel) -> BertModel:
    """A DistilBERT's weights as those of a BERT."""
    of = whole.config
    config = BertConfig(
        vocab_size=of.vocab_size,
        hidden_size=of.dim,
        num_hidden_layers=of.n_layers,
        num_attention_heads=of.n_heads,
        intermediate_size=of.hidden_dim,
        hidden_act=of.activation,
        hidden_dropout_prob=of.dropout,
        attention_probs_dropout_prob=of.attention_dropout,
        max_position_embeddings=of.max_position_embeddings,
        type_vocab_size=1,
        pad_token_id=of.pad_token_id,
    )
    with torch.random.fork_rng():
        bert = BertModel(config)
    found = {name: torch.zeros_like(tensor) for name, tensor in bert.state_dict().items()}
    found |= {_name_in_bert(name): tensor for name, tensor in whole.state_dict().items()}
    bert.load_state_dict(found)  # refuses a name that BERT does not have
    return bert


def _name_in_bert(name: str) -> str:
    for pattern, replacement in _OF_BERT:
        name = re.sub(pattern, replacement, name)
    return name


def _resize(layer: nn.Module, dimension: int, inner: int, hidden: int) -> None:
    """Change a layer's numbers of attention dimensions and of units."""
    attention, network = layer.attention, layer.ffn
    for name in ("q_lin", "k_lin", "v_lin"):
        setattr(attention, name, resized(getattr(attention, name), dimension, inner))
    attention.out_lin = resized(attention.out_lin, inner, dimension)
    network.lin1 = resized(network.lin1, dimension, hidden)
    network.lin2 = resized(network.lin2, hidden, dimension)
