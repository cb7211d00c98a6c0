"""What a job of the workflow trains: everything but its data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hybridbatch.runtime.gpus import hide_gpus, lease_gpu
from hybridbatch.training.config import TrainConfig


@dataclass(frozen=True)
class Job:
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


def job_of(snakemake: Any) -> Job:
    """The training of a rule with the parameters training, encoder, seed, checkpoints and code.

    Torch gets the rule's threads, and a GPU if the rule asks for one, once training begins.
    """
    params, threads = snakemake.params, snakemake.threads
    if not snakemake.resources.gpu:
        hide_gpus()
    torch.set_num_threads(threads)
    return Job(
        TrainConfig(**params.training),
        params.encoder,
        params.seed,
        Path(snakemake.output[0]),
        Path(params.checkpoints),
        # More threads change the order of sums, and so the last bits of what a run resumes.
        " ".join([*params.code, f"threads:{threads}"]),
        prepare=lease_gpu if snakemake.resources.gpu else None,
    )
