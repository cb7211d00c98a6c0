"""Fine-tuning: batches in, a model and a record of every step out.

Resumption is exact: a batch depends on (seed, step), dropout on (seed, step), the learning rate
on the step; what else a step reads (weights, optimizer state, best weights) is in the checkpoint,
and so are the validation losses so far.
"""

import hashlib
import json
import math
import os
import shutil
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from hybridbatch.encoders.models import EncoderConfig, embed, starting_model
from hybridbatch.encoders.tokens import Ragged, Repeating, TokenizedPairs
from hybridbatch.runtime.errors import DataError, TrainingError
from hybridbatch.runtime.files import whole, write_json, write_text
from hybridbatch.runtime.logs import log
from hybridbatch.training.losses import info_nce
from hybridbatch.training.samplers import Batch, CorpusPairs, Sampler

_LOG_EVERY = 50  # steps


@dataclass(frozen=True)
class TrainConfig:
    """How a model is fine-tuned."""

    sampling: str
    alpha: float | None  # share of monolingual batches in `hybrid`; None in other samplings
    pairs: float  # share of each corpus' pairs that are trained on
    batch_size: int  # pairs
    max_steps: int
    warmup_share: float  # of max_steps, linear; then linear decay to 0
    learning_rate: float
    weight_decay: float  # AdamW's; a static table has none
    temperature: float
    max_grad_norm: float
    evaluate_every: int  # steps between validations and checkpoints
    patience: int  # validations without a better loss before training stops


class TokenizedCorpus:
    """One corpus in all its languages, for drawing pairs and gathering their tokens.

    Of which the share `share` can be drawn, rounded up: the same pairs in every language and for
    every seed, and a smaller share's are among a larger one's.
    """

    def __init__(
        self, name: str, by_language: dict[str, TokenizedPairs], share: float = 1.0
    ) -> None:
        self.languages = tuple(by_language)
        self._pairs = tuple(by_language.values())
        numbers = np.unique(np.concatenate([pairs.rows for pairs in self._pairs]))
        available = np.zeros((len(numbers), len(self.languages)), dtype=bool)
        questions = np.zeros(len(numbers), dtype=np.int64)
        passages = np.zeros(len(numbers), dtype=np.int64)
        self._row_of = np.full(available.shape, -1, dtype=np.int64)
        for column, pairs in enumerate(self._pairs):
            rows = np.searchsorted(numbers, pairs.rows)
            available[rows, column] = True
            questions[rows] = pairs.question_numbers
            passages[rows] = pairs.passage_numbers
            self._row_of[rows, column] = np.arange(len(pairs.rows))
        kept = _nested_sample(len(numbers), share)
        self._row_of = self._row_of[kept]
        self.pairs = CorpusPairs(
            name, self.languages, *(array[kept] for array in (available, questions, passages))
        )

    def queries(self, rows: np.ndarray, languages: np.ndarray) -> Ragged:
        """Tokens of the questions of pairs `rows`, each in its language (column numbers)."""
        return self._gather(rows, languages, [pairs.queries for pairs in self._pairs])

    def passages(self, rows: np.ndarray, languages: np.ndarray) -> Ragged:
        """Tokens of the passages of pairs `rows`, each in its language (column numbers)."""
        return self._gather(rows, languages, [pairs.passages for pairs in self._pairs])

    def negatives(self, rows: np.ndarray, languages: np.ndarray) -> Ragged:
        """Tokens of the pairs' hard negatives in those languages; empty where there is none."""
        return self._gather(rows, languages, [pairs.negatives for pairs in self._pairs])

    def content_hash(self) -> str:
        """Changes with the pairs or their tokens."""
        digest = hashlib.sha256()
        for pairs in self._pairs:
            for side in (pairs.queries, pairs.passages, pairs.negatives):
                for array in side.arrays().values():
                    digest.update(np.ascontiguousarray(array))
            for array in (pairs.rows, pairs.question_numbers, pairs.passage_numbers):
                digest.update(np.ascontiguousarray(array))
        digest.update(np.ascontiguousarray(self._row_of))  # which of them are kept
        return digest.hexdigest()

    def _gather(
        self, rows: np.ndarray, languages: np.ndarray, sides: list[Ragged | Repeating]
    ) -> Ragged:
        order: list[np.ndarray] = []
        ids: list[np.ndarray] = []
        lengths: list[np.ndarray] = []
        for column in np.unique(languages):
            slots = np.flatnonzero(languages == column)
            taken = sides[column].take(self._row_of[rows[slots], column])
            order.append(slots)
            ids.append(taken.ids)
            lengths.append(taken.lengths())
        bounds = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
        grouped = Ragged(np.concatenate(ids), bounds)
        return grouped.take(np.argsort(np.concatenate(order)))


