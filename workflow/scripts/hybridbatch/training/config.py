"""How a model is fine-tuned: the values of one run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainConfig:
    """How a model is fine-tuned."""

    sampling: str
    alpha: float | None  # share of monolingual batches in `hybrid`; None for other samplings
    pairs: float  # fraction of each corpus' pairs that is trained on
    batch_size: int  # pairs
    max_steps: int
    warmup_share: float  # fraction of max_steps for linear warm-up; then linear decay to 0
    learning_rate: float
    weight_decay: float  # of AdamW; does not apply to static embedding tables
    temperature: float
    max_grad_norm: float
    evaluate_every: int  # steps between validations and checkpoints
    patience: int  # validations without improvement before training stops
