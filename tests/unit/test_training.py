"""Training learns, resumes to the bit, keeps the best weights, and stops where it cannot go on."""

import json
import logging
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from test_inference import Values, prepared, tiny_transformer, transformer_values
from tokenizers import Tokenizer, models, pre_tokenizers
from trainings import SHORT as CONFIG
from trainings import Interrupted, one_cpu

from hybridbatch.encoders import scratch
from hybridbatch.encoders import transformer as pretrained
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime import kinds
from hybridbatch.runtime.checkpoints import remove_published
from hybridbatch.runtime.errors import TrainingError
from hybridbatch.training import loop as training
from hybridbatch.training import losses
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.loop import finetune
from hybridbatch.training.mix import achieved_mix
from hybridbatch.training.optimisation import (
    RowAdam,
    clip,
    decay_begin,
    end_after,
    optimizers_of,
    schedule,
)
from hybridbatch.training.samplers import Batch
from hybridbatch.training.trainer import Trainer

VOCABULARY = 200
COMMON = {"dimension": 16, "vocabulary": VOCABULARY, "tokenizer_characters": 1_000}
COMMON |= {"max_tokens": 32, "query_prefix": "Query: ", "passage_prefix": "Passage: "}
STATIC = {"kind": "static", **COMMON}
SCRATCH = {"kind": "scratch", "layers": 1, "heads": 2, "feed_forward": 32, "dropout": 0.1, **COMMON}


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from one_cpu(monkeypatch)


def corpus(
    name: str, languages: tuple[str, ...], pairs: int, seed: int, share: float = 1.0
) -> TrainingCorpus:
    """A question shares half of its tokens with its passage; each language has its own tokens.

    In every language but the first, every fifth pair is missing.
    """
    rng = np.random.default_rng(seed)
    meanings = rng.integers(40, size=(pairs, 6))
    by_language = {}
    for number, language in enumerate(languages):
        rows = np.array([i for i in range(pairs) if number == 0 or i % 5 != number])
        ids = 5 + 40 * number + meanings[rows]
        by_language[language] = PairInputs(
            *(rows, np.arange(len(rows)), np.arange(len(rows))),
            # Texts of different pairs, languages and sides differ.
            *(1000 * number + rows, 1000 * number + 500 + rows),
            Ragged.of([row[: 3 + i % 3].tolist() for i, row in enumerate(ids)]),
            Ragged.of([row.tolist() for row in ids]),
            # Every other pair of the first 20 has a hard negative, another pair's words.
            Ragged.of(
                [ids[i - 1].tolist() if i in range(0, 20, 2) else [] for i in range(len(ids))]
            ),
        )
    return TrainingCorpus(name, by_language, share)


TRAIN = (corpus("faq", ("en", "es", "gl"), 40, 0), corpus("wiki", ("en", "es"), 20, 1))
VALIDATION = (corpus("held_out", ("en",), 16, 2),)


def made_encoder(folder: Path) -> Path:
    """A folder with a tokenizer of VOCABULARY words."""
    words = {"<pad>": 0, "<unk>": 1} | {f"w{i}": i for i in range(2, VOCABULARY)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    (folder / "encoder").mkdir()
    tokenizer.save(str(folder / "encoder" / "tokenizer.json"))
    return folder / "encoder"


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return made_encoder(tmp_path)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Values, Path]:
    """A tiny random transformer with dropout. Tests leave it as it was."""
    folder = tmp_path_factory.mktemp("transformer")
    values = transformer_values(tiny_transformer(folder / "source"))
    return values, prepared(pretrained, values, folder / "encoder")


@pytest.fixture(params=["static", "scratch", "transformer"])
def start(request: pytest.FixtureRequest) -> tuple[Values, Path]:
    """An encoder before training: its values and folder."""
    if request.param != "transformer":
        values = {"static": STATIC, "scratch": SCRATCH}[request.param]
        return values, request.getfixturevalue("encoder")
    return request.getfixturevalue("transformer")


