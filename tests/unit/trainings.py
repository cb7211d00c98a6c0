"""Short training runs on made-up corpora; one thread of a CPU, and an early end."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pretrained import Values, prepared, tiny_transformer, transformer_values
from threads import one_thread
from tokenizers import Tokenizer, models, pre_tokenizers

from hybridbatch.encoders import transformer as pretrained
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.training import loop as training
from hybridbatch.training.config import TrainConfig
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.job import TrainingJob
from hybridbatch.training.loop import finetune
from hybridbatch.training.samplers import Batch
from hybridbatch.training.trainer import Trainer

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


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is promised to the bit is promised on a CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with one_thread():
        yield
    torch.use_deterministic_algorithms(False)


VOCABULARY = 200
COMMON = {"dimension": 16, "vocabulary": VOCABULARY, "tokenizer_characters": 1_000}
COMMON |= {"max_tokens": 32, "query_prefix": "Query: ", "passage_prefix": "Passage: "}
STATIC = {"kind": "static", **COMMON}
SCRATCH = {"kind": "scratch", "layers": 1, "heads": 2, "feed_forward": 32, "dropout": 0.1, **COMMON}


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
    config: TrainConfig = SHORT,
    values: Values = STATIC,
    seed: int = 0,
    code: str = "",
    **data,
) -> Path:
    """Train in `folder`; returns the model."""
    data = {"train": TRAIN, "validation": VALIDATION} | data
    job = TrainingJob(config, values, seed, folder / name, folder / "checkpoints" / name, code)
    finetune(job, encoder, **data)
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
