"""Training: it learns, stops, resumes exactly, and says why when it cannot go on."""

import json
import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybridbatch import training
from hybridbatch.encoders import (
    EncoderConfig,
    StaticConfig,
    TransformerConfig,
    fetch_transformer,
)
from hybridbatch.errors import TrainingError
from hybridbatch.tokens import load_tokenizer, tokenize_table, train_unigram
from hybridbatch.training import TokenizedCorpus, TrainConfig, achieved_mix, finetune

PREFIXES = {"query_prefix": "Query: ", "passage_prefix": "Passage: "}
STATIC = StaticConfig("static", 16, 300, 10**6, 32, **PREFIXES)
CONFIG = TrainConfig(
    sampling="hybrid",
    alpha=0.5,
    batch_size=8,
    max_steps=30,
    warmup_share=0.1,
    learning_rate=0.05,
    weight_decay=0.01,
    temperature=0.1,
    max_grad_norm=1.0,
    evaluate_every=10,
    patience=10,
)


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny tensors gain nothing from threads and lose to their start."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def text(rng: np.random.Generator, suffix: str) -> str:
    syllables = np.array(["ka", "lo", "mi", "nu", "re", "sa", "ti", "vo"])
    return " ".join("".join(rng.choice(syllables, 2)) + suffix for _ in range(5))


def tables() -> tuple[pa.Table, dict[str, pa.Table]]:
    """60 pairs whose question shares words with its passage, in two made-up languages."""
    rng = np.random.default_rng(0)
    ids = [f"p{i}" for i in range(60)]
    pairs = pa.table({"id": ids, "question_id": ids, "passage_id": ids})
    by_language = {}
    for language, suffix in (("en", ""), ("es", "x")):
        passages = [text(rng, suffix) for _ in ids]
        by_language[language] = pa.table(
            {
                "id": ids,
                "question": [" ".join(passage.split()[:2]) for passage in passages],
                "passage": passages,
                "negative": pa.array([p if i % 3 == 0 else None for i, p in enumerate(passages)])
                .cast(pa.string())
                .take(pa.array(np.roll(np.arange(60), 1))),
            }
        )
    return pairs, by_language


@pytest.fixture(scope="module")
def static(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    _, by_language = tables()
    texts = {code: t["passage"].to_pylist() for code, t in by_language.items()}
    train_unigram(texts, 100, 10**6).save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def transformer(static, tmp_path_factory) -> tuple[Path, TransformerConfig]:
    """A tiny random BERT with dropout."""
    hub, folder = tmp_path_factory.mktemp("hub"), tmp_path_factory.mktemp("encoder")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(static / "tokenizer.json"), pad_token="<pad>", unk_token="<unk>"
    )
    tokenizer.save_pretrained(hub)
    torch.manual_seed(0)
    BertModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            hidden_dropout_prob=0.2,
        )
    ).save_pretrained(hub)
    config = TransformerConfig("transformer", str(hub), "mean", 32, **PREFIXES)
    fetch_transformer(config, folder / "encoder")
    return folder / "encoder", config


@pytest.fixture(scope="module")
def corpora(static) -> tuple[list[TokenizedCorpus], list[TokenizedCorpus]]:
    pairs, by_language = tables()
    tokenizer = load_tokenizer(static / "tokenizer.json", 32)
    tokenized = {
        code: tokenize_table(tokenizer, pairs, table, "Query: ", "Passage: ", False)
        for code, table in by_language.items()
    }
    held_out = tokenize_table(
        tokenizer, pairs, by_language["en"].slice(0, 20), "Query: ", "Passage: ", False
    )
    return [TokenizedCorpus("made-up", tokenized)], [TokenizedCorpus("held-out", {"en": held_out})]


