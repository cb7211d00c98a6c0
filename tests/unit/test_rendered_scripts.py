"""The jobs from train sets to a model that finds rendered passages, one after another."""

import json
import time
from dataclasses import asdict, replace
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from fonts import LATIN, letters
from test_image_scripts import script
from test_rendered_training import TAUGHT, TEXTS, VALUES, table
from trainings import SHORT
from trainings import cpu as cpu
from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

from hybridbatch.data.captions import write_images
from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import render
from hybridbatch.encoders import static
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.inference import load
from hybridbatch.encoders.pairs import pair_inputs
from hybridbatch.encoders.rendered import assemble, prepare, start
from hybridbatch.runtime.checkpoints import working
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import read_tensors, write_table

OF = {"system": "visual_hybrid", "seed": 0, "language": "en"}
PASSAGES = dict(zip("abcdefghijkl", table("en")["passage"].to_pylist(), strict=False))


class Named(list):
    """Files of a job, by number or by name."""

    def __init__(self, *files: str, **named: str | list[str]) -> None:
        super().__init__(files)
        vars(self).update(named)

    def get(self, name: str) -> str | list[str] | None:
        return vars(self).get(name)


@pytest.fixture
def train(tmp_path: Path) -> dict[str, str]:
    """Train sets, by language, and the font."""
    found = {"font": str(letters(tmp_path / "font.ttf", LATIN))}
    for language in ("en", "es"):
        found[language] = str(tmp_path / f"{language}.parquet")
        write_table(found[language], table(language), {"corpus": "birds", "language": language})
    return found


def prepared(train: dict[str, str], folder: Path, **image) -> Path:
    params = SimpleNamespace(
        encoder=VALUES | {"image": VALUES["image"] | image},
        fonts={"en": train["font"], "es": train["font"]},
        drawing={"height": 32},
    )
    texts = [train["es"], train["en"]]
    job = SimpleNamespace(
        input=Named(texts=texts), output=Named(str(folder)), params=params,
        wildcards=SimpleNamespace(encoder="visual"),
    )  # fmt: skip
    script("prepare_rendered").main(job)
    return folder


def test_more_visual_words_than_there_are_name_the_encoder(train, tmp_path):
    with pytest.raises(DataError, match=r"catalogue\.encoders\.visual: .* lower `codebook`"):
        prepared(train, tmp_path / "encoder", codebook=5000)
    assert not (tmp_path / "encoder").exists()


def test_more_visual_words_than_there_are_beside_a_text_tower_name_the_encoder(train, tmp_path):
    encoder = VALUES | {"kind": "text_image", "image": VALUES["image"] | {"codebook": 5000}}
    encoder["text"] = {"model": text_tower(tmp_path / "texts"), "revision": None, "head": False,
                       "pooling": "published", "max_tokens": 32, "trained": False}  # fmt: skip
    del encoder["max_tokens"]
    images, face = str(tmp_path / "images.parquet"), face_for(train["font"], "en")
    write_images(images, render({"a": "owl", "b": "duck"}, face, "en"))
    job = SimpleNamespace(
        input=Named(images=images, captions=[]),
        output=SimpleNamespace(encoder=str(tmp_path / "encoder")),
        params=SimpleNamespace(encoder=encoder, name="mine"), resources=SimpleNamespace(gpu=0),
    )  # fmt: skip
    with pytest.raises(DataError, match=r"catalogue\.encoders\.mine: .* lower `codebook`"):
        script("prepare_towers").main(job)
    assert not (tmp_path / "encoder").exists()


def test_a_codebook_is_of_the_first_different_questions_of_each_language(
    train, tmp_path, monkeypatch
):
    job = script("prepare_rendered")
    monkeypatch.setattr(job, "_TEXTS", 3)
    asked = [str(tmp_path / f"{corpus}.parquet") for corpus in "ab"]
    for path, questions in zip(
        asked, (["owl", "owl", "owl", "duck"], ["rook", "wren"]), strict=True
    ):
        of = {"corpus": Path(path).stem, "language": "en"}
        write_table(path, pa.table({"question": questions}), of)
    params = SimpleNamespace(fonts={"en": train["font"]}, drawing={"height": 32})
    texts = {"1": "owl", "2": "duck", "3": "rook"}
    expected = [image for _, image in render(texts, face_for(train["font"], "en"), "en", height=32)]
    for paths in (asked, asked[::-1]):
        assert list(job._images(paths, params)) == expected