def finetune(
    config: TrainConfig,
    encoder_config: EncoderConfig,
    encoder: Path,
    seed: int,
    train: Sequence[TokenizedCorpus],
    validation: Sequence[TokenizedCorpus],
    output: Path,
    checkpoints: Path,
    code: str = "",
) -> None:
    """Fine-tune and write the model folder `output`, whole.

    Beside the weights it holds `training.jsonl` (every step), `validation.jsonl` (steps trained and
    the English validation loss then), `mix.json` (the achieved shares of batch kinds, corpora and
    languages) and `run.json` (the resolved configuration). Resumes from
    `checkpoints`, a folder outside the declared outputs, if an unfinished run of the same
    configuration, data, base model and `code` (a fingerprint) is there. Raises TrainingError at a
    non-finite loss or gradient, and if another process is training the same model.
    """
    fingerprint = _fingerprint(config, encoder_config, seed, train, validation, encoder, code)
    state = checkpoints / fingerprint
    checkpoints.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(checkpoints / "lock", timeout=0):
            state.mkdir(exist_ok=True)
            owner = f"{socket.gethostname()}, process {os.getpid()}"
            write_text(checkpoints / "owner", owner + "\n")
            _remove_others(checkpoints, state)
            with whole(output) as temporary:
                run = _Run(config, encoder_config, encoder, seed, train, validation, state)
                run.train()
                run.model.save(str(temporary), create_model_card=False)
                shutil.copy(state / "training.jsonl", temporary / "training.jsonl")
                lines = [json.dumps(row) + "\n" for row in run.validations]
                write_text(temporary / "validation.jsonl", "".join(lines))
                write_json(temporary / "mix.json", achieved_mix(temporary / "training.jsonl"))
                write_json(
                    temporary / "run.json",
                    {
                        "training": asdict(config),
                        "encoder": asdict(encoder_config),
                        "seed": seed,
                        "corpora": {c.pairs.name: len(c.pairs) for c in train},
                        "validation": {c.pairs.name: len(c.pairs) for c in validation},
                        "best_step": run.best_step,
                        "best_validation_loss": run.best_loss,
                    },
                )
            shutil.rmtree(checkpoints)
            _remove_if_empty(checkpoints.parent)
    except Timeout as error:
        owner = checkpoints / "owner"
        who = owner.read_text(encoding="utf-8").strip() if owner.is_file() else "another process"
        raise TrainingError(
            f"{who} is training {output} (it holds {checkpoints / 'lock'}): let it finish or end "
            "it, then start again."
        ) from error


