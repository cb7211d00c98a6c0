"""An image tower that learns to read rendered passages, in the space of a frozen text tower."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from fonts import LATIN, letters
from safetensors.numpy import load_file
from trainings import SHORT
from trainings import cpu as cpu

from hybridbatch.data.fonts import Face
from hybridbatch.data.rendering import Rendered, render, renderer
from hybridbatch.encoders import rendered, static
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.inference import load
from hybridbatch.encoders.inputs import Dense
from hybridbatch.encoders.pairs import PairInputs, pair_inputs
from hybridbatch.encoders.rendered_passages import PassageImages, as_pairs, passage_images
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.training.data import TrainingCorpus, validation_batches
from hybridbatch.training.job import TrainingJob
from hybridbatch.training.loop import finetune

TEXTS = {"kind": "static", "dimension": 16, "vocabulary": 150, "tokenizer_characters": 10**5}
TEXTS |= {"max_tokens": 32, "query_prefix": "Query: ", "passage_prefix": "Passage: "}
TABLE = {"kind": "visual_words", "codebook": 12, "ngrams": 2, "rows": 400, "dimension": 16}
VALUES = {"kind": "rendered", "text": "static", "dimension": 16, "max_tokens": 32, "image": TABLE}
WORDS = [
    "owl",
    "duck",
    "swan",
    "crow",
    "rook",
    "wren",
    "kite",
    "hawk",
    "gull",
    "tern",
    "lark",
    "jay",
]
LOSS = {"directions": "queries", "temperature": "fixed", "contrastive": 1.0, "distillation": 0.0}
TAUGHT = LOSS | {"contrastive": 0.0, "distillation": 1.0, "student": "candidate"}


@pytest.fixture(scope="module")
def face(tmp_path_factory) -> Face:
    return Face(str(letters(tmp_path_factory.mktemp("font") / "font.ttf", LATIN)))


def table(language: str) -> pa.Table:
    """Pairs of one language; one has a negative, and one its own passage as such."""
    ending = "" if language == "en" else "o"
    rows = []
    for number, word in enumerate(WORDS * 2):
        other = WORDS[(number + 1) % len(WORDS)]
        passage = f"the {word}{ending} and the {other}{ending} {number // len(WORDS)}"
        rows.append(
            {"id": f"p{number}", "question": f"what {word}{ending} is {number}?",
             "passage": passage, "negative": None}
        )  # fmt: skip
    rows[3]["negative"] = "no bird at all"
    rows[4]["negative"] = rows[4]["passage"]
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> Path:
    """A static system of random weights."""
    folder = tmp_path_factory.mktemp("static")
    texts = [t for c in ("en", "es") for t in table(c)["passage"].to_pylist() * 5]
    static.prepare(TEXTS, {"xx": texts}, folder)
    static.start(TEXTS, folder, seed=3).model.save(str(folder / "model"))
    return folder / "model"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, face) -> Path:
    """The image tower before training."""
    folder = tmp_path_factory.mktemp("prepared")
    texts = dict(enumerate(table("en")["question"].to_pylist()))
    images = [image for _, image in render({str(i): t for i, t in texts.items()}, face, "en")]
    rendered.prepare(VALUES, {}, folder, images)
    return folder


def tokens_of(system: Path, language: str) -> PairInputs:
    return pair_inputs(static.inputs(TEXTS, system), table(language), table(language))


def images_of(prepared: Path, face: Face, language: str) -> PassageImages:
    make = rendered.inputs(VALUES, prepared)
    return passage_images(make, renderer(face, language), table(language))


def towers_of(system: Path, prepared: Path, folder: Path, values: dict[str, Any] = VALUES) -> Path:
    rendered.assemble(values, system, prepared, folder)
    return folder


def test_each_distinct_passage_is_drawn_once_under_the_name_of_its_pair(prepared, face, tmp_path):
    rows = [("a", "owl", None), ("b", "duck", "owl"), ("c", "owl", "swan"), ("d", "日", None)]
    train = pa.table(list(zip(*rows, strict=True)), names=["id", "passage", "negative"])
    found = Rendered()
    make, seen = rendered.inputs(VALUES, prepared), []

    def draw(texts):
        seen.append(dict(texts))
        return renderer(face, "en", found=found)(texts)

    images = passage_images(make, draw, train)
    (texts,) = seen
    named = {"a": "owl", "b": "duck", "d": "日", "c (negative)": "swan"}
    assert list(texts.items()) == list(named.items())
    assert images.passages.tolist() == [0, 1, 0, 2]
    assert images.negatives.tolist() == [-1, 0, 3, -1]
    assert found.missing == {"d": "日"}
    strips = [image for _, image in render(texts, face, "en")]
    alone = make(CANDIDATE, IMAGE, strips)
    assert np.array_equal(images.images.ids, alone.ids)
    assert np.array_equal(images.images.bounds, alone.bounds)
    images.save(tmp_path / "images.safetensors", {"language": "en"})
    again, keys = PassageImages.load(tmp_path / "images.safetensors")
    assert keys == {"language": "en"}
    assert np.array_equal(again.passages, images.passages)
    assert np.array_equal(again.images.ids, images.images.ids)


def test_pairs_have_vectors_of_the_text_tower_and_images(system, prepared, face, tmp_path):
    texts, images = tokens_of(system, "en"), images_of(prepared, face, "en")
    teach = rendered.teacher(towers_of(system, prepared, tmp_path / "towers"))
    encode, rows = static.load(TEXTS, system), np.arange(len(table("en")))
    pairs = as_pairs(texts, images, teach, taught=True)
    questions, passages = (table("en")[name].to_pylist() for name in ("question", "passage"))
    close = {"atol": 1e-6, "rtol": 0}
    np.testing.assert_allclose(
        pairs.queries.take(rows).values, encode(QUERY, TEXT, questions), **close
    )
    np.testing.assert_allclose(
        pairs.targets.take(rows).values, encode(CANDIDATE, TEXT, passages), **close
    )
    make = rendered.inputs(VALUES, prepared)
    strips = [image for _, image in render(dict(enumerate(passages)), face, "en")]
    assert np.array_equal(pairs.passages.take(rows).ids, make(CANDIDATE, IMAGE, strips).ids)
    # The fourth pair has a negative; that of the fifth is its own passage.
    assert np.flatnonzero(pairs.negatives.lengths()).tolist() == [3]
    strips = [image for _, image in render({"n": "no bird at all"}, face, "en")]
    alone = make(CANDIDATE, IMAGE, strips)
    assert np.array_equal(pairs.negatives.take(np.array([3])).ids, alone.ids)
    assert pairs.negatives.distinct.ids is images.images.ids  # not copied
    assert as_pairs(texts, images, teach, taught=False).targets is None
    assert pairs.question_keys is texts.question_keys


def test_token_ids_and_images_of_different_versions_are_refused(system, prepared, face, tmp_path):
    teach = rendered.teacher(towers_of(system, prepared, tmp_path / "towers"))
    images = images_of(prepared, face, "en")
    fewer = replace(images, passages=images.passages[1:], negatives=images.negatives[1:])
    with pytest.raises(DataError, match="24 pairs have token ids, and 23 have images"):
        as_pairs(tokens_of(system, "en"), fewer, teach, taught=False)


def test_negatives_are_of_the_kind_of_the_passages_in_every_language(
    system, prepared, face, tmp_path
):
    """A batch has pairs of several languages; in Spanish, here, none has a hard negative."""
    teach = rendered.teacher(towers_of(system, prepared, tmp_path / "towers"))
    images = {code: images_of(prepared, face, code) for code in ("en", "es")}
    none = np.full_like(images["es"].negatives, -1)
    images["es"] = replace(images["es"], negatives=none)
    rows, languages = np.array([4, 3, 3]), np.array([0, 0, 1])
    # Of a frozen tower, its vectors.
    vectors = {
        code: replace(of, images=Dense(np.arange(4.0 * len(of.images)).reshape(-1, 4)))
        for code, of in images.items()
    }
    for of in (images, vectors):
        pairs = {c: as_pairs(tokens_of(system, c), of[c], teach, taught=False) for c in of}
        corpus = TrainingCorpus("birds", pairs, modality=IMAGE, in_language=True)
        found = corpus.negatives(rows, languages)
        assert type(found) is type(corpus.passages(rows, languages))
        present = np.flatnonzero(found.lengths())
        assert present.tolist() == [1]
        expected = of["en"].images.take(of["en"].negatives[3:4])
        for name, array in found.take(present).arrays().items():
            if name != "present":
                assert np.array_equal(array, expected.arrays()[name]), name


def test_validation_is_of_english_images_beside_the_vectors_of_their_english_texts(
    system, prepared, face, tmp_path
):
    teach = rendered.teacher(towers_of(system, prepared, tmp_path / "towers"))
    pairs = {
        code: as_pairs(tokens_of(system, code), images_of(prepared, face, code), teach, taught=True)
        for code in ("es", "en")
    }
    corpus = TrainingCorpus("birds", pairs, modality=IMAGE, in_language=True)

    def triples(queries, passages, targets) -> list[tuple[bytes, ...]]:
        images = [passages.take(np.array([n])).ids for n in range(len(queries))]
        columns = (queries.values, images, targets.values)
        return [tuple(part.tobytes() for part in row) for row in zip(*columns, strict=True)]

    rows = np.arange(len(table("en")))
    english, spanish = (
        {*triples(*(side.take(rows) for side in (of.queries, of.passages, of.targets)))}
        for of in (pairs["en"], pairs["es"])
    )
    assert not english & spanish
    for batch in validation_batches([corpus], 8):
        assert {*triples(*batch)} <= english


def test_towers_of_another_dimension_are_refused(system, prepared, tmp_path):
    with pytest.raises(ConfigError, match="text: the tower's vectors have 16 dimensions"):
        towers_of(system, prepared, tmp_path / "towers", VALUES | {"dimension": 8})


def train(values, system, prepared, face, folder: Path, **changes) -> tuple[Path, Path]:
    """A model of two languages, and the towers that it started from."""
    towers = towers_of(system, prepared, folder / "towers")
    config = replace(SHORT, max_steps=60, **changes)
    teach = rendered.teacher(towers)
    taught = bool(config.loss["distillation"])

    def corpus(name: str, languages: list[str]) -> TrainingCorpus:
        found = {
            code: as_pairs(tokens_of(system, code), images_of(prepared, face, code), teach, taught)
            for code in languages
        }
        return TrainingCorpus(name, found, modality=IMAGE, in_language=True)

    job = TrainingJob(config, values, 0, folder / "model", folder / "checkpoints")
    finetune(job, towers, [corpus("birds", ["en", "es"])], [corpus("birds", ["en"])])
    return folder / "model", towers


@pytest.mark.parametrize("loss", [LOSS, TAUGHT, LOSS | TAUGHT | {"contrastive": 1.0}])
def test_it_learns_to_read_and_leaves_the_text_tower_as_it_was(
    loss, system, prepared, face, tmp_path
):
    model, towers = train(VALUES, system, prepared, face, tmp_path, loss=loss)
    encode, text = load(VALUES, model), static.load(TEXTS, system)
    questions, passages = (table("en")[name].to_pylist() for name in ("question", "passage"))
    asked = text(QUERY, TEXT, questions)
    np.testing.assert_allclose(encode(QUERY, TEXT, questions), asked, atol=1e-6)
    strips = [i for _, i in render(dict(enumerate(passages)), face, "en")]
    teacher = text(CANDIDATE, TEXT, passages)
    before, after = (load(VALUES, folder)(CANDIDATE, IMAGE, strips) for folder in (towers, model))
    if loss["distillation"]:
        alike = [(vectors * teacher).sum(axis=1).mean() for vectors in (before, after)]
        assert alike[1] > alike[0] + 0.3
    rows = [json.loads(line) for line in (model / "training.jsonl").read_text().splitlines()]
    assert np.mean([row["loss"] for row in rows[-10:]]) < 0.8 * rows[0]["loss"]
    # Questions and images are in different languages where a batch is cross-lingual.
    assert {row["kind"] for row in rows} == {"x-x-mono", "x-y"}
    assert all(row["passage_languages"] for row in rows)
    for name in ("query_0_StaticEmbedding", "document_0_VisualWords"):
        (file,) = (model / name).glob("*.safetensors")
        a, b = load_file(file), load_file(towers / file.relative_to(model))
        same = {key: np.array_equal(a[key], b[key]) for key in a}
        assert all(same.values()) == name.startswith("query"), same
    counts = json.loads((model / "run.json").read_text())["parameters"]
    assert counts["trained"] == 400 * 16