def text_tower(folder: Path) -> str:
    """The folder of a static model of random weights."""
    folder.mkdir()
    lines = [t for c in ("en", "es") for t in table(c)["passage"].to_pylist() * 5]
    static.prepare(TEXTS, {"xx": lines}, folder)
    static.start(TEXTS, folder, seed=3).model.save(str(folder / "model"))
    return str(folder / "model")


def vision_encoder(folder: Path) -> str:
    """The folder of a small vision transformer with random weights."""
    size = {"hidden_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    ViTModel(ViTConfig(**size, intermediate_size=32, image_size=16, patch_size=8)).save_pretrained(
        folder
    )
    ViTImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)
    return str(folder)


def training(train: dict[str, str], tmp_path: Path, max_steps: int, gpu: int) -> SimpleNamespace:
    """The job that trains, and the files of the jobs before it."""
    encoder = prepared(train, tmp_path / "encoder")
    system = tmp_path / "texts"
    model = text_tower(system)
    tokens, images = {}, {}
    for language in ("en", "es"):
        of = {"corpus": "birds", "language": language}
        tokens[language] = str(tmp_path / f"tokens.{language}.safetensors")
        made = pair_inputs(static.inputs(TEXTS, system), table(language), table(language))
        made.save(tokens[language], of)
        images[language] = str(tmp_path / f"images.{language}.safetensors")
        counts = tmp_path / f"images.{language}.json"
        params = SimpleNamespace(encoder=VALUES, drawing={"height": 32}, of=of)
        files = Named(encoder=str(encoder), train=train[language], font=train["font"])
        output = Named(images=images[language], counts=str(counts))
        device = SimpleNamespace(gpu=0)
        script("render_pairs").main(
            SimpleNamespace(input=files, output=output, params=params, resources=device)
        )
        # 24 passages, and the negative that is none of them.
        assert json.loads(counts.read_text()) == of | {
            "images": 25, "with_missing_glyphs": 0, "clipped": 0, "missing": {},
        }  # fmt: skip
    config = replace(SHORT, max_steps=max_steps, loss=TAUGHT)
    return SimpleNamespace(
        input=Named(
            encoder=str(encoder), tower=model,
            train=[tokens["es"], tokens["en"]], images=[images["en"], images["es"]],
            validation=[tokens["en"]], validation_images=[images["en"]],
        ),
        output=Named(str(tmp_path / "model")),
        params=SimpleNamespace(
            training=asdict(config), encoder=VALUES, seed=0,
            checkpoints=str(tmp_path / "checkpoints"), code=["finetune_rendered:0"],
        ),
        resources=SimpleNamespace(gpu=gpu), threads=1,
    )  # fmt: skip


def test_from_train_sets_to_a_model(train, tmp_path):
    job, model, system = (
        training(train, tmp_path, 60, gpu=0),
        tmp_path / "model",
        tmp_path / "texts",
    )
    script("finetune_rendered").main(job)
    mix = json.loads((model / "mix.json").read_text())
    assert set(mix["query_languages"]) == set(mix["passage_languages"]) == {"en", "es"}
    encode = load(VALUES, model)
    face = face_for(train["font"], "en")
    found = encode(CANDIDATE, IMAGE, [image for _, image in render(PASSAGES, face, "en")])
    taught = static.load(TEXTS, system / "model")(CANDIDATE, TEXT, list(PASSAGES.values()))
    # An image is nearest to its own text in the text tower's space; chance is 1/12.
    assert ((found @ taught.T).argmax(axis=1) == np.arange(len(PASSAGES))).mean() > 0.6
    assert encode(QUERY, TEXT, ["what owl is 3?"]).shape == (1, 16)


