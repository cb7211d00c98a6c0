"""Pretrained image towers through the rules: tiny random models of the real architectures."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from checkout import ROOT, Checkout
from test_image_training import INSTALLED, SMALL, with_tower  # noqa: F401

from hybridbatch.data.captions import read_images
from hybridbatch.data.images import decoded
from hybridbatch.encoders.captions import ImageInputs
from hybridbatch.runtime.files import read_table, read_tensors

sys.path.append(str(ROOT / "tests" / "unit"))
KINDS = ("clip", "siglip", "blip")
DIMENSION = 8


def by_library(kind: str, model, folder: Path, images: list[bytes]) -> np.ndarray:
    """The library's own vectors of images, before they are normalised."""
    import torch
    from transformers import AutoImageProcessor

    processor = AutoImageProcessor.from_pretrained(folder)
    pixels = processor([decoded(image, "here") for image in images], return_tensors="pt")
    with torch.inference_mode():
        if kind == "blip":
            hidden = model.vision_model(pixels["pixel_values"]).last_hidden_state
            return model.vision_proj(hidden[:, 0]).numpy()
        return model.get_image_features(pixels["pixel_values"]).pooler_output.numpy()


def configuration(kind: str) -> dict:
    """The encoder of one kind is run; those of the others have no files."""
    image = {"kind": "transformer", "pooling": "published", "trained": False, "head": True}
    text = {"kind": "system", "encoder": "static", "trained": False, "head": True, "max_tokens": 64}
    encoders = {
        name: {
            "kind": "text_image",
            "dimension": DIMENSION,
            "text": text,
            "image": {**image, "model": f"weights/{name}"},
        }
        for name in KINDS
    }
    section = {**SMALL["image_text"], "encoder": kind, "captions": ["en-en"], "control": False}
    section["not_run"] = [name for name in KINDS if name != kind]
    return {
        "image_text": section,
        "samplings": ["hybrid"],
        "catalogue": {"encoders": encoders, "benchmarks": SMALL["catalogue"]["benchmarks"]},
    }


@pytest.mark.slow
@pytest.mark.skipif(not INSTALLED, reason="CLDR and the font of emoji are not installed")
def test_vectors_are_the_library_s_own_after_the_workflow(with_tower: Checkout):  # noqa: F811
    from pictures import whole

    path, made = with_tower.path, "results/small/image_text"
    table = "results/small/tables/image_text.csv"
    for kind in KINDS:
        model = whole(path / "weights" / kind, kind)
        (path / f"{kind}.yaml").write_text(yaml.safe_dump(configuration(kind)))
        ranked = f"{made}/embeddings/emoji/hybrid_en-en/split0.safetensors"
        wanted = [ranked, table] if kind == KINDS[0] else [ranked]
        options = ("--configfile", "small.yaml", f"{kind}.yaml", "--", *wanted)
        with_tower.snakemake(*options, libraries=["sentence_transformers"])

        tested = read_table(path / f"{made}/collections/emoji/split0/images.parquet")
        ids = tested["image_id"].to_pylist()
        files = dict(read_images(path / "results/small/images/emoji/images.parquet"))
        expected = by_library(kind, model, path / "weights" / kind, [files[id_] for id_ in ids])
        assert np.abs(expected).max() > 1e-2  # which 1e-5 is small beside
        inputs, _ = ImageInputs.load(path / f"{made}/inputs/emoji.safetensors")
        np.testing.assert_allclose(inputs.of(ids).values, expected, atol=1e-5)

        # What the trained head makes of the library's vectors are the vectors that are ranked.
        folder = path / f"{made}/models/hybrid_en-en/split0/seed0"
        # The published projection, where a module of its own has it, stands before the head.
        head = max(folder.glob("document_*_Dense/model.safetensors"))
        weights = read_tensors(head)[0]["linear.weight"]
        assert weights.shape == (DIMENSION, expected.shape[1])
        projected = expected @ weights.T
        projected /= np.linalg.norm(projected, axis=1, keepdims=True)
        found = read_tensors(path / ranked)[0]["images0"]
        np.testing.assert_allclose(found, projected, atol=1e-5)

    scores = pd.read_csv(path / table)
    ours = scores[(scores["captions"] == "en-en") & scores["versus"].isna()]
    assert ours["value"].notna().all()
    others = scores[scores["captions"] == "not run"]
    assert set(others["tower"]) == set(KINDS[1:])
    assert set(others["setting"]) == {"text-to-image", "image-to-text"}
    assert set(others["verdict"]) == {"not run"}
    assert others["value"].isna().all()
