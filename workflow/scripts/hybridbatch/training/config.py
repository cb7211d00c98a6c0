"""How a model is fine-tuned: the values of one run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainConfig:
    """How a model is fine-tuned."""

    sampling: str
    alpha: float | None  # share of monolingual batches in `hybrid`; None in other samplings
    pairs: float  # share of each corpus' pairs that are trained on
    batch_size: int  # pairs
    max_steps: int
    warmup_share: float  # of max_steps, linear; then linear decay to 0
    learning_rate: float
    weight_decay: float  # AdamW's; a static table has none
    temperature: float
    max_grad_norm: float
    evaluate_every: int  # steps between validations and checkpoints
    patience: int  # validations without a better loss before training stops
