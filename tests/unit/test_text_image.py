"""Two towers: their vectors are the library's own, and those of the saved SentenceTransformer."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pictures import POSITIONS, SIZE, WORDS, drawing, drawings, in_spanish, png, whole
from PIL import Image
from pretrained import tiny_bert
from sentence_transformers import SentenceTransformer
from transformers import (
    AutoImageProcessor,
    AutoTokenizer,
    ConvNextConfig,
    ConvNextImageProcessorPil,
    ConvNextModel,
    Dinov2Config,
    Dinov2Model,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTImageProcessorPil,
    ViTModel,
)

from hybridbatch.data.images import decoded
from hybridbatch.encoders import image_towers, static, text_image
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.inference import load
from hybridbatch.encoders.inputs import Dense, Ragged
from hybridbatch.runtime.errors import ConfigError, DataError

Values = dict[str, Any]
TEXTS = [
    "a red square",
    "un círculo azul",
    "bar",
    "a cross a cross purple black orange a green bar",
]
IMAGES = [drawing("red", "square"), drawing("blue", "circle", 70), drawing("black", "bar", 20),
          png(Image.effect_noise((90, 41), 80).convert("RGB"))]  # fmt: skip
CNN = {"kind": "cnn", "size": 32, "widths": [8, 16]}
WORD_TABLE = {"kind": "visual_words", "codebook": 8, "ngrams": 2, "rows": 64, "dimension": 16}


def text(model: Path, **changes) -> Values:
    """The catalogue's `text` of a frozen tower without a head."""
    values = {"model": str(model), "pooling": "published", "max_tokens": POSITIONS}
    return values | {"trained": False, "head": False} | changes


def vision(model: Path, **changes) -> Values:
    values = {"kind": "transformer", "model": str(model), "pooling": "published"}
    return values | {"trained": False, "head": False} | changes


def entry(dimension: int, text: Values, image: Values) -> Values:
    return {"kind": "text_image", "dimension": dimension, "text": text, "image": image}


def prepared(values: Values, folder: Path, images: list[bytes] = ()) -> Path:
    folder.mkdir()
    text_image.prepare(values, {}, folder, images)
    return folder


def both(values: Values, model: Path) -> list[np.ndarray]:
    """Vectors of TEXTS and IMAGES."""
    encode = load(values, model)
    return [encode(QUERY, TEXT, TEXTS), encode(CANDIDATE, IMAGE, IMAGES)]


