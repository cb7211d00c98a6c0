"""Training that was interrupted ends, to the bit, as if it had not been."""

import logging
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pretrained import Values
from trainings import (
    SHORT,
    STATIC,
    TRAIN,
    Interrupted,
    content,
    corpus,
    rigged_validation,
    stop_at,
    train,
)
from trainings import cpu as cpu
from trainings import encoder as encoder
from trainings import start as start
from trainings import transformer as transformer

from hybridbatch.runtime.checkpoints import remove_published
from hybridbatch.runtime.errors import TrainingError
from hybridbatch.training import loop as training
from hybridbatch.training import losses
from hybridbatch.training.config import TrainConfig

WHOLE: dict[tuple[str, int], dict[str, bytes]] = {}


def uninterrupted(
    tmp_path: Path, encoder: Path, config: TrainConfig, values: Values
) -> dict[str, bytes]:
    """What the run gives that is not interrupted, the same for every step at which others are."""
    key = values["kind"], config.max_steps
    if key not in WHOLE:
        WHOLE[key] = content(train(tmp_path, encoder, "whole", config, values))
    return WHOLE[key]


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, start):
    values, encoder = start
    a = uninterrupted(tmp_path, encoder, SHORT, values)
    b, other = (
        content(train(tmp_path, encoder, name, values=values, seed=seed))
        for name, seed in (("b", 0), ("c", 1))
    )
    assert a == b
    assert a["model.safetensors"] != other["model.safetensors"]
    assert a["training.jsonl"] != other["training.jsonl"]


@pytest.mark.parametrize("step", [3, 10, 11, 17, 20, 29])
def test_interrupted_run_ends_as_if_it_had_not_been(tmp_path, start, monkeypatch, step):
    values, encoder = start
    whole = uninterrupted(tmp_path, encoder, SHORT, values)
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder, values=values)
    assert not (tmp_path / "model").exists()
    with monkeypatch.context() as patch:
        asked = stop_at(patch, None)
        resumed = train(tmp_path, encoder, values=values)
    assert asked == list(range(step // 10 * 10, 30))
    assert content(resumed) == whole


def test_run_interrupted_again_and_again_ends_as_if_it_had_not_been(tmp_path, encoder, monkeypatch):
    whole = content(train(tmp_path, encoder, "whole"))
    for step in (5, 14, 12, 28):
        with monkeypatch.context() as patch:
            stop_at(patch, step)
            with pytest.raises(Interrupted):
                train(tmp_path, encoder)
    assert content(train(tmp_path, encoder)) == whole


def test_run_that_ends_while_writing_a_checkpoint_resumes_from_the_one_before(
    tmp_path, encoder, monkeypatch
):
    whole = content(train(tmp_path, encoder, "whole"))
    save, saved = training.save_file, []

    def half(tensors: dict, path: Path, **kwargs) -> None:
        saved.append(path)
        save(tensors, path, **kwargs)
        if len(saved) == 2:
            path.write_bytes(path.read_bytes()[:100])
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_file", half)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder)
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder)) == whole
    assert asked == list(range(10, 30))


def test_run_that_ends_while_saving_the_model_resumes(tmp_path, encoder, monkeypatch):
    whole = content(train(tmp_path, encoder, "whole"))

    def failing(path: Path) -> dict:
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(training, "achieved_mix", failing)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoints", "encoder", "whole"]
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder)) == whole
    assert asked == []


def test_resuming_is_logged(tmp_path, encoder, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        stop_at(patch, 25)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder)
    with caplog.at_level(logging.INFO, logger="hybridbatch"):
        train(tmp_path, encoder)
    assert "resuming from the checkpoint at step 20" in caplog.text
    assert "training on cpu from step 20 of 30" in caplog.text


def test_nothing_is_left_after_success(tmp_path, encoder, monkeypatch):
    for config in (SHORT, replace(SHORT, temperature=0.2)):
        with monkeypatch.context() as patch:
            stop_at(patch, 12)
            with pytest.raises(Interrupted):
                train(tmp_path, encoder, config=config)
        runs = [p for p in (tmp_path / "checkpoints" / "model").iterdir() if p.is_dir()]
        assert len(runs) == 1  # what another configuration left goes at once
    train(tmp_path, encoder)
    assert not list((tmp_path / "checkpoints").rglob("checkpoint.safetensors"))
    remove_published(tmp_path / "checkpoints")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["encoder", "model"]


CHANGED_DATA = corpus("faq", ("en", "es", "gl"), 40, 9)