def train(
    folder: Path,
    encoder: Path,
    name: str = "model",
    config: TrainConfig = CONFIG,
    values: Values = STATIC,
    seed: int = 0,
    **data,
) -> Path:
    """Train in `folder`; returns the model."""
    data = {"train": TRAIN, "validation": VALIDATION} | data
    places = {"output": folder / name, "checkpoints": folder / "checkpoints" / name}
    finetune(config, values, encoder, seed, **data, **places)
    return folder / name


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rows(model: Path) -> list[dict]:
    """The steps of training.jsonl."""
    return [json.loads(line) for line in (model / "training.jsonl").read_text().splitlines()]


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int | None) -> list[int]:
    """End training when it asks for the batch of `step`; returns the list of steps it asks for."""
    asked = []
    batch = training.Sampler.batch

    def asking(sampler: training.Sampler, number: int) -> Batch:
        if sampler.sampling != "en-en":
            if number == step:
                raise Interrupted
            asked.append(number)
        return batch(sampler, number)

    monkeypatch.setattr(training.Sampler, "batch", asking)
    return asked


def test_loss_falls(tmp_path, start):
    values, encoder = start
    rate = {"static": 0.05, "scratch": 0.01, "transformer": 0.003}[values["kind"]]
    config = replace(CONFIG, sampling="en-en", learning_rate=rate, max_steps=60)
    model = train(tmp_path, encoder, config=config, values=values)
    losses = [row["loss"] for row in rows(model)]
    assert len(losses) == 60
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    assert json.loads((model / "run.json").read_text())["best_step"] >= 30


@pytest.mark.parametrize("sampling", ["en-en", "x-x", "x-x-mono", "x-y", "hybrid"])
def test_every_step_is_recorded_with_its_kind_corpus_and_languages(tmp_path, encoder, sampling):
    model = train(tmp_path, encoder, config=replace(CONFIG, sampling=sampling))
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
    assert rates == [CONFIG.learning_rate * schedule(i, CONFIG, 24) for i in range(30)]
    assert json.loads((model / "mix.json").read_text()) == achieved_mix(model / "training.jsonl")


def test_model_says_how_it_was_made(tmp_path, encoder):
    run = json.loads((train(tmp_path, encoder, seed=4) / "run.json").read_text())
    assert TrainConfig(**run["training"]) == CONFIG
    assert run["encoder"] == STATIC
    assert run["seed"] == 4
    assert (run["corpora"], run["validation"]) == ({"faq": 40, "wiki": 20}, {"held_out": 16})


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path, start):
    values, encoder = start
    a = uninterrupted(tmp_path, encoder, CONFIG, values)
    b, other = (
        content(train(tmp_path, encoder, name, values=values, seed=seed))
        for name, seed in (("b", 0), ("c", 1))
    )
    assert a == b
    assert a["model.safetensors"] != other["model.safetensors"]
    assert a["training.jsonl"] != other["training.jsonl"]


def test_transformer_trains_with_dropout(tmp_path, transformer, monkeypatch):
    """What resumes to the bit below does draw random numbers."""
    values, encoder = transformer
    with_dropout = train(tmp_path, encoder, "a", values=values)
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda input, *args, **kwargs: input)
    without = train(tmp_path, encoder, "b", values=values)
    assert rows(with_dropout)[0]["loss"] != rows(without)[0]["loss"]


WHOLE: dict[tuple[str, int], dict[str, bytes]] = {}


def uninterrupted(
    tmp_path: Path, encoder: Path, config: TrainConfig, values: Values
) -> dict[str, bytes]:
    """What the run gives that is not interrupted, the same for every step at which others are."""
    key = values["kind"], config.max_steps
    if key not in WHOLE:
        WHOLE[key] = content(train(tmp_path, encoder, "whole", config, values))
    return WHOLE[key]


@pytest.mark.parametrize("step", [3, 10, 11, 17, 20, 29])
def test_interrupted_run_ends_as_if_it_had_not_been(tmp_path, start, monkeypatch, step):
    values, encoder = start
    whole = uninterrupted(tmp_path, encoder, CONFIG, values)
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