def unit(vectors: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(vectors, dim=-1).numpy()


def shown(images: list[bytes]) -> list[Image.Image]:
    return [decoded(image, "here") for image in images]


def by_library(kind: str, model: torch.nn.Module, folder: Path) -> list[torch.Tensor]:
    """The library's own projected vectors of TEXTS and IMAGES, one text at a time."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    processor = AutoImageProcessor.from_pretrained(folder)
    padding = "max_length" if kind == "siglip" else False
    texts = [tokenizer([t], padding=padding, truncation=True, return_tensors="pt") for t in TEXTS]
    pixels = processor(shown(IMAGES), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        if kind == "blip":
            hidden = [model.text_encoder(**one).last_hidden_state for one in texts]
            images = model.vision_model(pixels).last_hidden_state
            vectors = [model.text_proj(one[:, 0]) for one in hidden]
            return [torch.cat(vectors), model.vision_proj(images[:, 0])]
        of_texts = [model.get_text_features(**one).pooler_output for one in texts]
        return [torch.cat(of_texts), model.get_image_features(pixels).pooler_output]


@pytest.fixture(scope="module")
def static_system(tmp_path_factory) -> Path:
    """A trained system as the tables have it: a static encoder's folder."""
    folder = tmp_path_factory.mktemp("static")
    values = {"kind": "static", "dimension": 16, "vocabulary": 120, "tokenizer_characters": 10**5}
    values |= {"max_tokens": 32, "query_prefix": "Query: ", "passage_prefix": "Passage: "}
    texts = [*drawings(), *map(in_spanish, drawings()), "Query: Passage: un a"] * 10
    static.prepare(values, {"xx": texts}, folder)
    static.start(values, folder, seed=3).model.save(str(folder / "model"))
    return folder / "model"


@pytest.mark.parametrize("kind", ["clip", "siglip", "blip"])
def test_towers_give_the_library_s_vectors(kind, tmp_path):
    model = whole(tmp_path / "whole", kind)
    expected = by_library(kind, model, tmp_path / "whole")
    dimension = expected[0].shape[1]
    values = entry(dimension, text(tmp_path / "whole"), vision(tmp_path / "whole"))
    folder = prepared(values, tmp_path / "prepared")
    make = text_image.inputs(values, folder)
    for side, modality, items, vectors in (
        (QUERY, TEXT, TEXTS, expected[0]),
        (CANDIDATE, IMAGE, IMAGES, expected[1]),
    ):
        found = make(side, modality, items)
        assert isinstance(found, Dense)
        np.testing.assert_allclose(found.values, vectors.numpy(), atol=1e-5)
        assert np.abs(vectors.numpy()).max() > 1e-2  # which 1e-5 is small beside
    for found, vectors in zip(both(values, folder), expected, strict=True):
        np.testing.assert_allclose(found, unit(vectors), atol=1e-5)
    theirs = SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_allclose(theirs.encode_query(TEXTS), unit(expected[0]), atol=1e-5)
    np.testing.assert_allclose(theirs.encode_document(shown(IMAGES)), unit(expected[1]), atol=1e-5)


@pytest.mark.parametrize("kind", ["clip", "siglip", "blip"])
def test_the_same_files_prepare_the_same_bytes(kind, tmp_path):
    """BLIP's text tower has a pooler without weights, which nothing uses."""
    whole(tmp_path / "whole", kind)
    changes = {"trained": True, "head": True}
    values = entry(8, text(tmp_path / "whole", **changes), vision(tmp_path / "whole", **changes))
    found = []
    for name in ("a", "b"):
        torch.manual_seed(len(found))
        folder = prepared(values, tmp_path / name)
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        found.append({p.relative_to(folder): p.read_bytes() for p in files})
    assert found[0] == found[1]


def test_a_blip_without_retrieval_weights_is_refused(tmp_path):
    from transformers import BlipForConditionalGeneration

    retrieval = whole(tmp_path / "whole", "blip")
    captioning = BlipForConditionalGeneration(retrieval.config)
    captioning.save_pretrained(tmp_path / "whole")
    values = entry(12, text(tmp_path / "whole"), vision(tmp_path / "whole"))
    with pytest.raises(ConfigError, match=r"has no weights of text_.*BlipForImageTextRetrieval"):
        prepared(values, tmp_path / "prepared")


def _vit(folder: Path) -> torch.nn.Module:
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = ViTModel(ViTConfig(**size, intermediate_size=32, image_size=SIZE, patch_size=8))
    ViTImageProcessorPil(size={"height": SIZE, "width": SIZE}).save_pretrained(folder)
    return model


def _dinov2(folder: Path) -> torch.nn.Module:
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    ViTImageProcessorPil(size={"height": SIZE, "width": SIZE}).save_pretrained(folder)
    return Dinov2Model(Dinov2Config(**size, image_size=SIZE, patch_size=8))


def _convnext(folder: Path) -> torch.nn.Module:
    ConvNextImageProcessorPil(size={"shortest_edge": SIZE}).save_pretrained(folder)
    return ConvNextModel(ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2))


def _resnet(folder: Path) -> torch.nn.Module:
    ConvNextImageProcessorPil(size={"shortest_edge": SIZE}).save_pretrained(folder)
    return ResNetModel(
        ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    )


@pytest.mark.parametrize(
    ("made", "pooling", "by_hand"),
    [
        (_vit, "published", lambda found: found.pooler_output),
        (_vit, "cls", lambda found: found.last_hidden_state[:, 0]),
        (_vit, "mean", lambda found: found.last_hidden_state.mean(1)),
        (_dinov2, "published", lambda found: found.pooler_output),
        (_convnext, "published", lambda found: found.pooler_output),
        (_resnet, "mean", lambda found: found.pooler_output[:, :, 0, 0]),
    ],
)
def test_any_vision_model_is_a_tower(made, pooling, by_hand, static_system, tmp_path):
    torch.manual_seed(1)
    model = made(tmp_path / "vision").eval()
    model.save_pretrained(tmp_path / "vision")
    pixels = AutoImageProcessor.from_pretrained(tmp_path / "vision")(
        shown(IMAGES), return_tensors="pt"
    )
    with torch.inference_mode():
        expected = unit(by_hand(model(**pixels)))
    values = entry(16, text(static_system), vision(tmp_path / "vision", pooling=pooling))
    folder = prepared(values, tmp_path / "prepared")
    np.testing.assert_allclose(both(values, folder)[1], expected, atol=1e-5)
    theirs = SentenceTransformer(str(folder), device="cpu")
    np.testing.assert_allclose(theirs.encode_document(shown(IMAGES)), expected, atol=1e-5)


def test_a_vision_model_without_a_pooled_vector_says_so(static_system, tmp_path):
    _resnet(tmp_path / "vision").save_pretrained(tmp_path / "vision")
    with pytest.raises(ConfigError, match="set `pooling: mean`"):
        prepared(entry(16, text(static_system), vision(tmp_path / "vision")), tmp_path / "prepared")