class _Run:
    """The state of one training run."""

    def __init__(
        self,
        config: TrainConfig,
        encoder_config: EncoderConfig,
        encoder: Path,
        seed: int,
        train: Sequence[TokenizedCorpus],
        validation: Sequence[TokenizedCorpus],
        state: Path,
    ) -> None:
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.manual_seed(seed)
        self.config, self.seed, self.state = config, seed, state
        self.train_corpora = train
        self.model = starting_model(encoder_config, encoder, seed)
        self.device = self.model.device
        self.validation = _validation_batches(validation, config.batch_size)
        self.sampler = Sampler(
            [c.pairs for c in train],
            config.sampling,
            config.batch_size,
            seed,
            config.alpha,
            # Of a small share of its pairs a corpus may not fill a batch.
            leave_out_small=config.pairs < 1,
        )
        self.optimizers = _optimizers(self.model, config)
        self.step = self.best_step = self.stale = 0
        self.best_loss = math.inf
        self.validations: list[dict] = []  # rows of validation.jsonl
        self.best = {name: t.clone() for name, t in self.model.state_dict().items()}

    def train(self) -> None:
        config, log_path = self.config, self.state / "training.jsonl"
        self._resume(log_path)
        start, start_step = time.monotonic(), self.step
        log.info("training on %s from step %d of %d", self.device, self.step, config.max_steps)
        with log_path.open("a", encoding="utf-8") as record:
            while self.step < config.max_steps and self.stale < config.patience:
                batch = self.sampler.batch(self.step)
                loss, norm = self._train_step(batch)
                record.write(json.dumps(self._row(batch, loss, norm)) + "\n")
                self.step += 1
                if self.step % _LOG_EVERY == 0:
                    rate = (self.step - start_step) / (time.monotonic() - start)
                    log.info(
                        "step %d of %d, loss %.4f, %.0f pairs/s, %.0f s left",
                        self.step,
                        config.max_steps,
                        loss,
                        rate * config.batch_size,
                        (config.max_steps - self.step) / rate,
                    )
                if self.step % config.evaluate_every == 0 or self.step == config.max_steps:
                    self._validate()
                    record.flush()
                    self._save_checkpoint()
        self.model.load_state_dict(self.best)
        log.info("best validation loss %.4f at step %d", self.best_loss, self.best_step)

    def _train_step(self, batch: Batch) -> tuple[float, float]:
        config = self.config
        torch.manual_seed(self.seed * 1_000_003 + self.step)  # dropout, so that resuming is exact
        self.model.train()
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _schedule(self.step, config)
            optimizer.zero_grad(set_to_none=True)
        corpus = self.train_corpora[batch.corpus]
        loss = self._loss(
            corpus.queries(batch.rows, batch.query_languages),
            corpus.passages(batch.rows, batch.passage_languages),
            corpus.negatives(batch.rows, batch.passage_languages),
        )
        value = loss.item()
        self._stop_unless_finite("loss", value)
        loss.backward()
        norm = _clip(self.model, config.max_grad_norm)
        self._stop_unless_finite("gradient's norm", norm)
        for optimizer in self.optimizers:
            optimizer.step()
        return value, norm

    def _stop_unless_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"the {what} is {value} at step {self.step}; training stopped. The last good "
                f"checkpoint is kept in {self.state} until training starts again. Lower "
                "training.learning_rate or raise training.temperature: that is another "
                "configuration, which starts from the beginning."
            )

    def _loss(
        self, queries: Ragged, passages: Ragged, negatives: Ragged | None = None
    ) -> torch.Tensor:
        # On CPUs bf16 is far slower than fp32.
        with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
            query_vectors = embed(self.model, queries, self.device)
            passage_vectors = embed(self.model, passages, self.device)
            negative_vectors = None
            present = np.flatnonzero(negatives.lengths()) if negatives else []
            if len(present):
                vectors = embed(self.model, negatives.take(present), self.device)
                negative_vectors = torch.zeros_like(passage_vectors).index_copy(
                    0, torch.from_numpy(present).to(self.device), vectors
                )
        return info_nce(query_vectors, passage_vectors, self.config.temperature, negative_vectors)

    @torch.no_grad()
    def _validate(self) -> None:
        self.model.eval()
        losses = [self._loss(queries, passages).item() for queries, passages in self.validation]
        loss = float(np.mean(losses))
        self._stop_unless_finite("validation loss", loss)
        self.validations.append({"step": self.step, "loss": loss})
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.stale = loss, self.step, 0
            self.best = {name: t.clone() for name, t in self.model.state_dict().items()}
        else:
            self.stale += 1
        log.info("step %d: English validation loss %.4f", self.step, loss)

    def _row(self, batch: Batch, loss: float, norm: float) -> dict:
        pairs = self.train_corpora[batch.corpus].pairs

        def shares(columns: np.ndarray) -> dict[str, float]:
            found = np.bincount(columns, minlength=len(pairs.languages)) / len(columns)
            return {lang: float(s) for lang, s in zip(pairs.languages, found, strict=True) if s}

        return {
            "step": self.step,
            "loss": loss,
            "gradient_norm": norm,
            "learning_rate": self.config.learning_rate * _schedule(self.step, self.config),
            "kind": batch.kind,
            "corpus": pairs.name,
            "query_languages": shares(batch.query_languages),
            "passage_languages": shares(batch.passage_languages),
        }

    def _save_checkpoint(self) -> None:
        tensors = {f"model.{k}": t for k, t in self.model.state_dict().items()}
        tensors |= {f"best.{k}": t for k, t in self.best.items()}
        for i, optimizer in enumerate(self.optimizers):
            for parameter, values in optimizer.state_dict()["state"].items():
                for key, value in values.items():
                    tensors[f"optimizer.{i}.{parameter}.{key}"] = torch.as_tensor(value)
        meta = {
            "step": self.step,
            "stale": self.stale,
            "best_step": self.best_step,
            "best_loss": self.best_loss if math.isfinite(self.best_loss) else None,
            "validations": self.validations,
        }
        with whole(self.state / "checkpoint.safetensors") as temporary:
            tensors = {k: t.detach().cpu().contiguous().clone() for k, t in tensors.items()}
            save_file(tensors, temporary, metadata={"state": json.dumps(meta)})

    def _resume(self, log_path: Path) -> None:
        path = self.state / "checkpoint.safetensors"
        if not path.is_file():
            log_path.unlink(missing_ok=True)
            return
        with safe_open(path, framework="pt") as file:
            meta = json.loads(file.metadata()["state"])
        tensors = load_file(path)
        self.model.load_state_dict(_part(tensors, "model."))
        self.best = _part(tensors, "best.")
        for i, optimizer in enumerate(self.optimizers):
            state = optimizer.state_dict()
            state["state"] = {}
            for key, tensor in _part(tensors, f"optimizer.{i}.").items():
                parameter, name = key.split(".", 1)
                # SparseAdam counts steps in an int, AdamW in a tensor.
                is_count = name == "step" and isinstance(optimizer, torch.optim.SparseAdam)
                value = int(tensor) if is_count else tensor
                state["state"].setdefault(int(parameter), {})[name] = value
            optimizer.load_state_dict(state)
        self.step, self.stale = meta["step"], meta["stale"]
        self.best_step, self.validations = meta["best_step"], meta["validations"]
        self.best_loss = math.inf if meta["best_loss"] is None else meta["best_loss"]
        rows = log_path.read_text(encoding="utf-8").splitlines(keepends=True)[: self.step]
        write_text(log_path, "".join(rows))
        log.info("resuming from the checkpoint at step %d", self.step)