def test_nothing_is_left_after_success(tmp_path, encoder, monkeypatch):
    for config in (CONFIG, replace(CONFIG, temperature=0.2)):
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
        {"config": replace(CONFIG, learning_rate=0.04)},
        {"config": replace(CONFIG, sampling="x-y")},
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


def test_only_the_table_of_tokens_has_sparse_gradients(encoder):
    model = scratch.start(SCRATCH, encoder, seed=0).model
    sparse, dense = optimizers_of(model, CONFIG)
    of_table, of_others = (
        [p for group in o.param_groups for p in group["params"]] for o in (sparse, dense)
    )
    assert [p.shape for p in of_table] == [(VOCABULARY, 16)]
    assert len(of_others) + 1 == len(list(model.parameters()))


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
    config = replace(CONFIG, evaluate_every=5, patience=2, decay_share=0.0)
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
    config = replace(CONFIG, max_steps=13, evaluate_every=5)
    model = train(tmp_path, encoder, config=config, validation=one_batch())
    lines = (model / "validation.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"step": 5, "loss": 3.0},
        {"step": 10, "loss": 1.0},
        {"step": 13, "loss": 2.0},
    ]


@pytest.mark.parametrize("step", [17, 20, 23, 25, 27])
def test_interrupted_run_decays_and_stops_where_it_would_have(tmp_path, start, monkeypatch, step):
    """Before the decay, at its first step, within it, and at its last validation."""
    values, encoder = start
    rigged_validation(monkeypatch, best=5)
    config = replace(CONFIG, evaluate_every=5, patience=3, decay_share=0.3, max_steps=90)
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


def test_last_step_is_validated_though_no_validation_is_due(tmp_path, encoder):
    model = train(tmp_path, encoder, config=replace(CONFIG, max_steps=13, evaluate_every=10))
    assert json.loads((model / "run.json").read_text())["best_step"] == 13


@pytest.mark.parametrize("step", [4, 17])
def test_loss_that_is_not_finite_stops_the_run_and_names_the_step(
    tmp_path, start, monkeypatch, step
):
    values, encoder = start
    whole = uninterrupted(tmp_path, encoder, CONFIG, values)
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
    whole = uninterrupted(tmp_path, encoder, CONFIG, STATIC)
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


class Both(torch.nn.Module):
    """A table and a layer, as sparse and dense parameters stand in one model."""

    def __init__(self, sparse: bool) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.table = torch.nn.EmbeddingBag(20, 4, mode="mean", sparse=sparse)
        self.layer = torch.nn.Linear(4, 3)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))

    def forward(self, ids: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        return self.layer(self.table(ids, offsets)).square().sum()


@pytest.mark.parametrize("max_norm", [0.5, 1e6])
def test_gradients_are_clipped_as_torch_clips_dense_ones(max_norm):
    ids, offsets = torch.tensor([1, 1, 7, 3, 1]), torch.tensor([0, 3])
    both = [Both(sparse) for sparse in (True, False)]
    for model in both:
        model(ids, offsets).backward()
    sparse, dense = both
    assert sparse.table.weight.grad.is_sparse
    expected = torch.nn.utils.clip_grad_norm_(dense.parameters(), max_norm)
    assert expected > 1
    assert clip(sparse, max_norm) == pytest.approx(expected.item(), rel=1e-6)
    for ours, theirs in zip(sparse.parameters(), dense.parameters(), strict=True):
        gradient = ours.grad.to_dense() if ours.grad.is_sparse else ours.grad
        torch.testing.assert_close(gradient, theirs.grad, rtol=1e-6, atol=1e-7)


def test_gradients_are_clipped_in_training(tmp_path, encoder, monkeypatch):
    seen = []

    def recording(model: torch.nn.Module, max_norm: float) -> float:
        norm = clip(model, max_norm)
        seen.append((norm, clip(model, 1e9)))
        return norm

    monkeypatch.setattr("hybridbatch.training.trainer.clip", recording)
    model = train(tmp_path, encoder, config=replace(CONFIG, max_grad_norm=0.01))
    assert [row["gradient_norm"] for row in rows(model)] == [before for before, _ in seen]
    assert all(before > 0.01 for before, _ in seen)
    assert all(after == pytest.approx(0.01, rel=1e-3) for _, after in seen)


def test_schedule_rises_stays_and_falls_linearly():
    config = replace(CONFIG, max_steps=10, warmup_steps=2, decay_share=0.3)
    assert decay_begin(10, config) == 7
    shares = [schedule(step, config, 7) for step in range(10)]
    assert shares == pytest.approx([1 / 2, *[1] * 6, 3 / 4, 2 / 4, 1 / 4])
    none = replace(CONFIG, max_steps=4, warmup_steps=0, decay_share=0.0)
    assert [schedule(step, none, decay_begin(4, none)) for step in range(4)] == [1] * 4


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.2, 0.25, 0.5])
def test_decay_is_its_share_of_all_steps_wherever_it_begins(share):
    for most in (1, 2, 3, 7, 10, 13, 99, 100, 1000):
        config = replace(CONFIG, max_steps=most, decay_share=share)
        last = decay_begin(most, config)
        assert end_after(last, config) == most
        for begin in range(last):
            end = end_after(begin, config)
            assert begin <= end <= most
            assert end - begin == pytest.approx(share * end, abs=1)


