"""Training learns, records its steps, keeps the best weights, and stops where it cannot go on."""

import json
import logging
import re
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch
from trainings import SHORT, STATIC, TRAIN, content, corpus, rows, train
from trainings import cpu as cpu
from trainings import encoder as encoder
from trainings import start as start
from trainings import transformer as transformer

from hybridbatch.encoders.inputs import Ragged
from hybridbatch.runtime.errors import TrainingError
from hybridbatch.training import loop as training
from hybridbatch.training import losses
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.mix import achieved_mix
from hybridbatch.training.optimisation import schedule
from hybridbatch.training.samplers import Batch
from hybridbatch.training.trainer import Trainer


def test_loss_falls(tmp_path, start):
    values, encoder = start
    rate = {"static": 0.05, "scratch": 0.01, "transformer": 0.003}[values["kind"]]
    config = replace(SHORT, sampling="en-en", learning_rate=rate, max_steps=60)
    model = train(tmp_path, encoder, config=config, values=values)
    losses = [row["loss"] for row in rows(model)]
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert json.loads((model / "run.json").read_text())["best_step"] >= 30


@pytest.mark.parametrize("sampling", ["en-en", "x-x", "x-x-mono", "x-y", "hybrid"])
def test_every_step_is_recorded_with_its_kind_corpus_and_languages(tmp_path, encoder, sampling):
    model = train(tmp_path, encoder, config=replace(SHORT, sampling=sampling))
    steps = rows(model)
    assert [row["step"] for row in steps] == list(range(30))
    kinds = {"x-x-mono", "x-y"} if sampling == "hybrid" else {sampling}
    assert {row["kind"] for row in steps} == kinds
    assert {row["corpus"] for row in steps} == {"faq", "wiki"}
    for row in steps:
        for side in ("query_languages", "passage_languages"):
            assert sum(row[side].values()) == pytest.approx(1)
        if row["kind"] == "x-x-mono":
            assert list(row["query_languages"].values()) == [1.0]
            assert row["query_languages"] == row["passage_languages"]
    rates = [row["learning_rate"] for row in steps]
    assert rates == [SHORT.learning_rate * schedule(i, SHORT, 24) for i in range(30)]
    assert json.loads((model / "mix.json").read_text()) == achieved_mix(model / "training.jsonl")


def test_model_says_how_it_was_made(tmp_path, encoder):
    run = json.loads((train(tmp_path, encoder, seed=4) / "run.json").read_text())
    assert TrainConfig(**run["training"]) == SHORT
    assert run["encoder"] == STATIC
    assert run["seed"] == 4
    assert (run["corpora"], run["validation"]) == ({"faq": 40, "wiki": 20}, {"held_out": 16})


def test_transformer_trains_with_dropout(tmp_path, transformer, monkeypatch):
    """What resumes to the bit below does draw random numbers."""
    values, encoder = transformer
    with_dropout = train(tmp_path, encoder, "a", values=values)
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda input, *args, **kwargs: input)
    without = train(tmp_path, encoder, "b", values=values)
    assert rows(with_dropout)[0]["loss"] != rows(without)[0]["loss"]


def test_training_says_every_ten_seconds_where_it_is_whatever_a_step_takes(
    tmp_path, encoder, monkeypatch, caplog
):
    expected = content(train(tmp_path / "fast", encoder))
    clock = count(0, 4)  # seconds; each look at it is one look later
    monkeypatch.setattr("hybridbatch.runtime.logs.time.monotonic", lambda: float(next(clock)))
    with caplog.at_level(logging.INFO, logger="hybridbatch"):
        slow = train(tmp_path / "slow", encoder)
    said = [line for line in caplog.messages if " of 30 steps, " in line]
    assert len(said) >= 30 * 4 // 12
    assert all(re.search(r"a second, .* left, loss \d", line) for line in said)
    assert content(slow) == expected


def one_batch() -> tuple[TrainingCorpus, ...]:
    """Validation pairs that fill one batch, so that a validation computes one loss."""
    return (corpus("held_out", ("en",), 8, 2),)


def test_early_stopping_keeps_the_best_weights_not_the_last(tmp_path, encoder, monkeypatch):
    losses = iter([3.0, 1.0, 2.0, 1.5])
    weights = []
    loss = Trainer.loss_of

    def rigged(trainer: Trainer, *tokens: Ragged) -> torch.Tensor:
        if torch.is_grad_enabled():
            return loss(trainer, *tokens)
        weights.append(trainer.model.embedding.weight.detach().clone())
        return torch.tensor(next(losses))

    monkeypatch.setattr(Trainer, "loss_of", rigged)
    config = replace(SHORT, evaluate_every=5, patience=2, decay_share=0.0)
    model = train(tmp_path, encoder, config=config, validation=one_batch())
    assert len(rows(model)) == 20
    run = json.loads((model / "run.json").read_text())
    assert (run["best_step"], run["best_validation_loss"], run["steps"]) == (10, 1.0, 20)
    saved = training.load_file(model / "model.safetensors")["embedding.weight"]
    assert torch.equal(saved, weights[1])
    assert not torch.equal(saved, weights[3])


