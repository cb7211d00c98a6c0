"""Images, or texts of other languages, learn a text tower's vectors of English captions."""

import importlib.util
import json
from dataclasses import asdict, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pictures import POSITIONS, drawings, in_spanish, whole
from sentence_transformers import SentenceTransformer
from trainings import SHORT
from trainings import cpu as cpu

from hybridbatch.data.captions import TRAIN, VALIDATION, caption_table
from hybridbatch.encoders import static, text_image
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.captions import image_inputs, text_inputs
from hybridbatch.encoders.inference import load
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.runtime.files import write_table

Values = dict[str, Any]
SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
DRAWN = drawings()
FROZEN = {"pooling": "published", "trained": False, "head": False}
LOSS = {"directions": "both", "temperature": "fixed", "contrastive": 0.0, "distillation": 1.0}


@pytest.fixture(autouse=True)
def visible_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job hides them from its process, which here is that of other tests, too."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Path:
    """A static system with random vectors of the drawings' names."""
    folder = tmp_path_factory.mktemp("static")
    values = {"kind": "static", "dimension": 16, "vocabulary": 120, "tokenizer_characters": 10**5}
    values |= {"max_tokens": 32, "query_prefix": "", "passage_prefix": ""}
    static.prepare(values, {"xx": [*DRAWN, *map(in_spanish, DRAWN)] * 10}, folder)
    static.start(values, folder, seed=3).model.save(str(folder / "model"))
    return folder / "model"


def cnn_values(system: Path, dimension: int = 16, head: bool = False) -> Values:
    text = FROZEN | {"model": str(system), "max_tokens": 32, "head": head}
    image = {"kind": "cnn", "size": 32, "widths": [8, 16]}
    return {"kind": "text_image", "dimension": dimension, "text": text, "image": image}


def prepared(values: Values, folder: Path) -> Path:
    folder.mkdir()
    text_image.prepare(values, {}, folder)
    return folder


def finetune_images() -> ModuleType:
    file = SCRIPTS / "finetune_images.py"
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def losses(model: Path) -> list[float]:
    lines = (model / "training.jsonl").read_text().splitlines()
    return [json.loads(line)["loss"] for line in lines]


def told() -> pa.Table:
    """Captions of the drawings in English and another language, a third of them held out.

    Every fourth drawing has two captions in each.
    """
    rows = []
    for i, name in enumerate(DRAWN):
        split = VALIDATION if i % 3 == 2 else TRAIN
        for caption in (name, f"a {name}") if i % 4 == 0 else (name,):
            second = in_spanish(name) + ("" if caption == name else " un")
            rows += [(name, "en", caption, split, name), (name, "es", second, split, name)]
    return caption_table(rows)


def job(
    values: Values, encoder: Path, folder: Path, captions: pa.Table, loss: Values, **changes
) -> SimpleNamespace:
    """A job of `finetune_images` on drawings, whose inputs are made here."""
    make = text_image.inputs(values, encoder)
    write_table(folder / "captions.parquet", captions)
    image_inputs(make, DRAWN.items()).save(folder / "images.safetensors")
    text_inputs(make, captions["caption"].to_pylist()).save(folder / "texts.safetensors")
    training = asdict(replace(SHORT, loss=LOSS | loss, **changes))
    names = {"captions": "captions.parquet", "images": "images.safetensors"}
    names |= {"texts": "texts.safetensors"}
    return SimpleNamespace(
        input=SimpleNamespace(encoder=encoder, **{n: folder / of for n, of in names.items()}),
        output=[folder / "model"],
        params=SimpleNamespace(
            training=training, encoder=values, seed=0, checkpoints=folder / "checkpoints", code=[],
            corpus="drawings", languages=["en", "es"], shuffled=None,
        ),
        threads=1,
        resources=SimpleNamespace(gpu=0),
    )  # fmt: skip


def english(system: Path) -> np.ndarray:
    """The targets of all drawings, by the library alone: float [24, 16] of length 1."""
    of = SentenceTransformer(str(system), device="cpu")
    captions = [[name, f"a {name}"] if i % 4 == 0 else [name] for i, name in enumerate(DRAWN)]
    means = [of.encode_query(few, normalize_embeddings=True).mean(axis=0) for few in captions]
    return np.stack([mean / np.linalg.norm(mean) for mean in means])


