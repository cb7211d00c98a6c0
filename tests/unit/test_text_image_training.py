"""Training of two towers learns, resumes to the bit, and leaves what is frozen as it was."""

import json
from dataclasses import replace
from functools import partial
from itertools import combinations, count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import POSITIONS, drawings, in_spanish, whole
from safetensors.numpy import load_file
from trainings import SHORT, Interrupted
from trainings import cpu as cpu

from hybridbatch.encoders import static, text_image
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.captions import caption_inputs, image_inputs, image_text_pairs
from hybridbatch.encoders.inference import load
from hybridbatch.encoders.inputs import Dense
from hybridbatch.runtime.errors import DataError
from hybridbatch.training.data import TrainingCorpus
from hybridbatch.training.job import TrainingJob
from hybridbatch.training.loop import _Run, finetune
from hybridbatch.training.trainer import Trainer

Values = dict[str, Any]
DRAWN = drawings()
CNN = {"kind": "cnn", "size": 32, "widths": [8, 16]}
LOSS = {"directions": "both", "temperature": "learned", "contrastive": 1.0, "distillation": 0.0}
CONFIG = replace(SHORT, max_steps=40, learning_rate=0.02, loss=LOSS)


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Path:
    """A static system whose vectors of a thing's name are alike in both languages."""
    folder = tmp_path_factory.mktemp("static")
    values = {"kind": "static", "dimension": 16, "vocabulary": 120, "tokenizer_characters": 10**5}
    values |= {"max_tokens": 32, "query_prefix": "", "passage_prefix": ""}
    texts = [*DRAWN, *map(in_spanish, DRAWN)] * 10
    static.prepare(values, {"xx": texts}, folder)
    static.start(values, folder, seed=3).model.save(str(folder / "model"))
    return folder / "model"


def cnn_values(system: Path, **changes) -> Values:
    text = {"model": str(system), "pooling": "published", "max_tokens": 32}
    text |= {"trained": False, "head": True} | changes
    return {"kind": "text_image", "dimension": 16, "text": text, "image": CNN}


def clip_values(folder: Path, trained: bool) -> Values:
    tower = {"model": str(folder), "pooling": "published", "trained": trained, "head": True}
    text = tower | {"max_tokens": POSITIONS}
    image = tower | {"kind": "transformer"}
    return {"kind": "text_image", "dimension": 8, "text": text, "image": image}


def corpora(
    values: Values, folder: Path, teacher: np.ndarray | None = None, seen: bool = False
) -> dict[str, list[TrainingCorpus]]:
    """Captions of drawings in English and Spanish; English ones of some others for validation.

    seen: whether validation has the same drawings, so that the best step is that of training.
    """
    make = text_image.inputs(values, folder)
    images = image_inputs(make, DRAWN.items())
    names = list(DRAWN)

    def of(name: str, rows: np.ndarray, languages: dict) -> TrainingCorpus:
        chosen = [names[row] for row in rows]
        found = {}
        for language, write in languages.items():
            captions = caption_inputs(make, rows, chosen, [write(one) for one in chosen])
            targets = None if teacher is None else Dense(teacher[rows])
            found[language] = image_text_pairs(captions, images, targets)
        return TrainingCorpus(name, found, modality=IMAGE)

    rows = np.arange(len(names))
    held = rows % 3 == 2
    return {
        "train": [of("drawings", rows[~held], {"en": str, "es": in_spanish})],
        "validation": [of("held_out", rows[~held if seen else held], {"en": str})],
    }


def prepared(values: Values, folder: Path) -> Path:
    folder.mkdir()
    text_image.prepare(values, {}, folder)
    return folder


def train(
    values: Values, encoder: Path, output: Path, config=CONFIG, data=None, seed: int = 0
) -> Path:
    data = data or corpora(values, encoder)
    job = TrainingJob(config, values, seed, output, output.parent / "checkpoints" / output.name)
    finetune(job, encoder, **data)
    return output


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes()
            for p in sorted(folder.rglob("*")) if p.is_file()}  # fmt: skip


def rows_of(model: Path) -> list[dict]:
    return [json.loads(line) for line in (model / "training.jsonl").read_text().splitlines()]


