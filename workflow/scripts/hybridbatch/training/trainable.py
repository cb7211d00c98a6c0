"""Which of a model's parameters are trained.

Optimizer, best weights and checkpoints hold only these. On a GPU the transformer's others are kept
in bfloat16, and the saved model has them as they were.
"""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import nn

from hybridbatch.encoders import adapters
from hybridbatch.encoders.budgets import divided
from hybridbatch.encoders.layers import Layers, layers_of, transformer_of
from hybridbatch.encoders.widening import add_units, has_units, widen
from hybridbatch.runtime.errors import ConfigError, TrainingError
from hybridbatch.runtime.files import checked
from hybridbatch.runtime.logs import log

Values = Mapping[str, Any]
_RATE = "hybridbatch_rate"  # attribute of a parameter: its share of the learning rate


def restrict(model: nn.Module, values: Values | None, seed: int) -> None:
    """Freeze all parameters but those that `values` names, and add the adapters that it names.

    values: of `training.trainable`; None: every parameter is trained. seed: of an adapter's random
    weights. Raises ConfigError for what the model cannot do.
    """
    if values is None or (values["kind"] == "all" and values["token_embeddings"]):
        return
    transformer = transformer_of(model)
    if transformer is None:
        raise ConfigError(
            f"training.trainable: {values['kind']} needs an encoder that is one transformer; this "
            "one trains all of its parameters."
        )
    if values["kind"] in _ALONE:
        # A model may have more than the transformer: LaBSE has a linear module after it.
        model.requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        _RESTRICT[values["kind"]](transformer, values)
    number = counts(model)
    log.info("%d of %d parameters are trained", number["trained"], number["all"])
    if _on_gpu(transformer):
        # Modules after it are small, and an adapter is saved with them as they are here.
        halve_frozen(transformer)


def _on_gpu(model: nn.Module) -> bool:
    return next(model.parameters()).device.type == "cuda"


def halve_frozen(model: nn.Module) -> None:
    """Convert frozen parameters that are in float32 to bfloat16, which takes half of the memory."""
    for parameter in model.parameters():
        if not parameter.requires_grad and parameter.dtype == torch.float32:
            parameter.data = parameter.data.bfloat16()


def counts(model: nn.Module) -> dict[str, int]:
    """Numbers of the parameters that are trained, and of all."""
    sizes = [(p.requires_grad, p.numel()) for p in model.parameters()]
    return {"trained": sum(n for t, n in sizes if t), "all": sum(n for _, n in sizes)}


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """The part of the state that training changes: the state without frozen parameters."""
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    return {name: t for name, t in model.state_dict().items() if name not in frozen}


