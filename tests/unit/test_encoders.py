"""Saved encoders are what SentenceTransformer loads, vector for vector."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from hybridbatch.encoders import (
    StaticConfig,
    TransformerConfig,
    embed,
    encoder_config,
    fetch_transformer,
    load_model,
    new_static,
)
from hybridbatch.encoding import encode, in_token_order
from hybridbatch.errors import ConfigError
from hybridbatch.tokens import Ragged, load_tokenizer, tokenize, train_unigram

TEXTS = {
    "queries": ["Where does salt come from?", "Ĉu?", "¿Dónde está el volcán? " * 20, "盐从哪里来"],
    "candidates": ["Salt is mined.", "El volcán está en la isla, lejos del mar. " * 8, "a"],
}
MAX_TOKENS = 48
PREFIXES = {"query_prefix": "Query: ", "passage_prefix": "Passage: "}


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [t for side in TEXTS.values() for t in side] * 5
    train_unigram({"xx": texts}, 200, 10**6).save(str(folder / "tokenizer.json"))
    return folder


def static_config() -> StaticConfig:
    return StaticConfig("static", 16, 200, 10**6, MAX_TOKENS, **PREFIXES)


@pytest.fixture(scope="module")
def base(tokenizer_folder, tmp_path_factory) -> Path:
    """A tiny random BERT with safetensors weights and a fast tokenizer, as on a hub."""
    folder = tmp_path_factory.mktemp("bert")
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_folder / "tokenizer.json"),
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<pad>",
        model_max_length=64,
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def transformer_config(model: Path, pooling: str) -> TransformerConfig:
    return TransformerConfig("transformer", str(model), pooling, MAX_TOKENS, **PREFIXES)


@pytest.fixture(scope="module")
def published(base, tmp_path_factory) -> Path:
    """A SentenceTransformer with modules of its own, like LaBSE: CLS, dense with tanh, norm."""
    folder = tmp_path_factory.mktemp("labse")
    transformer = Transformer(str(base), max_seq_length=64)
    torch.manual_seed(1)
    modules = [transformer, Pooling(32, pooling_mode="cls"), Dense(32, 24), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


def assert_same_vectors(model: Path) -> None:
    ours = encode(model, TEXTS, MAX_TOKENS)
    theirs = SentenceTransformer(str(model), device="cpu")
    for side, prompt in (("queries", "query"), ("candidates", "document")):
        expected = theirs.encode(TEXTS[side], prompt_name=prompt)
        np.testing.assert_allclose(ours[side], expected, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(ours[side], axis=1), 1, atol=1e-5)


def test_a_static_model_gives_sentence_transformers_vectors(tokenizer_folder, tmp_path):
    new_static(static_config(), tokenizer_folder, seed=0).save(str(tmp_path / "model"))
    assert_same_vectors(tmp_path / "model")


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_transformer_gives_sentence_transformers_vectors(base, tmp_path, pooling):
    fetch_transformer(transformer_config(base, pooling), tmp_path / "model")
    assert_same_vectors(tmp_path / "model")


def test_published_modules_are_kept(published, tmp_path):
    fetch_transformer(transformer_config(published, "published"), tmp_path / "model")
    assert encode(tmp_path / "model", TEXTS, MAX_TOKENS)["queries"].shape == (4, 24)
    assert_same_vectors(tmp_path / "model")


def test_embed_pads_without_a_trace(base, tmp_path):
    fetch_transformer(transformer_config(base, "mean"), tmp_path / "model")
    model = load_model(tmp_path / "model").to("cpu").eval()
    tokenizer = load_tokenizer(tmp_path / "model/tokenizer.json", MAX_TOKENS)
    tokens = tokenize(tokenizer, TEXTS["queries"], special_tokens=True)
    with torch.no_grad():
        together = embed(model, tokens, torch.device("cpu"))
        alone = [embed(model, tokens.take(np.array([i])), torch.device("cpu")) for i in range(4)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=1e-5)


def test_the_table_depends_on_the_seed_alone(tokenizer_folder):
    first, again, other = (
        new_static(static_config(), tokenizer_folder, seed)[0].embedding.weight.detach()
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_pickled_weights_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="no safetensors weights"):
        fetch_transformer(transformer_config(tmp_path, "mean"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_hub_model_needs_a_revision(tmp_path):
    config = encoder_config(
        {"kind": "transformer", "model": "a/b", "pooling": "mean", "max_tokens": 8, **PREFIXES}
    )
    with pytest.raises(ConfigError, match="`revision`"):
        fetch_transformer(config, tmp_path / "out")


def test_encoding_with_a_static_model_imports_no_torch(tokenizer_folder, tmp_path):
    new_static(static_config(), tokenizer_folder, seed=0).save(str(tmp_path / "model"))
    program = (
        "import sys; from pathlib import Path; from hybridbatch.encoding import encode\n"
        "encode(Path(sys.argv[1]), {'queries': ['salt'], 'candidates': ['salt']}, 8)\n"
        "assert not {'torch', 'sentence_transformers', 'transformers'} & set(sys.modules)"
    )
    scripts = Path(__file__).parents[2] / "workflow/scripts"
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model")],
        env={"PYTHONPATH": str(scripts)},
        check=True,
    )


def test_results_come_back_in_input_order():
    tokens = Ragged.of([[3] * n for n in (5, 1, 9, 2, 9)])
    seen = []

    def lengths(batch: Ragged) -> np.ndarray:
        seen.extend(batch.lengths())
        return batch.lengths()[:, None].astype(np.float32)

    assert in_token_order(tokens, lengths, "x")[:, 0].tolist() == [5, 1, 9, 2, 9]
    assert seen == sorted(seen, reverse=True)