@pytest.mark.parametrize(
    "change",
    [
        {"config": replace(SHORT, learning_rate=0.04)},
        {"config": replace(SHORT, sampling="x-y")},
        {"values": STATIC | {"dimension": 8}},
        {"seed": 1},
        {"code": "changed"},
        {"train": (CHANGED_DATA, TRAIN[1])},
        {"validation": (CHANGED_DATA,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_run_does_not_resume_from_a_checkpoint_that_is_not_its_own(
    tmp_path, encoder, monkeypatch, change
):
    with monkeypatch.context() as patch:
        stop_at(patch, 25)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder)
    fresh = content(train(tmp_path, encoder, "fresh", **change))
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder, **change)) == fresh
    assert asked == list(range(30))


def test_other_pretrained_weights_do_not_resume(tmp_path, transformer, monkeypatch):
    values, prepared_once = transformer
    encoder = shutil.copytree(prepared_once, tmp_path / "encoder")
    with monkeypatch.context() as patch:
        stop_at(patch, 25)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder, values=values)
    weights = encoder / "model.safetensors"
    tensors = training.load_file(weights)
    training.save_file({k: t * 1.5 for k, t in tensors.items()}, weights, {"format": "pt"})
    asked = stop_at(monkeypatch, None)
    train(tmp_path, encoder, values=values)
    assert asked == list(range(30))


@pytest.mark.parametrize("step", [17, 20, 23, 25, 27])
def test_interrupted_run_decays_and_stops_where_it_would_have(tmp_path, start, monkeypatch, step):
    """Before the decay, at its first step, within it, and at its last validation."""
    values, encoder = start
    rigged_validation(monkeypatch, best=5)
    config = replace(SHORT, evaluate_every=5, patience=3, decay_share=0.3, max_steps=90)
    whole = uninterrupted(tmp_path, encoder, config, values)
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder, config=config, values=values)
    with monkeypatch.context() as patch:
        asked = stop_at(patch, None)
        model = train(tmp_path, encoder, config=config, values=values)
    assert asked == list(range(step // 5 * 5, 29))  # 20 steps, and 3/7 of them
    assert content(model) == whole


@pytest.mark.parametrize("step", [4, 17])
def test_loss_that_is_not_finite_stops_the_run_and_names_the_step(
    tmp_path, start, monkeypatch, step
):
    values, encoder = start
    whole = uninterrupted(tmp_path, encoder, SHORT, values)
    calls, loss = [], losses.info_nce

    def failing(queries: torch.Tensor, *args) -> torch.Tensor:
        if torch.is_grad_enabled():
            calls.append(queries)
        return loss(queries, *args) * (torch.nan if len(calls) == step + 1 else 1)

    before = {p.name for p in tmp_path.iterdir()} | {"checkpoints"}
    with monkeypatch.context() as patch:
        patch.setattr(losses, "info_nce", failing)
        with pytest.raises(TrainingError, match=f"the loss is nan at step {step};"):
            train(tmp_path, encoder, values=values)
    assert {p.name for p in tmp_path.iterdir()} == before
    kept = list((tmp_path / "checkpoints" / "model").rglob("checkpoint.safetensors"))
    assert len(kept) == (step > 10)
    assert content(train(tmp_path, encoder, values=values)) == whole


def flip(path: Path, seed: int) -> None:
    """Change one bit at a random place."""
    content = bytearray(path.read_bytes())
    bit = int(np.random.default_rng(seed).integers(8 * len(content)))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def cut(path: Path, seed: int) -> None:
    """Keep a random part of the beginning."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * seed // 3])


@pytest.mark.parametrize("file", ["checkpoint.safetensors", "training.jsonl", ".xxh128"])
@pytest.mark.parametrize("damage", [flip, cut])
@pytest.mark.parametrize("seed", range(3))
def test_damaged_checkpoint_is_set_aside_and_the_one_before_it_resumed(
    tmp_path, encoder, monkeypatch, caplog, file, damage, seed
):
    whole = uninterrupted(tmp_path, encoder, SHORT, STATIC)
    with monkeypatch.context() as patch:
        stop_at(patch, 25)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder)
    (state,) = (p for p in (tmp_path / "checkpoints/model").iterdir() if p.is_dir())
    assert {p.name for p in state.glob("step-*")} == {"step-000000010", "step-000000020"}
    damage(state / "step-000000020" / file, seed)
    asked = stop_at(monkeypatch, None)
    with caplog.at_level(logging.INFO, logger="hybridbatch"):
        assert content(train(tmp_path, encoder)) == whole
    assert asked == list(range(10, 30))
    assert "step-000000020: is damaged; set aside as" in caplog.text


def test_where_both_checkpoints_are_damaged_training_begins_anew(tmp_path, encoder, monkeypatch):
    whole = content(train(tmp_path, encoder, "whole"))
    with monkeypatch.context() as patch:
        stop_at(patch, 25)
        with pytest.raises(Interrupted):
            train(tmp_path, encoder)
    for file in (tmp_path / "checkpoints/model").rglob("checkpoint.safetensors"):
        cut(file, 1)
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder)) == whole
    assert asked == list(range(30))


def test_finished_model_that_was_deleted_is_published_again(tmp_path, encoder, monkeypatch):
    whole = content(train(tmp_path, encoder))
    shutil.rmtree(tmp_path / "model")
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder)) == whole
    assert asked == []


def test_finished_model_that_rots_with_its_copy_is_trained_again(tmp_path, encoder, monkeypatch):
    whole = content(train(tmp_path, encoder))
    flip(tmp_path / "model/model.safetensors", 0)  # and so the copy, which is a hard link
    asked = stop_at(monkeypatch, None)
    assert content(train(tmp_path, encoder)) == whole
    assert asked == list(range(30))