def run(
    folder: Path,
    encoder: Path,
    corpora,
    config: TrainConfig = CONFIG,
    encoder_config: EncoderConfig = STATIC,
    seed: int = 0,
    code: str = "",
) -> Path:
    train, validation = corpora
    output, checkpoints = folder / "model", folder / "checkpoints"
    finetune(config, encoder_config, encoder, seed, train, validation, output, checkpoints, code)
    return output


def contents(model: Path) -> dict[str, bytes]:
    return {str(p.relative_to(model)): p.read_bytes() for p in model.rglob("*") if p.is_file()}


def rows(model: Path) -> list[dict]:
    return [json.loads(line) for line in (model / "training.jsonl").read_text().splitlines()]


def interrupt(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Make the run die before `step`, as a killed job does."""
    whole_step = training._Run._train_step

    def dying(self, batch):
        if self.step == step:
            raise KeyboardInterrupt
        return whole_step(self, batch)

    monkeypatch.setattr(training._Run, "_train_step", dying)


def test_the_loss_falls(static, corpora, tmp_path):
    losses = [row["loss"] for row in rows(run(tmp_path, static, corpora))]
    assert len(losses) == CONFIG.max_steps
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])


def test_every_step_is_recorded(static, corpora, tmp_path):
    model = run(tmp_path, static, corpora)
    recorded = rows(model)
    assert [row["step"] for row in recorded] == list(range(30))
    for row in recorded:
        assert row["corpus"] == "made-up"
        assert sum(row["query_languages"].values()) == pytest.approx(1)
        if row["kind"] == "x-x-mono":
            assert row["query_languages"] == row["passage_languages"]
            assert len(row["query_languages"]) == 1
    mix = json.loads((model / "mix.json").read_text())
    kinds = [row["kind"] for row in recorded]
    assert mix["kind"]["x-y"] == pytest.approx(kinds.count("x-y") / 30)
    assert mix == achieved_mix(model / "training.jsonl")
    assert json.loads((model / "run.json").read_text())["training"]["batch_size"] == 8


@pytest.mark.parametrize("kind", ["static", "transformer"])
@pytest.mark.parametrize("step", [5, 20, 27])
def test_a_resumed_run_gives_the_same_bytes(
    static, transformer, corpora, tmp_path, monkeypatch, kind, step
):
    encoder, config = (static, STATIC) if kind == "static" else transformer
    expected = contents(run(tmp_path / "whole", encoder, corpora, encoder_config=config))
    with monkeypatch.context() as patch:
        interrupt(patch, step)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "broken", encoder, corpora, encoder_config=config)
    assert not (tmp_path / "broken/model").exists()
    resumed = run(tmp_path / "broken", encoder, corpora, encoder_config=config)
    assert contents(resumed) == expected
    assert not (tmp_path / "broken/checkpoints").exists()


def test_resuming_starts_at_the_checkpoint(static, corpora, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        interrupt(patch, 25)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, static, corpora)
    steps = []
    whole_step = training._Run._train_step
    monkeypatch.setattr(
        training._Run,
        "_train_step",
        lambda self, batch: (steps.append(self.step), whole_step(self, batch))[1],
    )
    run(tmp_path, static, corpora)
    assert steps == list(range(20, 30))


@pytest.mark.parametrize("change", ["config", "code", "seed"])
def test_another_run_does_not_resume_from_this_one(static, corpora, tmp_path, monkeypatch, change):
    other = {
        "config": {"config": replace(CONFIG, temperature=0.2)},
        "code": {"code": "new"},
        "seed": {"seed": 1},
    }[change]
    expected = contents(run(tmp_path / "fresh", static, corpora, **other))
    with monkeypatch.context() as patch:
        interrupt(patch, 15)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "used", static, corpora)
    assert contents(run(tmp_path / "used", static, corpora, **other)) == expected


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(static, corpora, tmp_path):
    first = contents(run(tmp_path / "a", static, corpora))
    assert contents(run(tmp_path / "b", static, corpora)) == first
    other = contents(run(tmp_path / "c", static, corpora, seed=1))
    assert other["model.safetensors"] != first["model.safetensors"]


def test_early_stopping_keeps_the_best_weights(static, corpora, tmp_path, monkeypatch):
    given = iter([3.0, 2.0, 4.0, 5.0, 6.0])
    weights = []

    def validate(self):
        weights.append(self.model[0].embedding.weight.detach().clone())
        loss = next(given)
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.stale = loss, self.step, 0
            self.best = {k: t.clone() for k, t in self.model.state_dict().items()}
        else:
            self.stale += 1

    monkeypatch.setattr(training._Run, "_validate", validate)
    config = replace(CONFIG, max_steps=1000, evaluate_every=5, patience=2)
    model = run(tmp_path, static, corpora, config)
    assert len(rows(model)) == 20
    saved = load_file(model / "model.safetensors")["embedding.weight"]
    assert torch.equal(saved, weights[1])
    assert not torch.equal(saved, weights[3])
    assert json.loads((model / "run.json").read_text())["best_step"] == 10


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_checkpoint(
    static, corpora, tmp_path, monkeypatch, value
):
    whole_loss, calls = training.info_nce, []

    def failing(*arguments):
        loss = whole_loss(*arguments)
        if torch.is_grad_enabled():
            calls.append(1)
        return loss * value if len(calls) == 14 else loss

    with monkeypatch.context() as patch:
        patch.setattr(training, "info_nce", failing)
        with pytest.raises(TrainingError, match=r"loss is (nan|inf) at step 13; training stopped"):
            run(tmp_path, static, corpora)
    assert not (tmp_path / "model").exists()
    assert list((tmp_path / "checkpoints").glob("*/checkpoint.safetensors"))
    expected = contents(run(tmp_path / "whole", static, corpora))
    assert contents(run(tmp_path, static, corpora)) == expected


def test_a_gradient_that_is_not_finite_never_reaches_the_weights(
    static, corpora, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "_clip", lambda model, max_norm: math.inf)
    with pytest.raises(TrainingError, match=r"gradient's norm is inf at step 0"):
        run(tmp_path, static, corpora)


def test_a_model_in_training_is_not_trained_by_a_second_process(static, corpora, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints/owner").write_text("host, process 7\n")
    with (
        FileLock(tmp_path / "checkpoints/lock"),
        pytest.raises(TrainingError, match=r"host, process 7 is training .*model"),
    ):
        run(tmp_path, static, corpora)


def test_clipping_equals_torchs_on_the_dense_equivalent():
    torch.manual_seed(0)
    sparse = torch.nn.EmbeddingBag(10, 4, sparse=True)
    dense = torch.nn.EmbeddingBag(10, 4)
    dense.load_state_dict(sparse.state_dict())
    ids = torch.tensor([[1, 2, 2], [3, 1, 1]])
    for bag in (sparse, dense):
        bag(ids).pow(2).sum().backward()
    norm = training._clip(sparse, 0.5)
    expected = torch.nn.utils.clip_grad_norm_(dense.parameters(), 0.5)
    assert norm == pytest.approx(expected.item(), rel=1e-5)
    torch.testing.assert_close(sparse.weight.grad.to_dense(), dense.weight.grad)


def test_the_learning_rate_rises_and_falls():
    config = replace(CONFIG, max_steps=100, warmup_share=0.1)
    rates = [training._schedule(step, config) for step in range(100)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert rates[10] == pytest.approx(1.0)
    assert all(a > b > 0 for a, b in pairwise(rates[10:]))


def test_hard_negatives_raise_the_loss(static, corpora, tmp_path, monkeypatch):
    with_negatives = rows(run(tmp_path / "a", static, corpora))[0]["loss"]
    monkeypatch.setattr(
        TokenizedCorpus, "negatives", lambda self, rows, languages: training.Ragged.of([[]] * 8)
    )
    assert with_negatives > rows(run(tmp_path / "b", static, corpora))[0]["loss"]