def test_a_trained_system_is_a_text_tower_with_its_own_prefix(static_system, tmp_path):
    values = entry(16, text(static_system, max_tokens=32), CNN)
    folder = prepared(values, tmp_path / "prepared")
    expected = SentenceTransformer(str(static_system), device="cpu").encode(
        TEXTS, prompt_name="query"
    )
    np.testing.assert_allclose(both(values, folder)[0], expected, atol=1e-5)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_hugging_face_encoder_is_a_text_tower(pooling, tmp_path):
    bert = tiny_bert(tmp_path / "bert", [*WORDS, "query: a"] * 20, 60)
    values = entry(32, text(bert, pooling=pooling, prefix="query: "), CNN)
    folder = prepared(values, tmp_path / "prepared")
    found = both(values, folder)[0]
    tokenizer = AutoTokenizer.from_pretrained(bert)
    hidden = []
    from transformers import BertModel

    model = BertModel.from_pretrained(bert).eval()
    for one in TEXTS:
        tokens = tokenizer(
            ["query: " + one], return_tensors="pt", truncation=True, max_length=POSITIONS
        )
        with torch.inference_mode():
            hidden.append(model(**tokens).last_hidden_state[0])
    by_hand = [h.mean(0) if pooling == "mean" else h[0] for h in hidden]
    np.testing.assert_allclose(found, unit(torch.stack(by_hand)), atol=1e-5)


@pytest.mark.parametrize(
    ("image", "head"), [(CNN, True), (WORD_TABLE, False)], ids=["cnn", "visual_words"]
)
def test_towers_of_random_weights_depend_on_the_seed_alone(image, head, static_system, tmp_path):
    values = entry(16, text(static_system, head=True), image)
    folder = prepared(values, tmp_path / "prepared", IMAGES)
    saved = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        text_image.start(values, folder, seed).model.save(
            str(tmp_path / name), create_model_card=False
        )
        files = sorted(p for p in (tmp_path / name).rglob("*") if p.is_file())
        saved.append({p.relative_to(tmp_path / name): p.read_bytes() for p in files})
    assert saved[0] == saved[1] != saved[2]
    assert head == any("document_2_Dense" in str(path) for path in saved[0])


def started(values: Values, tmp_path: Path) -> tuple[text_image.TextImage, Path, Path]:
    """An encoder at its start, its prepared folder and its saved model."""
    folder = prepared(values, tmp_path / "prepared", IMAGES)
    encoder = text_image.start(values, folder, seed=0)
    encoder.model.eval().save(str(tmp_path / "model"), create_model_card=False)
    return encoder, folder, tmp_path / "model"


@pytest.mark.parametrize("trained", [False, True])
@pytest.mark.parametrize("kind", ["clip", "siglip", "blip", "cnn", "visual_words"])
def test_what_is_trained_is_what_is_saved(kind, trained, static_system, tmp_path):
    """Embeddings in training, the saved model's, and SentenceTransformer's are the same."""
    if kind in ("cnn", "visual_words"):
        image = {"cnn": CNN, "visual_words": WORD_TABLE}[kind]
        values = entry(16, text(static_system, trained=trained), image)
    else:
        whole(tmp_path / "whole", kind)
        changes = {"trained": trained, "head": True}
        values = entry(
            7, text(tmp_path / "whole", **changes), vision(tmp_path / "whole", **changes)
        )
    encoder, folder, model = started(values, tmp_path)
    make = text_image.inputs(values, folder)
    with torch.no_grad():
        ours = [
            encoder.embed(side, modality, make(side, modality, items)).numpy()
            for side, modality, items in ((QUERY, TEXT, TEXTS), (CANDIDATE, IMAGE, IMAGES))
        ]
    for found, expected in zip(ours, both(values, model), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-5)
    if kind == "visual_words":
        theirs = text_image.saved_model(model, "cpu")
    else:
        theirs = SentenceTransformer(str(model), device="cpu")
    np.testing.assert_allclose(ours[0], theirs.encode_query(TEXTS), atol=1e-5)
    np.testing.assert_allclose(ours[1], theirs.encode_document(shown(IMAGES)), atol=1e-5)


def test_inputs_are_small_where_a_tower_is_trained(static_system, tmp_path):
    whole(tmp_path / "whole", "clip")
    trained = {"trained": True, "head": True}
    for number, (image, kind, dtype) in enumerate(
        [(CNN, Dense, np.uint8), (vision(tmp_path / "whole", **trained), Ragged, np.uint8)]
    ):
        values = entry(16, text(static_system), image)
        folder = prepared(values, tmp_path / str(number))
        found = text_image.inputs(values, folder)(CANDIDATE, IMAGE, iter(IMAGES))
        assert isinstance(found, kind)
        assert len(found) == len(IMAGES)
        assert next(iter(found.arrays().values())).dtype == dtype
    assert [row.ids.tobytes() for row in (found.take(np.array([i])) for i in range(4))] == IMAGES


