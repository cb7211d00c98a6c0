"""Rates of encoders on this machine: training steps and encoding, on the bundled texts.

A plan computes FLOPs from lengths of texts, so a rate is a measured time over the FLOPs that the
plan has for texts like the measured ones. A step here is that of `training.trainer`, with the
configuration's batch size and trainable parameters, and with InfoNCE alone as its loss.
"""

import os
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from hybridbatch.cost.model import Rate
from hybridbatch.cost.work import Work, step_passes
from hybridbatch.data.records import json_objects
from hybridbatch.experiment import systems as variants
from hybridbatch.runtime import kinds

_TEXTS = Path(__file__).parents[4] / "resources" / "bundled" / "train.en.jsonl"
_CORPUS = "bundled"  # its lengths, in resources/rates.yaml
_SECONDS = 10  # of steps, after the first one, and again of encoding
_CHUNK = 64  # texts encoded at a time


@dataclass(frozen=True)
class Measured:
    """What was measured of one encoder. device: in words."""

    encoder: str
    device: str
    pairs: float  # a second, in training
    texts: float  # a second, encoded


def measure_all(work: Work, jobs: Iterable) -> list[Measured]:
    """Measure every encoder that the jobs train or encode with; `work` reckons with the rates.

    The first system of an encoder stands for all of its systems. Those that render are trained and
    encode by rules of their own, and are not measured.
    """
    names = [job.wildcards["system"] for job in jobs if job.rule in ("finetune", "encode")]
    found = [work.systems[name] for name in reversed(names)]
    systems = {of.encoder: of for of in found}
    return [measure(work, system) for system in reversed(systems.values())]


def measure(work: Work, system: variants.System) -> Measured:
    """Prepare the system's encoder, as the workflow does, and time its steps and its encoding.

    Raises what `prepare` raises, for example if weights cannot be had.
    """
    import torch

    from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT
    from hybridbatch.training.config import TrainConfig
    from hybridbatch.training.trainable import save
    from hybridbatch.training.trainer import Trainer

    entry = work.encoder(system.encoder)
    values = entry.values()
    training = variants.training_values(work.experiment, system)
    # Another loss may need a teacher's vectors; its arithmetic is nothing beside the encoder's.
    config = replace(TrainConfig(**training), loss=None)
    kind = kinds.load("encoders", entry.kind)
    records = [record for _, record in json_objects(_TEXTS)]
    questions, passages = ([r[key] for r in records] for key in ("question", "passage"))
    threads = min(work.encoders_device(system.encoder)["threads"], os.cpu_count() or 1)
    torch.set_num_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        start, model = Path(folder) / "start", Path(folder) / "model"
        start.mkdir()
        kind.prepare(values, {"en": [*questions, *passages]}, start)
        make = kind.inputs(values, start)
        sides = {
            QUERY: make(QUERY, TEXT, questions),
            CANDIDATE: make(CANDIDATE, TEXT, passages),
        }
        trainer = Trainer(kind.start(values, start, 0), config, TEXT, 0)
        on_gpu = trainer.device.type == "cuda"
        trainer.model.train()
        rows = cycle(range(len(records)))

        def step() -> None:
            batch = np.fromiter(islice(rows, config.batch_size), np.int64)
            trainer.backward(trainer.loss_of(*(of.take(batch) for of in sides.values())))
            trainer.update(config.learning_rate)
            if on_gpu:
                torch.cuda.synchronize()

        steps = _times(step)
        save(trainer.model, lambda: kind.start(values, start, 0).model, start, model)
        encode = kind.load(entry.encoding_values(), model)
        texts = cycle(passages)
        chunks = _times(lambda: encode(CANDIDATE, TEXT, list(islice(texts, _CHUNK))))
    words = work.rates.corpora[_CORPUS]
    of_step = _step_flops(work, system.encoder, training)
    length = work.rates.tokens_of(words.passage_words, entry.limit(CANDIDATE))
    of_chunk = work.shape(system.encoder, CANDIDATE).forward(_CHUNK * length, length)
    for what, flops, times in (("train", of_step, steps), ("encode", of_chunk, chunks)):
        work.measured[system.encoder, what] = Rate(
            flops / max(times) / (1 if on_gpu else threads),
            flops / min(times) / (1 if on_gpu else threads),
            "measured",
        )
    name = torch.cuda.get_device_name() if on_gpu else f"{threads} threads of this machine"
    return Measured(
        system.encoder,
        name,
        config.batch_size * len(steps) / sum(steps),
        _CHUNK * len(chunks) / sum(chunks),
    )


def _times(action) -> Sequence[float]:
    """Seconds of each call, for _SECONDS; the first is not counted, since it also sets up."""
    action()
    times: list[float] = []
    while not times or sum(times) < _SECONDS:
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return times


def _step_flops(work: Work, encoder: str, training: Mapping[str, Any]) -> float:
    """FLOPs of a training step on the bundled texts, as the plan has them."""
    words, batch = work.rates.corpora[_CORPUS], training["batch_size"]
    texts = [("query", words.question_words, batch), ("candidate", words.passage_words, batch)]
    return step_passes(training) * work.in_batches(encoder, texts)[1]