@pytest.mark.parametrize("tower", ["visual words", "frozen", "trained"])
def test_vectors_of_prepared_images_are_those_of_the_images(train, tmp_path, monkeypatch, tower):
    values = VALUES
    if tower != "visual words":
        values = VALUES | {"image": {
            "kind": "transformer", "model": vision_encoder(tmp_path / "eye"), "revision": None,
            "pooling": "published", "trained": tower == "trained", "head": True,
        }}  # fmt: skip
    encoder = tmp_path / "encoder"
    drawn = [image for _, image in render(PASSAGES, face_for(train["font"], "en"), "en")]
    prepare(values, {}, encoder, drawn)
    assemble(values, Path(text_tower(tmp_path / "texts")), encoder, tmp_path / "towers")
    start(values, tmp_path / "towers", seed=1).model.save(str(tmp_path / "model"))
    files = {name: str(tmp_path / f"{name}.parquet") for name in ("queries", "candidates")}
    write_table(files["queries"], pa.table({"text": ["what owl is 3?", "the duck"]}), OF)
    write_table(files["candidates"], pa.table({"image": drawn}), OF)
    job = SimpleNamespace(
        input=Named(encoder=str(encoder), candidates=files["candidates"]),
        output=[str(tmp_path / "seen.safetensors")],
        params=SimpleNamespace(encoder=values, of=OF), resources=SimpleNamespace(gpu=0),
    )  # fmt: skip
    leased = []
    monkeypatch.setattr("hybridbatch.runtime.gpus.lease_gpu", lambda: leased.append(1))
    script("prepare_candidates").main(job)
    assert len(leased) == (tower == "frozen")
    job.input = Named(
        model=str(tmp_path / "model"), queries=files["queries"], candidates=job.output[0]
    )
    job.output = [str(tmp_path / "vectors.safetensors")]
    script("encode_rendered").main(job)
    found, keys = read_tensors(job.output[0])
    encode = load(values, tmp_path / "model")
    assert keys == OF
    asked = encode(QUERY, TEXT, ["what owl is 3?", "the duck"])
    np.testing.assert_allclose(found["queries"], asked, atol=1e-7)
    np.testing.assert_allclose(found["candidates"], encode(CANDIDATE, IMAGE, drawn), atol=1e-6)


def test_texts_are_no_images(train, tmp_path):
    candidates = str(tmp_path / "candidates.parquet")
    write_table(candidates, pa.table({"text": ["an owl"]}), OF)
    job = SimpleNamespace(
        input=Named(encoder=str(prepared(train, tmp_path / "encoder")), candidates=candidates),
        output=[str(tmp_path / "seen.safetensors")],
        params=SimpleNamespace(encoder=VALUES, of=OF), resources=SimpleNamespace(gpu=0),
    )  # fmt: skip
    with pytest.raises(DataError, match="of modality 'text'"):
        script("prepare_candidates").main(job)
    assert not Path(job.output[0]).exists()


def test_a_job_that_waits_for_another_writer_holds_no_gpu(train, tmp_path, monkeypatch, caplog):
    job, used = training(train, tmp_path, 5, gpu=1), []
    monkeypatch.setattr("hybridbatch.training.job.lease_gpu", lambda: used.append("lease"))
    monkeypatch.setattr(
        "hybridbatch.encoders.devices.best_device", lambda: used.append("device") or "cpu"
    )
    caplog.set_level("WARNING", "hybridbatch")
    waiting = Thread(target=script("finetune_rendered").main, args=(job,))
    with working(Path(job.params.checkpoints), "other", tmp_path / "other"):
        waiting.start()
        ends = time.monotonic() + 60
        while "model: waiting for" not in caplog.text and time.monotonic() < ends:
            time.sleep(0.05)
        assert "model: waiting for" in caplog.text
        assert used == []
    waiting.join(60)
    assert (tmp_path / "model" / "run.json").is_file()
    assert used[0] == "lease"
    assert set(used[1:]) == {"device"}