def test_images_are_distilled_from_a_text_tower_that_reads_their_english_captions(system, tmp_path):
    """Alone: no caption is compared with an image, and each still finds its own."""
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    targets, seen = english(system), np.arange(len(DRAWN)) % 3 != 2
    names, pictures = np.array(list(DRAWN))[seen].tolist(), list(DRAWN.values())

    def first_loss() -> float:
        """That of all images that are trained on, before a step."""
        towers = text_image.start(values, encoder, seed=0)
        pixels = image_inputs(text_image.inputs(values, encoder), DRAWN.items()).inputs
        towers.model.train()
        with torch.no_grad():
            images = towers.embed(CANDIDATE, IMAGE, pixels.take(np.flatnonzero(seen))).numpy()
        return np.mean(((images - targets[seen]) ** 2).sum(axis=1))

    steps = {"batch_size": 16, "max_steps": 120, "learning_rate": 0.01, "evaluate_every": 40}
    loss = {"student": CANDIDATE}
    # The captions of an image are never in one batch, so that 16 pairs are of all 16 images.
    finetune_images().main(job(values, encoder, tmp_path, told(), loss, **steps))
    found = losses(tmp_path / "model")
    assert found[0] == pytest.approx(first_loss(), rel=1e-4)
    encode = load(values, tmp_path / "model")
    images = encode(CANDIDATE, IMAGE, pictures)
    assert ((images - targets) ** 2).sum(axis=1)[seen].mean() < 0.5 * found[0]
    scores = encode(QUERY, TEXT, names) @ images[seen].T
    assert (scores.argmax(axis=1) == np.arange(len(names))).mean() > 0.5  # chance is 1/16
    own = SentenceTransformer(str(system), device="cpu")
    np.testing.assert_allclose(
        encode(QUERY, TEXT, names), own.encode_query(names, normalize_embeddings=True), atol=1e-5
    )


def test_texts_are_distilled_toward_the_english_captions_of_their_image(tmp_path):
    """Multilingual-CLIP's recipe with a head: beside frozen images, Spanish moves to English."""
    whole(tmp_path / "whole", "clip")
    tower = FROZEN | {"model": str(tmp_path / "whole")}
    text, image = {"max_tokens": POSITIONS, "head": True}, {"kind": "transformer"}
    values = {"kind": "text_image", "dimension": 12, "text": tower | text, "image": tower | image}
    encoder = prepared(values, tmp_path / "encoder")
    loss = {"student": QUERY}
    trained = job(values, encoder, tmp_path, told(), loss, max_steps=60, evaluate_every=20)
    finetune_images().main(trained)
    # What the tower gives without a head.
    plain = values | {"text": values["text"] | {"head": False}}
    before, after = load(plain, encoder), load(values, tmp_path / "model")
    teacher = before(QUERY, TEXT, list(DRAWN))
    single = [i for i in range(len(DRAWN)) if i % 3 != 2 and i % 4]
    spanish = [in_spanish(name) for name in DRAWN]
    cosines = [(of(QUERY, TEXT, spanish) * teacher).sum(axis=1)[single] for of in (before, after)]
    assert cosines[1].mean() > cosines[0].mean() + 0.1
    images = [of(CANDIDATE, IMAGE, list(DRAWN.values())) for of in (before, after)]
    np.testing.assert_array_equal(*images)
    first, *_, last = losses(tmp_path / "model")
    assert last < 0.5 * first


def test_a_teacher_in_another_space_is_refused_before_training(system, tmp_path):
    values = cnn_values(system, 8, head=True)
    encoder = prepared(values, tmp_path / "encoder")
    loss = {"student": CANDIDATE}
    with pytest.raises(
        ConfigError, match="have 16 dimensions, and `dimension` of the encoder is 8"
    ):
        finetune_images().main(job(values, encoder, tmp_path, told(), loss))
    assert not (tmp_path / "model").exists()


def test_an_image_without_an_english_caption_is_refused_by_name(system, tmp_path):
    values = cnn_values(system)
    encoder = prepared(values, tmp_path / "encoder")
    rows = [tuple(row.values()) for row in told().to_pylist()]
    fewer = caption_table(row for row in rows if row[:2] != ("red circle", "en"))
    loss = {"student": CANDIDATE}
    with pytest.raises(
        DataError, match=r"1 images have captions, and none in 'en' .*: red circle\."
    ):
        finetune_images().main(job(values, encoder, tmp_path, fewer, loss))
