"""What a job of the workflow trains: everything but its data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hybridbatch.runtime.gpus import hide_gpus, lease_gpu
from hybridbatch.training.config import TrainConfig


@dataclass(frozen=True)
class TrainingJob:
    """One training: how, of what encoder, with what seed, and where it goes.

    encoder: the values of the catalogue entry. output: the model folder. checkpoints: a folder
    outside the declared outputs. code: a fingerprint. prepare: called before training begins, once
    no other process works in `checkpoints`, because a waiting process must hold no GPU.
    """

    config: TrainConfig
    encoder: Mapping[str, Any]
    seed: int
    output: Path
    checkpoints: Path
    code: str = ""
    prepare: Callable[[], None] | None = None


def training_job(params: Any, output: str, threads: int, gpus: int) -> TrainingJob:
    """The training of a rule.

    params: the rule's, with the attributes training, encoder, seed, checkpoints and code. Torch
    gets that many threads. It sees no GPU if the rule asks for none, else one once training begins.
    """
    if not gpus:
        hide_gpus()
    torch.set_num_threads(threads)
    return TrainingJob(
        TrainConfig(**params.training),
        params.encoder,
        params.seed,
        Path(output),
        Path(params.checkpoints),
        # More threads change the order of sums, and so the last bits of what a run resumes.
        " ".join([*params.code, f"threads:{threads}"]),
        prepare=lease_gpu if gpus else None,
    )
