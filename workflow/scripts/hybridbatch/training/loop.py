"""The training loop. It writes a model and a record of every step.

Warm-up, a constant learning rate until validation stops improving, then decay (Hu et al. 2024,
"MiniCPM", section 4: warmup-stable-decay). The limit of steps therefore shapes no step before the
decay, and the best weights are kept.

Resumption is exact. Batches and dropout depend only on (seed, step), the learning rate only on the
step and on where the decay begins. The checkpoint has everything else that a step reads (weights,
optimizer state, best weights) and the validation losses so far.
"""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from hybridbatch.encoders.base import CANDIDATE, QUERY
from hybridbatch.runtime import kinds
from hybridbatch.runtime.checkpoints import Work, key_of, working
from hybridbatch.runtime.errors import DataError, TrainingError
from hybridbatch.runtime.files import write_json, write_text
from hybridbatch.runtime.logs import Progress, log
from hybridbatch.training.data import TrainingCorpus, validation_batches
from hybridbatch.training.job import TrainingJob
from hybridbatch.training.mix import achieved_mix
from hybridbatch.training.optimisation import decay_begin, end_after, schedule
from hybridbatch.training.samplers import Batch, Sampler
from hybridbatch.training.trainable import counts, load_trained, save, stored, trained_state
from hybridbatch.training.trainer import Trainer

_CHECKPOINT, _STEPS = "checkpoint.safetensors", "training.jsonl"


def finetune(
    job: TrainingJob,
    encoder: Path,
    train: Sequence[TrainingCorpus],
    validation: Sequence[TrainingCorpus],
) -> None:
    """Fine-tune the encoder of a folder and write the job's model folder atomically.

    Beside the weights the folder has `training.jsonl` (every step), `validation.jsonl` (number of
    steps and English validation loss), `mix.json` (achieved shares of batch kinds, corpora and
    languages) and `run.json` (the resolved configuration). Passages are texts or, in all corpora,
    images.

    If the job's `checkpoints` have an unfinished run of the same configuration, data, base model
    and code, training resumes there. Waits while another process trains the same model. Inputs are
    taken from the corpora after that only. Raises TrainingError at a non-finite loss or gradient.
    """
    values = [asdict(job.config), dict(job.encoder), job.seed, job.code]
    data = [
        [corpus.pairs.name, *corpus.languages, corpus.content_hash()]
        for corpus in (*train, *validation)
    ]
    with working(job.checkpoints, key_of([values, data], files=[encoder]), job.output) as work:
        if work.is_published():
            return
        if job.prepare is not None:
            job.prepare()
        run = _Run(job, encoder, train, validation, work)
        run.train()
        with work.publish() as temporary:
            save(run.model, run.start, encoder, temporary)
            shutil.copy(work.state / _STEPS, temporary / _STEPS)
            lines = [json.dumps(row) + "\n" for row in run.validations]
            write_text(temporary / "validation.jsonl", "".join(lines))
            write_json(temporary / "mix.json", achieved_mix(temporary / _STEPS))
            write_json(
                temporary / "run.json",
                {
                    "training": asdict(job.config),
                    "encoder": dict(job.encoder),
                    "seed": job.seed,
                    "corpora": {c.pairs.name: len(c.pairs) for c in train},
                    "validation": {c.pairs.name: len(c.pairs) for c in validation},
                    "parameters": {**counts(run.model), "stored": stored(temporary)},
                    "steps": run.step,
                    "decay_from": run.begin,
                    "best_step": run.best_step,
                    "best_validation_loss": run.best_loss,
                    **run.learned_temperature(),
                },
            )