def achieved_mix(training_log: Path) -> dict:
    """Shares of batch kinds, corpora and query and passage languages over the steps of a log."""
    rows = [json.loads(line) for line in training_log.read_text(encoding="utf-8").splitlines()]
    mix: dict = {"steps": len(rows)}
    for key in ("kind", "corpus"):
        values = [row[key] for row in rows]
        mix[key] = {value: values.count(value) / len(rows) for value in sorted(set(values))}
    for key in ("query_languages", "passage_languages"):
        languages = sorted({language for row in rows for language in row[key]})
        mix[key] = {
            language: sum(row[key].get(language, 0.0) for row in rows) / len(rows)
            for language in languages
        }
    return mix


def _validation_batches(
    corpora: Sequence[TokenizedCorpus], batch_size: int
) -> list[tuple[Ragged, Ragged]]:
    """Fixed English batches, about as many as the validation pairs fill."""
    size = batch_size
    for pairs in (c.pairs for c in corpora):
        distinct = min(len(np.unique(pairs.passages)), len(np.unique(pairs.questions)))
        if distinct < 2:
            raise DataError(
                f"validation corpus {pairs.name}: {distinct} different pairs are held out, too few "
                "to compare: raise its `holdout`, or choose another corpus for `validation`."
            )
        size = min(size, distinct)
    sampler = Sampler([c.pairs for c in corpora], "en-en", size, seed=0)
    batches = []
    for step in range(max(1, sum(len(c.pairs) for c in corpora) // size)):
        batch = sampler.batch(step)
        corpus = corpora[batch.corpus]
        batches.append(
            (
                corpus.queries(batch.rows, batch.query_languages),
                corpus.passages(batch.rows, batch.passage_languages),
            )
        )
    return batches


def _nested_sample(n: int, share: float) -> np.ndarray:
    """int64, ascending: which of `n` pairs the share `share` is; the first of one fixed shuffle."""
    return np.sort(np.random.default_rng(0).permutation(n)[: math.ceil(n * share)])


def _optimizers(model: SentenceTransformer, config: TrainConfig) -> list[torch.optim.Optimizer]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    sparse = [m.weight for m in model.modules() if getattr(m, "sparse", False)]
    dense = [p for p in parameters if not any(p is s for s in sparse)]
    optimizers: list[torch.optim.Optimizer] = []
    if sparse:
        optimizers.append(torch.optim.SparseAdam(sparse, lr=config.learning_rate))
    if dense:
        optimizers.append(
            torch.optim.AdamW(dense, lr=config.learning_rate, weight_decay=config.weight_decay)
        )
    return optimizers


def _schedule(step: int, config: TrainConfig) -> float:
    warmup = max(1, round(config.warmup_share * config.max_steps))
    if step < warmup:
        return (step + 1) / warmup
    return (config.max_steps - step) / max(1, config.max_steps - warmup)


def _clip(model: torch.nn.Module, max_norm: float) -> float:
    """Scale all gradients so that their joint norm is at most `max_norm`; returns the norm before.

    torch.nn.utils.clip_grad_norm_ takes no sparse gradients.
    """
    gradients = []
    for parameter in model.parameters():
        if parameter.grad is not None:
            if parameter.grad.is_sparse:
                parameter.grad = parameter.grad.coalesce()
                gradients.append(parameter.grad.values())
            else:
                gradients.append(parameter.grad)
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
    scale = (max_norm / (norm + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
    return norm.item()


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _remove_others(checkpoints: Path, state: Path) -> None:
    """Unfinished runs of other configurations: nothing will resume them."""
    for folder in checkpoints.iterdir():
        if folder.is_dir() and folder != state:
            log.info("removing the unfinished run %s of another configuration", folder)
            shutil.rmtree(folder)


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}


def _fingerprint(
    config: TrainConfig,
    encoder_config: EncoderConfig,
    seed: int,
    train: Sequence[TokenizedCorpus],
    validation: Sequence[TokenizedCorpus],
    encoder: Path,
    code: str,
) -> str:
    values = [asdict(config), asdict(encoder_config), seed, code]
    digest = hashlib.sha256(json.dumps(values).encode())
    for corpus in (*train, *validation):
        digest.update(json.dumps([corpus.pairs.name, corpus.languages]).encode())
        digest.update(corpus.content_hash().encode())
    for path in sorted(p for p in encoder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