def test_it_learns_what_the_names_of_drawings_are(system, tmp_path):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    config = replace(CONFIG, max_steps=60, learning_rate=0.005)
    model = train(values, encoder, tmp_path / "model", config, corpora(values, encoder, seen=True))
    rows = rows_of(model)
    assert np.mean([row["loss"] for row in rows[-10:]]) < 0.6 * rows[0]["loss"]
    encode = load(values, model)
    seen = [name for i, name in enumerate(DRAWN) if i % 3 != 2]
    images = encode(CANDIDATE, IMAGE, [DRAWN[name] for name in seen])
    for write in (str, in_spanish):
        scores = encode(QUERY, TEXT, [write(name) for name in seen]) @ images.T
        assert (scores.argmax(axis=1) == np.arange(len(seen))).mean() > 0.5  # chance is 1/16
    assert {row["kind"] for row in rows} == {"x-x-mono", "x-y"}
    assert all(row["passage_languages"] == {} for row in rows)
    assert json.loads((model / "mix.json").read_text())["passage_languages"] == {}


@pytest.mark.parametrize("kind", ["cnn", "trained text", "frozen clip", "trained clip"])
def test_an_interrupted_training_ends_in_the_same_bytes(kind, system, tmp_path, monkeypatch):
    """Whatever is trained: tables, networks with running means, heads, the temperature."""
    if "clip" in kind:
        whole(tmp_path / "whole", "clip")
        values = clip_values(tmp_path / "whole", kind == "trained clip")
    else:
        values = cnn_values(system, trained=kind == "trained text")
    encoder = prepared(values, tmp_path / "encoder")
    data = corpora(values, encoder)
    config = replace(CONFIG, max_steps=24, evaluate_every=8, learning_rate=0.005)
    train_ = partial(train, values, encoder, config=config, data=data)
    straight = train_(tmp_path / "straight")
    steps = count(1)
    step = _Run._train_step

    def interrupted(self, batch):
        if next(steps) == 19:
            raise Interrupted
        return step(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(_Run, "_train_step", interrupted)
        with pytest.raises(Interrupted):
            train_(tmp_path / "resumed")
    resumed = train_(tmp_path / "resumed")
    assert contents(straight) == contents(resumed)
    assert [row["step"] for row in rows_of(resumed)] == list(range(24))
    other = train_(tmp_path / "other", seed=1)
    assert contents(other) != contents(straight)


def test_a_frozen_tower_stays_as_it_was(tmp_path):
    whole(tmp_path / "whole", "clip")
    values = clip_values(tmp_path / "whole", trained=False)
    encoder = prepared(values, tmp_path / "encoder")
    model = train(values, encoder, tmp_path / "model", replace(CONFIG, max_steps=10))
    for before in sorted(encoder.rglob("*.safetensors")):
        after = model / before.relative_to(encoder)
        a, b = load_file(before), load_file(after)
        assert all(np.array_equal(a[name], b[name]) for name in a), before
    places = [{p.relative_to(f) for p in f.rglob("*.safetensors")} for f in (encoder, model)]
    changed = [str(file.parent) for file in places[1] - places[0]]
    assert sorted(changed) == ["document_2_Dense", "query_2_Dense"]
    counts = json.loads((model / "run.json").read_text())["parameters"]
    assert counts["trained"] == 2 * 12 * 8


def test_a_learned_temperature_is_recorded_and_a_fixed_one_is_not(system, tmp_path):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    data = corpora(values, encoder)
    learned = train(values, encoder, tmp_path / "learned", data=data)
    steps = [row["temperature"] for row in rows_of(learned)]
    assert steps[0] == pytest.approx(0.1, rel=0.05)
    assert len(set(steps)) > 30
    assert min(steps) >= 0.0099
    run = json.loads((learned / "run.json").read_text())
    assert run["temperature"] == steps[run["best_step"] - 1]  # the row has it after its step
    fixed = train(values, encoder, tmp_path / "fixed", replace(CONFIG, loss=None), data)
    assert "temperature" not in rows_of(fixed)[0]
    assert "temperature" not in json.loads((fixed / "run.json").read_text())


@pytest.mark.parametrize("student", [QUERY, CANDIDATE])
def test_distillation_alone_brings_the_student_to_the_teacher(student, system, tmp_path):
    """The teacher is another encoder of the English captions."""
    rng = np.random.default_rng(0)
    teacher = rng.normal(size=(len(DRAWN), 16)).astype(np.float32)
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    data = corpora(values, encoder, teacher, seen=True)
    loss = LOSS | {"temperature": "fixed", "contrastive": 0.0, "distillation": 1.0}
    config = replace(CONFIG, loss=loss | {"student": student}, max_steps=60, learning_rate=0.005)
    model = train(values, encoder, tmp_path / "model", config, data)
    unit = teacher / np.linalg.norm(teacher, axis=1, keepdims=True)
    encode = load(values, model)
    items = {QUERY: (TEXT, [*DRAWN]), CANDIDATE: (IMAGE, [*DRAWN.values()])}
    cosines = {side: (encode(side, *items[side]) * unit).sum(axis=1) for side in items}
    seen = np.arange(len(DRAWN)) % 3 != 2
    (other,) = {QUERY, CANDIDATE} - {student}
    assert cosines[student][seen].mean() > cosines[other][seen].mean() + 0.3
    assert rows_of(model)[0]["loss"] > rows_of(model)[-1]["loss"] + 0.3


PUSHED = LOSS | {"temperature": "fixed", "clustering": 0.7}


def nearness(texts: np.ndarray) -> float:
    """Uniformity (Wang and Isola 2020, equation 2) of unit vectors; lower where they are apart."""
    pairs = [np.exp(-2 * ((a - b) ** 2).sum()) for a, b in combinations(texts.astype(float), 2)]
    return float(np.log(np.mean(pairs)))


def test_the_first_logged_loss_has_the_push_of_the_batch_s_texts(system, tmp_path, monkeypatch):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    batches, loss_of = [], Trainer.loss_of

    def noted(trainer, queries, passages, *others):
        batches.append((queries, passages))
        return loss_of(trainer, queries, passages, *others)

    monkeypatch.setattr(Trainer, "loss_of", noted)
    config = replace(CONFIG, loss=PUSHED, max_steps=1, evaluate_every=1)
    model = train(values, encoder, tmp_path / "model", config)
    queries, passages = batches[0]
    started = text_image.start(values, encoder, 0)
    started.model.train()
    with torch.no_grad():
        texts = started.embed(QUERY, TEXT, queries).numpy().astype(float)
        images = started.embed(CANDIDATE, IMAGE, passages).numpy().astype(float)
    assert len(texts) == len(images) == CONFIG.batch_size
    scores = np.exp(texts @ images.T / CONFIG.temperature)
    right = np.diagonal(scores)
    contrastive = -np.log([right / scores.sum(axis=1), right / scores.sum(axis=0)]).mean()
    push = 0.7 * nearness(texts)
    assert abs(push) > 0.1  # which 1e-4 is small beside
    assert rows_of(model)[0]["loss"] == pytest.approx(contrastive + push, abs=1e-4)


def test_texts_that_are_pushed_end_up_further_apart(system, tmp_path):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    data = corpora(values, encoder, seen=True)
    captions = [write(name) for i, name in enumerate(DRAWN) if i % 3 != 2
                for write in (str, in_spanish)]  # fmt: skip
    found = {}
    for name, weight in (("plain", None), ("pushed", 3.0)):
        config = replace(CONFIG, learning_rate=0.005, loss=PUSHED | {"clustering": weight})
        model = train(values, encoder, tmp_path / name, config, data)
        found[name] = nearness(load(values, model)(QUERY, TEXT, captions))
    assert found["pushed"] < found["plain"] - 0.1


def test_distillation_without_a_teacher_is_refused(system, tmp_path):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    config = replace(CONFIG, loss=LOSS | {"distillation": 1.0, "student": QUERY})
    with pytest.raises(DataError, match="a corpus has no teacher's vectors"):
        train(values, encoder, tmp_path / "model", config)


def test_texts_and_images_in_one_run_are_refused(system, tmp_path):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    data = corpora(values, encoder)
    validation = data["validation"][0]
    validation.modality = TEXT
    with pytest.raises(DataError, match="passages are image and text: all must be of one"):
        train(values, encoder, tmp_path / "model", data=data)
