"""A short training run, and what its tests need: a CPU of one thread, and an end half-way."""

from collections.abc import Iterator

import pytest
import torch

from hybridbatch.training.config import TrainConfig

SHORT = TrainConfig(
    sampling="hybrid",
    alpha=0.5,
    pairs=1.0,
    batch_size=8,
    corpus_weighting={"temperature": 1.0},
    max_steps=30,
    warmup_steps=3,
    decay_share=0.2,
    learning_rate=0.05,
    weight_decay=0.01,
    temperature=0.1,
    max_grad_norm=1.0,
    evaluate_every=10,
    patience=10,
)


class Interrupted(Exception):
    """Stands for the end of the process."""


def one_cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a fixture: what is promised to the bit is promised on a CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # which is faster for anything so small
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(False)