def test_a_run_of_fewer_steps_is_a_longer_one_that_decays_earlier(tmp_path, encoder):
    """So `steps` compares snapshots of one run, from which the rate fell."""
    short, long = (
        rows(train(tmp_path, encoder, str(n), replace(CONFIG, max_steps=n))) for n in (20, 30)
    )
    assert short[:16] == long[:16]
    assert [row["loss"] for row in short[16:]] != [row["loss"] for row in long[16:20]]


def rigged_validation(monkeypatch: pytest.MonkeyPatch, best: int) -> None:
    """Validation is best after `best` steps."""
    loss, validate, steps = Trainer.loss_of, training._Run._validate, [0]

    def rigged(trainer: Trainer, *tokens: Ragged) -> torch.Tensor:
        if torch.is_grad_enabled():
            return loss(trainer, *tokens)
        return torch.tensor(1.0 if steps[-1] == best else 2.0)

    def noted(run: training._Run) -> None:
        steps.append(run.step)
        validate(run)

    monkeypatch.setattr(Trainer, "loss_of", rigged)
    monkeypatch.setattr(training._Run, "_validate", noted)


def test_decay_begins_where_patience_ends(tmp_path, encoder, monkeypatch, caplog):
    rigged_validation(monkeypatch, best=4)
    config = replace(CONFIG, evaluate_every=4, patience=2, decay_share=0.25)
    with caplog.at_level(logging.INFO, logger="hybridbatch"):
        model = train(tmp_path, encoder, config=config)
    assert "the learning rate decays from step 12" in caplog.text
    run = json.loads((model / "run.json").read_text())
    assert (run["decay_from"], run["steps"], run["best_step"]) == (12, 16, 4)
    rates = [row["learning_rate"] / config.learning_rate for row in rows(model)]
    assert rates == pytest.approx([1 / 3, 2 / 3, *[1] * 10, 4 / 5, 3 / 5, 2 / 5, 1 / 5])
    steps = [json.loads(x)["step"] for x in (model / "validation.jsonl").read_text().splitlines()]
    assert steps == [4, 8, 12, 16]


def test_schedule_is_the_learning_rate_of_every_optimizer(tmp_path, start, monkeypatch):
    """Where the schedule is 0 nothing is learned, weight decay included."""
    values, encoder = start
    monkeypatch.setattr(training, "schedule", lambda *_: 0.0)
    config = replace(CONFIG, max_steps=5)
    model = train(tmp_path, encoder, config=config, values=values)
    trained = training.load_file(model / "model.safetensors")
    started = kinds.load("encoders", values["kind"]).start(values, encoder, 0).model
    started.save(str(tmp_path / "started"))
    weights = training.load_file(tmp_path / "started" / "model.safetensors")
    assert trained.keys() == weights.keys()
    assert all(torch.equal(trained[name], weights[name]) for name in weights)