def test_a_tower_of_another_dimension_needs_a_head(static_system, tmp_path):
    with pytest.raises(ConfigError, match=r"text: the tower's vectors have 16 dimensions.* 12"):
        prepared(entry(12, text(static_system), CNN), tmp_path / "prepared")


def test_only_our_own_module_is_imported(static_system, tmp_path):
    folder = prepared(entry(16, text(static_system), CNN), tmp_path / "prepared")
    config = folder / "router_config.json"
    values = json.loads(config.read_text())
    values["types"]["query_1_Normalize"] = "os.path.Evil"
    config.write_text(json.dumps(values))
    with pytest.raises(DataError, match=r"modules of other packages: \['os.path.Evil'\]"):
        load(entry(16, text(static_system), CNN), folder)


def test_the_wrong_modality_is_refused(static_system, tmp_path):
    values = entry(16, text(static_system), CNN)
    encode = load(values, prepared(values, tmp_path / "prepared"))
    with pytest.raises(DataError, match=r"embeds a candidate that is image.*'text'"):
        encode(CANDIDATE, TEXT, TEXTS)
    with pytest.raises(DataError, match=r"embeds a query that is text.*'image'"):
        encode(QUERY, IMAGE, IMAGES)


@pytest.mark.parametrize("image", [CNN, WORD_TABLE], ids=["cnn", "visual_words"])
def test_what_a_card_says_loads_the_model(image, static_system, tmp_path, capsys):
    """A model of library modules loads in a process that does not have this package."""
    values = entry(16, text(static_system), image)
    _, _, model = started(values, tmp_path)
    program = text_image.how_to_load(values, str(model)) + "\nprint(scores.shape)\n"
    assert ("put workflow/scripts on the" in program) == (image is WORD_TABLE)
    if image is WORD_TABLE:
        exec(compile(program, "the card", "exec"), {})
        assert capsys.readouterr().out.endswith("torch.Size([1, 1])\n")
        with pytest.raises(ValueError, match="trust_remote_code=True"):
            SentenceTransformer(str(model), device="cpu")
        return
    run = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert run.stdout.endswith("torch.Size([1, 1])\n"), run.stderr


def test_images_stream_in_batches_of_bounded_size(monkeypatch):
    """At no time are more images read than those of one batch, and a large one closes its batch."""
    read = []

    def images():
        for number in range(10):
            read.append(number)
            yield png(Image.new("RGB", (100 if number == 3 else 10, 10), "red"))

    monkeypatch.setattr(image_towers, "_IMAGES", 4)
    monkeypatch.setattr(image_towers, "_PIXELS", 1000)
    sizes = []
    for batch in image_towers.batches(images()):
        sizes.append(len(batch))
        assert len(read) == sum(sizes)
    assert sizes == [4, 4, 2]
    monkeypatch.setattr(image_towers, "_PIXELS", 450)
    assert [len(batch) for batch in image_towers.batches(images())] == [4, 4, 2]
    monkeypatch.setattr(image_towers, "_PIXELS", 300)
    assert [len(batch) for batch in image_towers.batches(images())] == [3, 1, 3, 3]
    with pytest.raises(DataError, match="image 1: "):
        list(image_towers.batches([IMAGES[0], IMAGES[1][:50]]))


@pytest.mark.parametrize("image", ["cnn", "words", "frozen", "trained"])
def test_vectors_of_inputs_are_those_of_the_images(image, static_system, tmp_path):
    """What was computed once for all models, and a head, or a network of its own, on it."""
    whole(tmp_path / "clip", "clip")
    image = {
        "cnn": CNN,
        "words": WORD_TABLE,
        "frozen": vision(tmp_path / "clip", head=True),
        "trained": vision(tmp_path / "clip", head=True, trained=True),
    }[image]
    values = entry(16, text(static_system, head=True), image)
    folder = prepared(values, tmp_path / "encoder", IMAGES)
    inputs = text_image.inputs(values, folder)(CANDIDATE, IMAGE, iter(IMAGES * 40))
    text_image.start(values, folder, 2).model.save(str(tmp_path / "model"))
    vectors = text_image.load_towers(values, tmp_path / "model")[1](inputs)
    expected = load(values, tmp_path / "model")(CANDIDATE, IMAGE, IMAGES * 40)
    assert np.abs(vectors - expected).max() < 1e-5
