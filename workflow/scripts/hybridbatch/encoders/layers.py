"""The layers of a transformer and the linear modules in them, whatever its architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from hybridbatch.runtime.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Layers:
    """The stack of layers of a transformer, the one at the input first."""

    name: str  # of the stack in the transformer, such as `encoder.layer`
    modules: nn.ModuleList

    def linears(self) -> list[str]:
        """Names of the linear modules of a layer, from the layer on; all layers have the same."""
        return [
            name for name, part in self.modules[0].named_modules() if isinstance(part, nn.Linear)
        ]

    def chosen(self, wanted: list[str] | None) -> list[str]:
        """The linear modules that `wanted` names, by their whole name or its end; None: all.

        Raises ConfigError with the layer's own names for a name that fits none or several.
        """
        known = self.linears()
        if wanted is None:
            return known
        found = []
        for name in wanted:
            fits = [name] if name in known else [k for k in known if k.endswith(f".{name}")]
            if len(fits) != 1:
                what = f"fits {' and '.join(fits)}" if fits else "fits no linear module"
                raise ConfigError(
                    f"training.trainable.modules: {name!r} {what} of a layer. A layer of this "
                    f"encoder has {', '.join(known)}: write one of these."
                )
            if fits[0] in found:
                raise ConfigError(f"training.trainable.modules: {fits[0]} is named twice.")
            found += fits
        return found


def transformer_of(model: nn.Module) -> PreTrainedModel | None:
    """The transformer in a model; None if it has none, or several towers."""
    # Imported here: a static model has none, and the import takes as long as hundreds of its steps.
    from transformers import PreTrainedModel

    found = [part for part in model.modules() if isinstance(part, PreTrainedModel)]
    whole = [part for part in found if not any(part in set(o.modules()) - {o} for o in found)]
    return whole[0] if len(whole) == 1 else None


def checkpoint_layers(model: nn.Module) -> None:
    """Keep for the backward pass only what enters each layer, and compute the rest there again.

    Chen et al. (2016), "Training deep nets with sublinear memory cost". The numbers stay the same,
    since dropout is drawn again from the same state. Raises ConfigError for a model that has no
    transformer, or one that cannot do it.
    """
    transformer = transformer_of(model)
    if transformer is None or not transformer.supports_gradient_checkpointing:
        what = "this encoder" if transformer is None else type(transformer).__name__
        raise ConfigError(
            f"training.gradient_checkpointing: {what} cannot compute its layers again; set it to "
            "false."
        )
    transformer.activation_checkpointing_enable({"use_reentrant": False})
    # It is for other checkpoints, and would keep frozen embeddings' activations.
    transformer.disable_input_require_grads()


def layers_of(transformer: PreTrainedModel) -> Layers:
    """The stack of layers; raises ConfigError if the architecture has no list of them."""
    number = transformer.config.num_hidden_layers
    for name, part in transformer.named_modules():
        if isinstance(part, nn.ModuleList) and len(part) == number:
            return Layers(name, part)
    raise ConfigError(
        f"training.trainable: {type(transformer).__name__} has no list of its {number} layers, so "
        "that only `kind: all` can be trained."
    )