def test_every_parameter_is_trained_by_one_optimizer(transformer):
    values, encoder = transformer
    model = pretrained.start(values, encoder, 0).model
    model[0].auto_model.embeddings.word_embeddings.sparse = True
    optimizers = optimizers_of(model, CONFIG)
    assert [type(o).__name__ for o in optimizers] == ["RowAdam", "AdamW"]
    found = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(found) == sorted(id(p) for p in model.parameters())


def test_weights_decay_but_no_biases_and_normalisations(start):
    """As the names of a transformer's parameters tell them apart; a static table never decays."""
    values, folder = start
    model = kinds.load("encoders", values["kind"]).start(values, folder, 0).model
    of_group = {
        id(p): group["weight_decay"]
        for optimizer in optimizers_of(model, CONFIG)
        for group in optimizer.param_groups
        for p in group["params"]
        if isinstance(optimizer, torch.optim.AdamW)
    }
    found = {n: of_group[id(p)] for n, p in model.named_parameters() if id(p) in of_group}
    spared = {n for n in found if n.endswith(".bias") or "norm" in n.lower()}
    assert {n for n, decay in found.items() if decay == 0.0} == spared
    assert {found[n] for n in found.keys() - spared} <= {CONFIG.weight_decay}
    assert (len(spared) > 5) == (len(found) > len(spared)) == (values["kind"] != "static")


def sparse_gradient(rows: list[int], values: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    return torch.sparse_coo_tensor([rows], values, shape).coalesce()


def test_row_adam_is_adam_where_every_step_uses_every_row():
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(7, 3, generator=generator)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    row, dense = RowAdam([ours], lr=0.1), torch.optim.Adam([theirs], lr=0.1)
    for step in range(50):
        gradient = torch.randn(7, 3, generator=generator) * 10.0 ** (step % 5 - 2)
        ours.grad = sparse_gradient(list(range(7)), gradient, start.shape)
        theirs.grad = gradient
        row.step()
        dense.step()
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    assert (ours - start).abs().min() > 0.01


def test_row_adam_equals_a_dense_reference_that_masks_the_other_rows():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(20, 4))
    table = torch.nn.Parameter(torch.tensor(start, dtype=torch.float32))
    optimizer = RowAdam([table], lr=0.05)
    weights, mean, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, 41):
        used = np.sort(rng.choice(19, size=5, replace=False))  # the last row is never used
        gradient = np.zeros_like(start)
        gradient[used] = rng.normal(size=(5, 4))
        values = torch.tensor(gradient[used], dtype=torch.float32)
        table.grad = sparse_gradient(used.tolist(), values, table.shape)
        optimizer.step()
        mask = np.zeros((20, 1), dtype=bool)
        mask[used] = True
        mean = np.where(mask, 0.9 * mean + 0.1 * gradient, mean)
        square = np.where(mask, 0.999 * square + 0.001 * gradient**2, square)
        deviation = np.sqrt(square / (1 - 0.999**step)) + 1e-8
        weights -= np.where(mask, 0.05 * mean / (1 - 0.9**step) / deviation, 0.0)
        np.testing.assert_allclose(table.detach().numpy(), weights, rtol=1e-4, atol=1e-5)
    assert torch.equal(table[19], torch.tensor(start[19], dtype=torch.float32))


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