def load_trained(model: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    """Load what `trained_state` returned; raises TrainingError if it is of another model."""
    if state.keys() != trained_state(model).keys():
        raise TrainingError("the state is that of a model in which other parameters are trained.")
    model.load_state_dict(dict(state), strict=False)


def by_rate(optimizers: list[torch.optim.Optimizer]) -> None:
    """Split the groups of optimizers by `rate`, their parameters' share of the learning rate."""
    for optimizer in optimizers:
        groups = []
        for group in optimizer.param_groups:
            rates = dict.fromkeys(getattr(p, _RATE, 1.0) for p in group["params"])
            for rate in rates:
                chosen = [p for p in group["params"] if getattr(p, _RATE, 1.0) == rate]
                groups.append({**group, "params": chosen, "rate": rate})
        optimizer.param_groups = groups


def save(model: nn.Module, start: Callable[[], nn.Module], base: Path, folder: Path) -> None:
    """Save a trained model: an adapter that names its base, or all of the model.

    start: makes the model as training started from it; where parameters are frozen, what was
    trained is loaded into that. base: the folder that training started from.
    """
    frozen = any(not p.requires_grad for p in model.parameters())
    if not frozen or hasattr(transformer_of(model), "peft_config"):
        model.save(str(folder), create_model_card=False)
        if adapters.is_adapter(folder):
            adapters.record_base(folder, base)
        return
    model.cpu()  # makes room for another one
    whole = start()
    if has_units(model):
        widen(transformer_of(whole), transformer_of(model))
    else:
        whole.load_state_dict(trained_state(model), strict=False)
    whole.save(str(folder), create_model_card=False)


def stored(folder: Path) -> int:
    """The number of parameters in a saved model's files, those that only pad included."""
    number = 0
    for file in folder.rglob("*.safetensors"):
        with safe_open(checked(file), framework="pt") as weights:
            for name in weights.keys():  # noqa: SIM118, which is no dict
                number += math.prod(weights.get_slice(name).get_shape())
    return number


def _all(transformer: nn.Module, values: Values) -> None:
    transformer.get_input_embeddings().weight.requires_grad_(False)


def _top(transformer: nn.Module, values: Values) -> None:
    layers = layers_of(transformer)
    if values["layers"] > len(layers.modules):
        raise ConfigError(
            f"training.trainable.layers: {values['layers']}, and the encoder has "
            f"{len(layers.modules)}."
        )
    transformer.requires_grad_(False)
    for layer in layers.modules[len(layers.modules) - values["layers"] :]:
        layer.requires_grad_(True)


def _decay(transformer: nn.Module, values: Values) -> None:
    """Howard and Ruder (2018), "Universal language model fine-tuning", section 3.2."""
    layers = layers_of(transformer).modules
    for parameter in transformer.parameters():  # what is below the layers, such as embeddings
        setattr(parameter, _RATE, values["factor"] ** len(layers))
    for number, layer in enumerate(layers):
        for parameter in layer.parameters():
            setattr(parameter, _RATE, values["factor"] ** (len(layers) - 1 - number))
    if not values["token_embeddings"]:
        _all(transformer, values)


def _lora(transformer: nn.Module, values: Values) -> None:
    """Hu et al. (2022), with a rank for each layer; alpha over rank is the same in all of them."""
    from peft import LoraConfig

    layers = layers_of(transformer)
    names = layers.chosen(values.get("modules"))
    ranks = divided(values["budget"], values["schedule"], len(layers.modules))
    used = {number: rank for number, rank in enumerate(ranks) if rank}
    # A key matches a whole name: without the escaped dots, layer 1 would also be 10 and 11.
    keys = {re.escape(f"{layers.name}.{number}.") + ".*": rank for number, rank in used.items()}
    # Whole names: a regular expression that matches nothing would only be a warning.
    targets = sorted(f"{layers.name}.{number}.{name}" for number in used for name in names)
    transformer.add_adapter(
        LoraConfig(
            r=max(ranks),
            lora_alpha=values["scale"] * max(ranks),
            target_modules=targets,
            rank_pattern=keys,
            alpha_pattern={key: values["scale"] * rank for key, rank in keys.items()},
        )
    )
    _check_lora(layers, names, ranks, values["scale"], transformer)


def _check_lora(
    layers: Layers, names: list[str], ranks: list[int], scale: float, transformer: nn.Module
) -> None:
    """Hold what peft made against the budget, layer by layer; TrainingError if it differs."""
    total = 0
    for number, rank in enumerate(ranks):
        for name in names:
            part = layers.modules[number].get_submodule(name)
            found = part.r["default"] if hasattr(part, "lora_A") else 0
            if found != rank or (rank and abs(part.scaling["default"] - scale) > 1e-9):
                raise TrainingError(
                    f"{layers.name}.{number}.{name}: has rank {found}, and not {rank} with alpha "
                    f"over rank {scale}: peft has read the budget otherwise."
                )
            total += rank * (part.in_features + part.out_features)
    trained = sum(p.numel() for p in transformer.parameters() if p.requires_grad)
    if trained != total:
        raise TrainingError(f"{trained} parameters are trained, and the budget has {total}.")


def _bottleneck(transformer: nn.Module, values: Values) -> None:
    units = divided(values["budget"], values["schedule"], len(layers_of(transformer).modules))
    add_units(transformer, units)
    trained = sum(p.numel() for p in transformer.parameters() if p.requires_grad)
    total = values["budget"] * (2 * transformer.config.hidden_size + 1)
    if trained != total:
        raise TrainingError(f"{trained} parameters are trained, and the budget has {total}.")


# Kinds of which nothing else is trained, so that equal budgets are equal numbers of parameters.
_ALONE = ("top", "lora", "bottleneck")
_RESTRICT = {"all": _all, "top": _top, "decay": _decay, "lora": _lora, "bottleneck": _bottleneck}
