"""Trained systems of other kinds than `static` as text towers: a transformer, and one with LoRA."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pretrained import MAX_TOKENS, TEXTS, Values, prepared, tiny_transformer, transformer_values
from safetensors import safe_open
from sentence_transformers import SentenceTransformer
from trainings import SHORT, train
from trainings import cpu as cpu

from hybridbatch.encoders import adapters, text_image
from hybridbatch.encoders import transformer as pretrained
from hybridbatch.encoders.base import PROMPTS, QUERY, TEXT
from hybridbatch.encoders.inference import load

LORA = {"kind": "lora", "budget": 8, "schedule": "rising", "scale": 2.0}
CNN = {"kind": "cnn", "size": 32, "widths": [8, 16]}
WIDTH = 32  # dimensions of the tiny transformer


@pytest.fixture(scope="module", params=["transformer", "lora"])
def trained(request, tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A trained system's folder, and its vectors of TEXTS as queries by SentenceTransformer."""
    folder = tmp_path_factory.mktemp(request.param)
    values = transformer_values(tiny_transformer(folder / "source"))
    encoder = prepared(pretrained, values, folder / "encoder")
    trainable = LORA if request.param == "lora" else None
    config = replace(SHORT, max_steps=4, evaluate_every=4, trainable=trainable)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        system = train(folder, encoder, config=config, values=values)
    assert adapters.is_adapter(system) == (request.param == "lora")
    start, end = (
        SentenceTransformer(str(path), device="cpu", local_files_only=True)
        for path in (encoder, system)
    )
    vectors = end.encode(TEXTS, prompt_name=PROMPTS[QUERY])
    # Neither what was learned nor the prefix is too small to be seen.
    assert np.abs(vectors - start.encode(TEXTS, prompt_name=PROMPTS[QUERY])).max() > 1e-2
    assert np.abs(vectors - end.encode(TEXTS)).max() > 1e-2
    return system, vectors


def entry(system: Path, **text) -> Values:
    """A frozen text tower without a head beside an image tower that is trained."""
    text = {"model": str(system), "pooling": "published", "max_tokens": MAX_TOKENS} | text
    text |= {"trained": False, "head": False}
    return {"kind": "text_image", "dimension": WIDTH, "text": text, "image": CNN}


def towers(values: Values, folder: Path) -> Path:
    folder.mkdir()
    text_image.prepare(values, {}, folder)
    return folder


def test_a_system_is_a_text_tower_with_its_own_vectors_and_prefix(trained, tmp_path):
    system, vectors = trained
    values = entry(system)
    folder = towers(values, tmp_path / "towers")
    np.testing.assert_allclose(load(values, folder)(QUERY, TEXT, TEXTS), vectors, atol=1e-5)
    # What training reads, since the tower is frozen.
    inputs = text_image.inputs(values, folder)(QUERY, TEXT, TEXTS)
    np.testing.assert_allclose(inputs.values, vectors, atol=1e-5)


def test_a_prefix_and_a_length_of_the_entry_come_before_the_system_s(trained, tmp_path):
    system, _ = trained
    values = entry(system, prefix="volcano ", max_tokens=12)
    theirs = SentenceTransformer(str(system), device="cpu", local_files_only=True)
    theirs.max_seq_length = 12
    expected = theirs.encode(TEXTS, prompt="volcano ")
    found = load(values, towers(values, tmp_path / "towers"))(QUERY, TEXT, TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_saved_model_has_all_of_its_text_tower(trained, tmp_path):
    """An adapter is folded into its base, whose folder is then no longer needed."""
    system, vectors = trained
    values = entry(system)
    encoder = text_image.start(values, towers(values, tmp_path / "towers"), seed=0)
    model = tmp_path / "model"
    encoder.model.save(str(model), create_model_card=False)
    np.testing.assert_allclose(load(values, model)(QUERY, TEXT, TEXTS), vectors, atol=1e-5)
    theirs = SentenceTransformer(str(model), device="cpu", local_files_only=True)
    np.testing.assert_allclose(theirs.encode_query(TEXTS), vectors, atol=1e-5)
    assert not list(model.rglob("adapter_*"))
    for file in model.rglob("*.safetensors"):
        with safe_open(file, framework="np") as weights:
            assert not [name for name in weights.keys() if "lora" in name]  # noqa: SIM118