class _Run:
    """The state of one training run."""

    def __init__(
        self,
        job: TrainingJob,
        encoder: Path,
        train: Sequence[TrainingCorpus],
        validation: Sequence[TrainingCorpus],
        work: Work,
    ) -> None:
        config, seed = job.config, job.seed
        torch.use_deterministic_algorithms(True, warn_only=True)
        # It only fills memory that a wrong program would read, and takes a tenth of a short step.
        torch.utils.deterministic.fill_uninitialized_memory = False
        torch.manual_seed(seed)
        self.config, self.seed, self.work = config, seed, work
        self.train_corpora = train
        kind = kinds.load("encoders", job.encoder["kind"])
        self.start = lambda: kind.start(job.encoder, encoder, seed).model
        modalities = sorted({corpus.modality for corpus in (*train, *validation)})
        if len(modalities) > 1:
            raise DataError(
                f"the corpora's passages are {' and '.join(modalities)}: all must be of one."
            )
        started = kind.start(job.encoder, encoder, seed)
        self.trainer = Trainer(started, config, modalities[0], seed)
        self.model, self.trained = self.trainer.model, self.trainer.trained
        self.validation = validation_batches(validation, config.batch_size)
        self.sampler = Sampler(
            [c.pairs for c in train],
            config.sampling,
            config.batch_size,
            seed,
            config.alpha,
            # With a small share of its pairs, a corpus may not fill a batch.
            leave_out_small=config.pairs < 1,
            **config.corpus_weighting,
        )
        self.step = self.best_step = self.stale = 0
        self.begin = decay_begin(config.max_steps, config)  # of the decay, unless patience ends
        self.best_loss = math.inf
        self.validations: list[dict] = []  # rows of validation.jsonl
        self.best = {name: t.clone() for name, t in trained_state(self.trained).items()}

    def learned_temperature(self) -> dict[str, float]:
        """The temperature under its name, if it is learned."""
        loss = self.trainer.loss
        return {} if loss.log_scale is None else {"temperature": float(loss.temperature.detach())}

    def train(self) -> None:
        config, log_path = self.config, self.work.state / _STEPS
        self._resume(log_path)
        log.info(
            "training on %s from step %d of %d", self.trainer.device, self.step, config.max_steps
        )
        progress = Progress(config.max_steps, "steps", done=self.step)
        with log_path.open("a", encoding="utf-8") as record:
            while self.step < end_after(self.begin, config):
                batch = self.sampler.batch(self.step)
                loss, norm = self._train_step(batch)
                record.write(json.dumps(self._row(batch, loss, norm)) + "\n")
                self.step += 1
                progress.add(1, f"loss {loss:.4f}")
                last = self.step == end_after(self.begin, config)
                if self.step % config.evaluate_every == 0 or last:
                    self._validate()
                    if self.stale >= config.patience and self.step < self.begin:
                        self.begin = self.step
                        log.info("the learning rate decays from step %d", self.begin)
                    record.flush()
                    self._save_checkpoint()
        load_trained(self.trained, self.best)
        log.info("best validation loss %.4f at step %d", self.best_loss, self.best_step)

    def _train_step(self, batch: Batch) -> tuple[float, float]:
        torch.manual_seed(self.seed * 1_000_003 + self.step)  # for dropout; exact after a resume
        self.model.train()
        corpus = self.train_corpora[batch.corpus]
        sides = {QUERY: batch.query_languages, CANDIDATE: batch.passage_languages}
        loss = self.trainer.loss_of(
            corpus.queries(batch.rows, batch.query_languages),
            corpus.passages(batch.rows, batch.passage_languages),
            corpus.negatives(batch.rows, batch.passage_languages),
            corpus.targets(batch.rows, sides[self.trainer.loss.student or QUERY]),
        )
        value = loss.item()
        self._stop_unless_finite("loss", value)
        norm = self.trainer.backward(loss)
        self._stop_unless_finite("gradient's norm", norm)
        self.trainer.update(self._learning_rate())
        return value, norm

    def _learning_rate(self) -> float:
        return self.config.learning_rate * schedule(self.step, self.config, self.begin)

    def _stop_unless_finite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise TrainingError(
                f"the {what} is {value} at step {self.step}; training stopped. The last good "
                f"checkpoint is kept in {self.work.state} until training starts again. Lower "
                "training.learning_rate or raise training.temperature: that is another "
                "configuration, which starts from the beginning."
            )

    @torch.no_grad()
    def _validate(self) -> None:
        self.model.eval()
        losses, progress = [], Progress(len(self.validation), "validation batches", last=False)
        for queries, passages, targets in self.validation:
            losses.append(self.trainer.loss_of(queries, passages, None, targets).item())
            progress.add()
        loss = float(np.mean(losses))
        self._stop_unless_finite("validation loss", loss)
        self.validations.append({"step": self.step, "loss": loss})
        if loss < self.best_loss:
            self.best_loss, self.best_step, self.stale = loss, self.step, 0
            self.best = {name: t.clone() for name, t in trained_state(self.trained).items()}
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
            "learning_rate": self._learning_rate(),
            "kind": batch.kind,
            "corpus": pairs.name,
            "query_languages": shares(batch.query_languages),
            "passage_languages": shares(batch.passage_languages) if pairs.in_language else {},
            **self.learned_temperature(),
        }

    def _save_checkpoint(self) -> None:
        tensors = {f"trained.{k}": t for k, t in trained_state(self.trained).items()}
        tensors |= {f"best.{k}": t for k, t in self.best.items()}
        for i, optimizer in enumerate(self.trainer.optimizers):
            for parameter, values in optimizer.state_dict()["state"].items():
                for key, value in values.items():
                    tensors[f"optimizer.{i}.{parameter}.{key}"] = value
        meta = {
            "step": self.step,
            "stale": self.stale,
            "begin": self.begin,
            "best_step": self.best_step,
            "best_loss": self.best_loss if math.isfinite(self.best_loss) else None,
            "validations": self.validations,
        }
        with self.work.checkpoint(self.step) as folder:
            tensors = {k: t.detach().cpu().contiguous().clone() for k, t in tensors.items()}
            save_file(tensors, folder / _CHECKPOINT, metadata={"state": json.dumps(meta)})
            shutil.copy(self.work.state / _STEPS, folder / _STEPS)

    def _resume(self, log_path: Path) -> None:
        log_path.unlink(missing_ok=True)
        folder = self.work.latest()
        if folder is None:
            return
        path = folder / _CHECKPOINT
        with safe_open(path, framework="pt") as file:
            meta = json.loads(file.metadata()["state"])
        tensors = load_file(path)
        load_trained(self.trained, _part(tensors, "trained."))
        self.best = _part(tensors, "best.")
        for i, optimizer in enumerate(self.trainer.optimizers):
            state = optimizer.state_dict()
            state["state"] = {}
            for key, tensor in _part(tensors, f"optimizer.{i}.").items():
                parameter, name = key.split(".", 1)
                state["state"].setdefault(int(parameter), {})[name] = tensor
            optimizer.load_state_dict(state)
        self.step, self.stale, self.begin = meta["step"], meta["stale"], meta["begin"]
        self.best_step, self.validations = meta["best_step"], meta["validations"]
        self.best_loss = math.inf if meta["best_loss"] is None else meta["best_loss"]
        shutil.copy(folder / _STEPS, log_path)
        log.info("resuming from the checkpoint at step %d", self.step)


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
