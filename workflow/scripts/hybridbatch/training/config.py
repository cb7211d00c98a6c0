"""How a model is fine-tuned: the values of one run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TrainConfig:
    """How a model is fine-tuned."""

    sampling: str
    alpha: float | None  # share of monolingual batches in `hybrid`; None for other samplings
    pairs: float  # fraction of each corpus' pairs that is trained on
    batch_size: int  # pairs
    corpus_weighting: dict[str, float]  # `temperature`: corpora are drawn by size ** (1 / it)
    max_steps: int  # decay included
    warmup_steps: int  # of linear warm-up; then the learning rate is constant until it decays
    decay_share: float  # fraction of all steps, at the end, in which it falls linearly
    learning_rate: float
    weight_decay: float  # of AdamW's matrices; tables of token embeddings have none
    temperature: float
    max_grad_norm: float
    evaluate_every: int  # steps between validations and checkpoints
    patience: int  # validations without improvement before the learning rate decays
    trainable: Mapping[str, Any] | None = None  # which parameters; all of them if None
    gradient_checkpointing: bool = False  # compute a layer's activations again, and keep none
    # InfoNCE from queries to passages at the fixed temperature if None; see `losses.Loss`.
    loss: Mapping[str, Any] | None = None
