"""Optimizers, the learning rate's schedule, and gradient clipping."""

import math

import torch

from hybridbatch.training.config import TrainConfig

_ROWS = 256


class RowAdam(torch.optim.Optimizer):
    """Adam for embedding tables of which a step uses few rows: only these rows are updated.

    Kingma and Ba (2015), algorithm 1, on each row that has a gradient. Weights and moments of other
    rows stay as they are, and biases are corrected by the number of all steps, as in torch's
    SparseAdam. That one computes with sparse tensors, which takes longer. If every step uses every
    row, this is torch.optim.Adam. Gradients are coalesced sparse tensors, as `clip` leaves
    them.
    """

    def __init__(self, tables, lr: float, betas=(0.9, 0.999), eps: float = 1e-8) -> None:
        super().__init__(tables, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        """Update the rows of each table that its gradient has."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._update(table, group["lr"], *group["betas"], group["eps"])

    def _update(
        self, table: torch.Tensor, rate: float, beta1: float, beta2: float, eps: float
    ) -> None:
        state = self.state[table]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"], state["exp_avg_sq"] = (torch.zeros_like(table) for _ in range(2))
        state["step"] += 1
        step = state["step"].item()
        parts = (table.grad.indices()[0], table.grad.values())
        # A few rows at a time, which the processor's cache holds.
        for rows, gradient in zip(*(part.split(_ROWS) for part in parts), strict=True):
            mean = state["exp_avg"].index_select(0, rows).lerp_(gradient, 1 - beta1)
            square = state["exp_avg_sq"].index_select(0, rows).mul_(beta2)
            square.addcmul_(gradient, gradient, value=1 - beta2)
            state["exp_avg"].index_copy_(0, rows, mean)
            state["exp_avg_sq"].index_copy_(0, rows, square)
            deviation = square.sqrt_().div_(math.sqrt(1 - beta2**step)).add_(eps)
            table.index_add_(0, rows, mean.div_(deviation), alpha=-rate / (1 - beta1**step))


def optimizers_of(model: torch.nn.Module, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """RowAdam for the weights of modules that set `sparse`, AdamW for all other parameters.

    Weights decay in matrices only, not in biases and the parameters of normalisations, which are
    vectors. That is usual, as in Devlin et al. (2019) and their code for BERT.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    tables = [m.weight for m in model.modules() if getattr(m, "sparse", False)]
    sparse = [table for table in tables if table.requires_grad]
    dense = [p for p in parameters if not any(p is s for s in sparse)]
    groups = [
        {"params": [p for p in dense if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in dense if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = []
    if sparse:
        optimizers.append(RowAdam(sparse, lr=config.learning_rate))
    if dense:
        given = [group for group in groups if group["params"]]
        optimizers.append(torch.optim.AdamW(given, lr=config.learning_rate))
    return optimizers


def decay_begin(end: int, config: TrainConfig) -> int:
    """The step from which the learning rate decays in a run of `end` steps."""
    return end - round(config.decay_share * end)


def end_after(begin: int, config: TrainConfig) -> int:
    """The number of steps of a run whose learning rate decays from step `begin`.

    The decay is the share `decay_share` of all steps, rounded up; `max_steps` bounds them.
    """
    if begin >= decay_begin(config.max_steps, config):
        return config.max_steps
    decay = begin * config.decay_share / (1 - config.decay_share)
    return min(begin + math.ceil(decay), config.max_steps)


def schedule(step: int, config: TrainConfig, begin: int) -> float:
    """The factor on the learning rate at `step` (from 0): warm-up, constant, linear decay.

    begin: the step from which it decays. Up to there the factor does not depend on the number of
    steps, so that a run of few steps is a longer one that decays earlier (Hägele et al. 2024,
    "Scaling laws and compute-optimal training beyond fixed training durations").
    """
    rise = min(1.0, (step + 1) / max(1, config.warmup_steps))
    if step < begin:
        return rise
    end = end_after(begin, config)
    return rise * (end - step) / (end - begin + 1)


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
