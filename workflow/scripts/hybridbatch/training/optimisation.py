"""Optimizers, the learning rate schedule, and gradient clipping."""

import torch
from sentence_transformers import SentenceTransformer

from hybridbatch.training.config import TrainConfig


def optimizers_of(model: SentenceTransformer, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """SparseAdam for the weights of modules that set `sparse`, AdamW for all other parameters."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    sparse = [m.weight for m in model.modules() if getattr(m, "sparse", False)]
    dense = [p for p in parameters if not any(p is s for s in sparse)]
    optimizers: list[torch.optim.Optimizer] = []
    if sparse:
        optimizers.append(torch.optim.SparseAdam(sparse, lr=config.learning_rate))
    if dense:
        optimizers.append(
            torch.optim.AdamW(dense, lr=config.learning_rate, weight_decay=config.weight_decay)
        )
    return optimizers


def schedule(step: int, config: TrainConfig) -> float:
    """The factor on the learning rate at `step` (from 0): linear warm-up, linear decay to 0."""
    warmup = max(1, round(config.warmup_share * config.max_steps))
    if step < warmup:
        return (step + 1) / warmup
    return (config.max_steps - step) / max(1, config.max_steps - warmup)


def clip(model: torch.nn.Module, max_norm: float) -> float:
    """Scale all gradients so that their joint norm is at most `max_norm`; returns the norm before.

    Replaces torch.nn.utils.clip_grad_norm_, which does not accept sparse gradients.
    """
    gradients = []
    for parameter in model.parameters():
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
                gradients.append(parameter.grad.values())
            else:
                gradients.append(parameter.grad)
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
    return norm.item()