def test_corpus_gathers_the_tokens_of_each_pair_in_its_language():
    def pairs(numbers: list[int], *sides: list[list[int]]) -> PairInputs:
        rows = np.array(numbers)
        keys = np.arange(9)
        return PairInputs(rows, rows // 3, rows // 2, keys, keys, *map(Ragged.of, sides))

    # Pair 1 exists in no language, pair 3 only in es: rows are numbered over what exists.
    faq = TrainingCorpus(
        "faq",
        {
            "en": pairs([0, 2], [[1], [2, 3]], [[11], [12]], [[21], []]),
            "es": pairs([2, 3], [[4, 5, 6], [7]], [[14], [15, 16]], [[], [22, 23]]),
        },
    )
    assert faq.pairs.available.tolist() == [[True, False], [True, True], [False, True]]
    a, b, c = faq.pairs.questions.tolist()
    assert a == b != c
    a, b, c = faq.pairs.passages.tolist()
    assert a != b == c
    rows, languages = np.array([2, 0, 1, 1]), np.array([1, 0, 1, 0])
    for gathered, ids, lengths in (
        (faq.queries, [7, 1, 4, 5, 6, 2, 3], [1, 1, 3, 2]),
        (faq.passages, [15, 16, 11, 14, 12], [2, 1, 1, 1]),
        (faq.negatives, [22, 23, 21], [2, 1, 0, 0]),
    ):
        tokens = gathered(rows, languages)
        assert tokens.ids.tolist() == ids
        assert tokens.lengths().tolist() == lengths


@pytest.mark.parametrize("side", range(8))
def test_content_hash_changes_with_every_part_of_the_pairs(side):
    def hashed(*changed: np.ndarray | Ragged) -> str:
        parts = [np.arange(2)] * 5 + [Ragged.of([[1, 2], [3]])] * 3
        if changed:
            parts[side] = changed[0]
        return TrainingCorpus("faq", {"en": PairInputs(*parts)}).content_hash()

    # Other numbers, or other tokens, or the same tokens cut elsewhere.
    others = (
        [Ragged.of([[1, 2], [4]]), Ragged.of([[1], [2, 3]])] if side > 4 else [np.array([1, 0])]
    )
    assert hashed() == hashed()
    assert len({hashed(), *map(hashed, others)}) == 1 + len(others)


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


def test_a_share_of_the_pairs_is_nested_and_the_same_in_every_language():
    whole = corpus("faq", ("en", "es"), 50, 0)
    parts = {share: corpus("faq", ("en", "es"), 50, 0, share) for share in (0.1, 0.33, 1.0)}
    assert [len(part.pairs) for part in parts.values()] == [5, 17, 50]
    small, larger, all_ = (set(part.pairs.questions) for part in parts.values())
    assert small < larger < all_ == set(whole.pairs.questions)
    part = parts[0.33]
    rows = np.arange(len(part.pairs))
    for column in range(2):
        rows = np.flatnonzero(part.pairs.available[:, column])
        languages = np.full(len(rows), column)
        found = part.queries(rows, languages)
        expected = whole.queries(part.pairs.questions[rows], languages)
        assert found.ids.tolist() == expected.ids.tolist()


def test_texts_that_are_equal_in_any_language_are_one():
    """Pairs 0 and 1 are one question in en, 1 and 2 in es, so that all three are; 3 is alone."""

    def side(rows: list[int], keys: list[int]) -> PairInputs:
        distinct, numbers = np.unique(keys, return_inverse=True)
        ids = Ragged.of([[key] for key in keys])
        alone = np.array(rows) + 100
        return PairInputs(
            np.array(rows), numbers, np.arange(len(rows)), distinct, alone, ids, ids, ids
        )

    faq = TrainingCorpus(
        "faq",
        {"en": side([0, 1, 2, 3], [7, 7, 8, 9]), "es": side([1, 2, 3], [5, 5, 6])},
    )
    a, b, c, d = faq.pairs.questions.tolist()
    assert a == b == c != d
    assert len(set(faq.pairs.passages.tolist())) == 4
    # A text of one language that is another pair's in the other language.
    mixed = TrainingCorpus("faq", {"en": side([0, 1], [7, 8]), "es": side([0, 1], [9, 7])})
    assert len(set(mixed.pairs.questions.tolist())) == 1


def test_another_share_is_another_run():
    hashes = {corpus("faq", ("en",), 50, 0, share).content_hash() for share in (0.5, 0.52, 1.0)}
    assert len(hashes) == 3
