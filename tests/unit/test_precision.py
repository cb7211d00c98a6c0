"""Precision of encoding: float32 is SentenceTransformer's, on a GPU too; bfloat16 is a choice.

What only a GPU can show is skipped without one:

    .venv/bin/python -m pytest -n 0 -q -rs tests/unit/test_precision.py
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybridbatch.encoders import inference, transformer
from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT
from hybridbatch.experiment.encoders.transformer import Config

WORDS = [f"word{i}" for i in range(500)]
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")


def _texts() -> list[str]:
    rng = np.random.default_rng(0)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 100))) for _ in range(300)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[dict, Path]:
    """A random encoder of base width, prepared; its weights are large, as rounding then shows."""
    base, folder = (tmp_path_factory.mktemp(name) for name in ("base", "encoder"))
    vocabulary = {word: i for i, word in enumerate(["<pad>", "<unk>", *WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(base)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=768, num_hidden_layers=4, num_attention_heads=12,
        intermediate_size=3072, max_position_embeddings=128, initializer_range=0.1,
    )  # fmt: skip
    BertModel(config).save_pretrained(base)
    values = {
        "kind": "transformer", "model": str(base), "pooling": "mean", "max_tokens": 128,
        "query_prefix": "Query: ", "passage_prefix": "Passage: ",
    }  # fmt: skip
    transformer.prepare(values, {}, folder)
    return values, folder


def _vectors(prepared: tuple[dict, Path], precision: str) -> np.ndarray:
    values, folder = prepared
    return inference.load(values | {"precision": precision}, folder)(CANDIDATE, TEXT, _texts())


def _of_sentence_transformer(folder: Path, device: str) -> np.ndarray:
    torch.set_float32_matmul_precision("highest")
    return SentenceTransformer(str(folder), device=device).encode(
        _texts(), prompt_name="document", convert_to_numpy=True
    )


@needs_cuda
def test_on_a_gpu_float32_is_sentence_transformers(prepared):
    vectors = _vectors(prepared, "float32")
    same_device = _of_sentence_transformer(prepared[1], "cuda")
    np.testing.assert_allclose(vectors, same_device, rtol=0, atol=1e-5)
    np.testing.assert_allclose(vectors, _of_sentence_transformer(prepared[1], "cpu"), atol=1e-4)


@needs_cuda
def test_on_a_gpu_no_tf32_is_used_whatever_was_set_before(prepared):
    exact = _vectors(prepared, "float32")
    torch.set_float32_matmul_precision("medium")
    np.testing.assert_array_equal(_vectors(prepared, "float32"), exact)


@needs_cuda
def test_on_a_gpu_bfloat16_is_near_but_not_the_same(prepared):
    exact, rounded = _vectors(prepared, "float32"), _vectors(prepared, "bfloat16")
    difference = np.abs(exact - rounded).max()
    assert 1e-4 < difference < 0.1
    assert (exact * rounded).sum(1).min() > 0.98  # cosine


def test_on_a_cpu_every_precision_is_float32(prepared, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    values, folder = prepared
    texts = _texts()[:8]
    exact, asked = (
        inference.load(values | {"precision": precision}, folder)(QUERY, TEXT, texts)
        for precision in ("float32", "bfloat16")
    )
    np.testing.assert_array_equal(exact, asked)


def test_the_precision_is_a_key_that_trains_nothing_again():
    keys = {"kind": "transformer", "model": "some/encoder", "pooling": "mean", "max_tokens": 16}
    keys |= {"query_prefix": "", "passage_prefix": ""}
    default, lower = Config(**keys), Config(**keys, precision="bfloat16")
    assert default.values() == lower.values()
    assert "precision" not in default.values()
    assert default.encoding_values()["precision"] == "float32"
    assert lower.encoding_values()["precision"] == "bfloat16"