def test_every_validation_is_recorded_with_the_steps_trained(tmp_path, encoder, monkeypatch):
    losses = iter([3.0, 1.0, 2.0])
    loss = Trainer.loss_of

    def rigged(trainer: Trainer, *tokens: Ragged) -> torch.Tensor:
        return loss(trainer, *tokens) if torch.is_grad_enabled() else torch.tensor(next(losses))

    monkeypatch.setattr(Trainer, "loss_of", rigged)
    config = replace(SHORT, max_steps=13, evaluate_every=5)
    model = train(tmp_path, encoder, config=config, validation=one_batch())
    lines = (model / "validation.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 5, "loss": 3.0},
        {"step": 10, "loss": 1.0},
        {"step": 13, "loss": 2.0},
    ]


def test_last_step_is_validated_though_no_validation_is_due(tmp_path, encoder):
    model = train(tmp_path, encoder, config=replace(SHORT, max_steps=13, evaluate_every=10))
    assert json.loads((model / "run.json").read_text())["best_step"] == 13


def test_gradient_that_is_not_finite_stops_the_run_before_it_spoils_the_weights(
    tmp_path, encoder, monkeypatch
):
    loss = losses.info_nce

    def steep(queries: torch.Tensor, *args) -> torch.Tensor:
        value = loss(queries, *args)
        return value + (1e38 * (queries - queries.detach())).sum() * 1e38

    monkeypatch.setattr(losses, "info_nce", steep)
    with pytest.raises(TrainingError, match=r"the gradient's norm is (inf|nan) at step 0;"):
        train(tmp_path, encoder)


def test_validation_loss_that_is_not_finite_stops_the_run(tmp_path, encoder, monkeypatch):
    loss = losses.info_nce

    def failing(*args) -> torch.Tensor:
        return loss(*args) if torch.is_grad_enabled() else torch.tensor(torch.nan)

    monkeypatch.setattr(losses, "info_nce", failing)
    with pytest.raises(TrainingError, match="the validation loss is nan at step 10;"):
        train(tmp_path, encoder)
    assert not list((tmp_path / "checkpoints").rglob("checkpoint.safetensors"))


def test_autocast_is_for_cuda_only(tmp_path, encoder, monkeypatch):
    """On CPUs bfloat16 is far slower than float32."""
    asked, dtypes = set(), set()
    autocast, loss = torch.autocast, losses.info_nce

    def recording(device: str, *args, enabled: bool = True) -> torch.autocast:
        asked.add((device, enabled))
        return autocast(device, *args, enabled=enabled)

    def typed(queries: torch.Tensor, *args) -> torch.Tensor:
        dtypes.add(queries.dtype)
        return loss(queries, *args)

    monkeypatch.setattr(torch, "autocast", recording)
    monkeypatch.setattr(losses, "info_nce", typed)
    train(tmp_path, encoder)
    assert not any(enabled for _, enabled in asked)
    assert ("cuda", False) in asked
    assert dtypes == {torch.float32}


def test_hard_negatives_are_candidates_of_their_own_query(tmp_path, encoder, monkeypatch):
    seen = []
    loss = losses.info_nce

    def recording(
        queries: torch.Tensor, passages: torch.Tensor, temperature: float, negatives, both
    ) -> torch.Tensor:
        if torch.is_grad_enabled():
            seen.append(None if negatives is None else negatives.detach().norm(dim=1) > 0)
        return loss(queries, passages, temperature, negatives, both)

    batches = []
    batch = training.Sampler.batch

    def keeping(sampler: training.Sampler, step: int) -> Batch:
        drawn = batch(sampler, step)
        if sampler.sampling != "en-en":
            batches.append(drawn)
        return drawn

    monkeypatch.setattr(losses, "info_nce", recording)
    monkeypatch.setattr(training.Sampler, "batch", keeping)
    train(tmp_path, encoder)
    assert len(batches) == len(seen) == 30
    for drawn, present in zip(batches, seen, strict=True):
        tokens = TRAIN[drawn.corpus].negatives(drawn.rows, drawn.passage_languages)
        expected = tokens.lengths() > 0
        assert expected.any() == (present is not None)
        assert present is None or present.tolist() == expected.tolist()
    assert any(present is not None and not present.all() for present in seen)


def test_achieved_mix_is_the_mean_over_steps(tmp_path):
    steps = [
        ("x-y", "faq", {"en": 0.75, "es": 0.25}, {"es": 1.0}),
        ("x-x-mono", "faq", {"en": 1.0}, {"en": 1.0}),
        ("x-x-mono", "wiki", {"gl": 1.0}, {"gl": 1.0}),
        ("x-x-mono", "faq", {"es": 1.0}, {"es": 1.0}),
    ]
    keys = ("kind", "corpus", "query_languages", "passage_languages")
    lines = [json.dumps(dict(zip(keys, step, strict=True))) + "\n" for step in steps]
    (tmp_path / "training.jsonl").write_text("".join(lines))
    assert achieved_mix(tmp_path / "training.jsonl") == {
        "steps": 4,
        "kind": {"x-x-mono": 0.75, "x-y": 0.25},
        "corpus": {"faq": 0.75, "wiki": 0.25},
        "query_languages": {"en": 0.4375, "es": 0.3125, "gl": 0.25},
        "passage_languages": {"en": 0.25, "es": 0.5, "gl": 0.25},
    }
