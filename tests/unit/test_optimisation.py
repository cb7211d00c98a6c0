"""Learning rates, clipping and optimizers, beside those of torch and a reference of our own."""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from trainings import SCRATCH, SHORT, VOCABULARY, rigged_validation, rows, train
from trainings import cpu as cpu
from trainings import encoder as encoder
from trainings import start as start
from trainings import transformer as transformer

from hybridbatch.encoders import scratch
from hybridbatch.encoders import transformer as pretrained
from hybridbatch.runtime import kinds
from hybridbatch.training import loop as training
from hybridbatch.training.optimisation import (
    RowAdam,
    clip,
    decay_begin,
    end_after,
    optimizers_of,
    schedule,
)


def test_only_the_table_of_tokens_has_sparse_gradients(encoder):
    model = scratch.start(SCRATCH, encoder, seed=0).model
    sparse, dense = optimizers_of(model, SHORT)
    of_table, of_others = (
        [p for group in o.param_groups for p in group["params"]] for o in (sparse, dense)
    )
    assert [p.shape for p in of_table] == [(VOCABULARY, 16)]
    assert len(of_others) + 1 == len(list(model.parameters()))


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
    model = train(tmp_path, encoder, config=replace(SHORT, max_grad_norm=0.01))
    assert [row["gradient_norm"] for row in rows(model)] == [before for before, _ in seen]
    assert all(before > 0.01 for before, _ in seen)
    assert all(after == pytest.approx(0.01, rel=1e-3) for _, after in seen)


def test_schedule_rises_stays_and_falls_linearly():
    config = replace(SHORT, max_steps=10, warmup_steps=2, decay_share=0.3)
    assert decay_begin(10, config) == 7
    shares = [schedule(step, config, 7) for step in range(10)]
    assert shares == pytest.approx([1 / 2, *[1] * 6, 3 / 4, 2 / 4, 1 / 4])
    none = replace(SHORT, max_steps=4, warmup_steps=0, decay_share=0.0)
    assert [schedule(step, none, decay_begin(4, none)) for step in range(4)] == [1] * 4


@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.2, 0.25, 0.5])
def test_decay_is_its_share_of_all_steps_wherever_it_begins(share):
    for most in (1, 2, 3, 7, 10, 13, 99, 100, 1000):
        config = replace(SHORT, max_steps=most, decay_share=share)
        last = decay_begin(most, config)
        assert end_after(last, config) == most
        for begin in range(last):
            end = end_after(begin, config)
            assert begin <= end <= most
            assert end - begin == pytest.approx(share * end, abs=1)


def test_a_run_of_fewer_steps_is_a_longer_one_that_decays_earlier(tmp_path, encoder):
    """So `steps` compares snapshots of one run, from which the rate fell."""
    short, long = (
        rows(train(tmp_path, encoder, str(n), replace(SHORT, max_steps=n))) for n in (20, 30)
    )
    assert short[:16] == long[:16]
    assert [row["loss"] for row in short[16:]] != [row["loss"] for row in long[16:20]]


def test_decay_begins_where_patience_ends(tmp_path, encoder, monkeypatch, caplog):
    rigged_validation(monkeypatch, best=4)
    config = replace(SHORT, evaluate_every=4, patience=2, decay_share=0.25)
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
    config = replace(SHORT, max_steps=5)
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
    optimizers = optimizers_of(model, SHORT)
    assert [type(o).__name__ for o in optimizers] == ["RowAdam", "AdamW"]
    found = [id(p) for o in optimizers for group in o.param_groups for p in group["params"]]
    assert sorted(found) == sorted(id(p) for p in model.parameters())


def test_weights_decay_but_no_biases_and_normalisations(start):
    """As the names of a transformer's parameters tell them apart; a static table never decays."""
    values, folder = start
    model = kinds.load("encoders", values["kind"]).start(values, folder, 0).model
    of_group = {
        id(p): group["weight_decay"]
        for optimizer in optimizers_of(model, SHORT)
        for group in optimizer.param_groups
        for p in group["params"]
        if isinstance(optimizer, torch.optim.AdamW)
    }
    found = {n: of_group[id(p)] for n, p in model.named_parameters() if id(p) in of_group}
    spared = {n for n in found if n.endswith(".bias") or "norm" in n.lower()}
    assert {n for n, decay in found.items() if decay == 0.0} == spared
    assert {found[n] for n in found.keys() - spared} <= {SHORT.weight_decay}
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
