"""Saved encoders are what SentenceTransformer loads, vector for vector."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretrained import tiny_bert
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    StaticEmbedding,
    Transformer,
)

from hybridbatch.encoders import inference, scratch, static, towers, transformer
from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT
from hybridbatch.encoders.tokens import load_tokenizer, tokenize, train_unigram
from hybridbatch.encoders.towers import embed_padded, length_chunks, load_model
from hybridbatch.runtime.errors import ConfigError

TEXTS = {
    QUERY: ["Where does salt come from?", "Ĉu?", "¿Dónde está el volcán? " * 20, "盐从哪里来"],
    CANDIDATE: ["Salt is mined.", "El volcán está en la isla, lejos del mar. " * 8, "a"],
}
MAX_TOKENS = 48
PREFIXES = {"query_prefix": "Query: ", "passage_prefix": "Passage: "}


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    texts = [t for side in TEXTS.values() for t in side] * 5
    train_unigram({"xx": texts}, 200, 10**6).save(str(folder / "tokenizer.json"))
    return folder


STATIC = {"kind": "static", "dimension": 16, "vocabulary": 200, "tokenizer_characters": 10**6}
STATIC |= {"max_tokens": MAX_TOKENS, **PREFIXES}


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A tiny random BERT with safetensors weights and a fast tokenizer, as on a hub."""
    texts = [text for side in TEXTS.values() for text in side] * 5
    return tiny_bert(tmp_path_factory.mktemp("bert"), texts)


def transformer_values(model: Path, pooling: str) -> dict[str, Any]:
    values = {"kind": "transformer", "model": str(model), "pooling": pooling}
    return values | {"max_tokens": MAX_TOKENS, **PREFIXES}


def fetched(values: dict[str, Any], folder: Path) -> Path:
    """What `transformer` prepares, as the script has it done: in an empty folder."""
    folder.mkdir()
    transformer.prepare(values, {}, folder)
    return folder


@pytest.fixture(scope="module")
def published(base, tmp_path_factory) -> Path:
    """A SentenceTransformer with modules of its own, like LaBSE: CLS, dense with tanh, norm."""
    folder = tmp_path_factory.mktemp("labse")
    transformer = Transformer(str(base), max_seq_length=64)
    torch.manual_seed(1)
    modules = [transformer, Pooling(32, pooling_mode="cls"), Dense(32, 24), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


def assert_same_vectors(values: dict[str, Any], model: Path) -> None:
    encode = inference.load(values, model)
    theirs = SentenceTransformer(str(model), device="cpu")
    for side, prompt in ((QUERY, "query"), (CANDIDATE, "document")):
        ours = encode(side, TEXT, TEXTS[side])
        expected = theirs.encode(TEXTS[side], prompt_name=prompt)
        np.testing.assert_allclose(ours, expected, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)


def test_a_static_model_gives_sentence_transformers_vectors(tokenizer_folder, tmp_path):
    static.start(STATIC, tokenizer_folder, seed=0).model.save(str(tmp_path / "model"))
    assert_same_vectors(STATIC, tmp_path / "model")


def test_a_static_model_is_saved_byte_for_byte_as_sentence_transformers_saves_it(
    tokenizer_folder, tmp_path
):
    ours = static.start(STATIC, tokenizer_folder, seed=0).model
    tokenizer = load_tokenizer(tokenizer_folder / "tokenizer.json", MAX_TOKENS)
    table = ours.embedding.weight.detach().clone()
    theirs = SentenceTransformer(
        modules=[StaticEmbedding(tokenizer, embedding_weights=table), Normalize()],
        prompts={"query": "Query: ", "document": "Passage: "},
        device="cpu",
    )
    folders = [tmp_path / name for name in ("ours", "theirs")]
    for model, folder in zip((ours, theirs), folders, strict=True):
        model.save(str(folder), create_model_card=False)
    first, second = (
        {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        for folder in folders
    )
    assert first == second


def test_a_static_model_s_gradient_has_a_row_for_each_different_token(tokenizer_folder):
    """It equals that of torch's own EmbeddingBag, which has a row for each token."""
    model = static.start(STATIC, tokenizer_folder, seed=0).model
    bag = torch.nn.EmbeddingBag.from_pretrained(
        model.embedding.weight.detach().clone(), freeze=False, mode="mean", sparse=True
    )
    ids, offsets = torch.tensor([9, 9, 5, 7, 9, 5], dtype=torch.int32), torch.tensor([0, 2])
    offsets = offsets.int()
    scale = torch.arange(16.0)
    expected = torch.nn.functional.normalize(bag(ids, offsets), dim=-1)
    torch.testing.assert_close(model(ids, offsets), expected)
    (expected * scale).sum().backward()
    (model(ids, offsets) * scale).sum().backward()
    assert model.embedding.weight.grad._indices().tolist() == [[5, 7, 9]]
    torch.testing.assert_close(
        model.embedding.weight.grad.to_dense(), bag.weight.grad.to_dense(), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_a_transformer_gives_sentence_transformers_vectors(base, tmp_path, pooling):
    values = transformer_values(base, pooling)
    assert_same_vectors(values, fetched(values, tmp_path / "model"))


def test_published_modules_are_kept(published, tmp_path):
    values = transformer_values(published, "published")
    model = fetched(values, tmp_path / "model")
    assert inference.load(values, model)(QUERY, TEXT, TEXTS[QUERY]).shape == (4, 24)
    assert_same_vectors(values, model)


def test_embed_pads_without_a_trace(base, tmp_path):
    folder = fetched(transformer_values(base, "mean"), tmp_path / "model")
    model = load_model(folder).to("cpu").eval()
    tokenizer = load_tokenizer(folder / "tokenizer.json", MAX_TOKENS)
    tokens = tokenize(tokenizer, TEXTS[QUERY], special_tokens=True)
    with torch.no_grad():
        together = embed_padded(model, tokens)
        alone = [embed_padded(model, tokens.take(np.array([i]))) for i in range(4)]
    torch.testing.assert_close(together, torch.cat(alone), atol=1e-6, rtol=1e-5)


def test_the_table_depends_on_the_seed_alone(tokenizer_folder):
    first, again, other = (
        static.start(STATIC, tokenizer_folder, seed).model.embedding.weight.detach()
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_pretrained_encoder_starts_the_same_for_every_seed(base, tmp_path):
    values = transformer_values(base, "mean")
    folder = fetched(values, tmp_path / "model")
    first, other = (transformer.start(values, folder, s).model.state_dict() for s in (1, 2))
    assert all(torch.equal(first[name], other[name]) for name in first)


def test_preparing_takes_no_gpu(base, published, tmp_path, monkeypatch):
    """The job that prepares an encoder has leased none; a model on one would need CUDA here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    fetched(transformer_values(base, "mean"), tmp_path / "mean")
    fetched(transformer_values(published, "published"), tmp_path / "published")


def scratch_values(**changes) -> dict[str, Any]:
    values = {"layers": 2, "heads": 2, "dimension": 16, "feed_forward": 32, "dropout": 0.1}
    values |= {"vocabulary": 200, "tokenizer_characters": 10**6, "max_tokens": MAX_TOKENS}
    return {"kind": "scratch", **values, **changes, **PREFIXES}


def test_a_new_transformer_is_what_its_configuration_says(tokenizer_folder, tmp_path):
    model = scratch.start(scratch_values(dropout=0.25), tokenizer_folder, seed=0).model
    model.save(str(tmp_path / "model"), create_model_card=False)
    loaded = load_model(tmp_path / "model").to("cpu")
    vocabulary = load_tokenizer(tokenizer_folder / "tokenizer.json", 8).get_vocab_size()
    table = loaded[0].model.get_input_embeddings()
    assert (table.num_embeddings, table.embedding_dim) == (vocabulary, 16)
    config = loaded[0].model.config
    assert (config.n_layers, config.n_heads, config.hidden_dim) == (2, 2, 32)
    assert (config.dropout, config.attention_dropout) == (0.25, 0.25)
    assert config.max_position_embeddings == loaded.max_seq_length == MAX_TOKENS
    assert config.pad_token_id == loaded.tokenizer.pad_token_id == 0
    assert loaded.prompts == {"query": "Query: ", "document": "Passage: "}
    assert [type(m).__name__ for m in loaded] == ["Transformer", "Pooling", "Normalize"]
    files = {p.suffix for p in (tmp_path / "model").rglob("*") if p.is_file()}
    assert files == {".json", ".safetensors"}


def test_a_new_transformer_s_bytes_depend_on_the_seed_alone(tokenizer_folder, tmp_path):
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        torch.manual_seed(len(name))
        before = torch.random.get_rng_state()
        model = scratch.start(scratch_values(), tokenizer_folder, seed).model
        assert torch.equal(torch.random.get_rng_state(), before)
        model.save(str(tmp_path / name), create_model_card=False)
    first, again, other = (
        {p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.*")}
        for n in ("first", "again", "other")
    )
    assert first == again
    assert {str(p) for p in first if first[p] != other[p]} == {"model.safetensors"}


@pytest.mark.parametrize(
    ("allowed", "chunks"),
    [
        (0, [[1, 3], [4], [0], [2]]),
        (1, [[1, 3], [4, 0], [2]]),
        (8, [[1, 3, 4, 0], [2]]),
        (10**6, [[1, 3, 4, 0, 2]]),
    ],
)
def test_chunks_have_no_more_padding_than_is_allowed(allowed, chunks):
    found = length_chunks(np.array([5, 9, 2, 9, 6]), allowed)
    assert [rows.tolist() for rows in found] == chunks


def test_one_text_is_one_chunk():
    assert [rows.tolist() for rows in length_chunks(np.array([7]), 0)] == [[0]]


@pytest.mark.parametrize("allowed", [0, 40, 10**6])
def test_chunks_give_the_vectors_and_gradients_of_one_padded_batch(
    tokenizer_folder, monkeypatch, allowed
):
    monkeypatch.setattr(towers, "_TOKENS_A_PASS", {"cpu": allowed})
    model = scratch.start(scratch_values(dropout=0.0), tokenizer_folder, seed=0).model.to("cpu")
    model.train()
    texts = [f"{t} {n}" for n in range(4) for side in TEXTS.values() for t in side]
    tokens = tokenize(model.tokenizer.backend_tokenizer, texts, special_tokens=True)
    weights = torch.randn((len(texts), 16), generator=torch.Generator().manual_seed(0))

    def gradients(vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        model.zero_grad()
        (vectors * weights).sum().backward()
        return {name: p.grad.to_dense().clone() for name, p in model.named_parameters()}

    ours = embed_padded(model, tokens)
    whole = model(model.preprocess(texts))["sentence_embedding"]
    torch.testing.assert_close(ours, whole, atol=1e-6, rtol=1e-5)
    expected = gradients(whole)
    for name, gradient in gradients(ours).items():
        torch.testing.assert_close(gradient, expected[name], atol=1e-5, rtol=1e-4)


def test_pickled_weights_are_refused(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="no safetensors weights"):
        fetched(transformer_values(tmp_path, "mean"), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_hub_model_needs_a_revision(tmp_path):
    with pytest.raises(ConfigError, match="`revision`"):
        fetched(transformer_values(Path("a/b"), "mean"), tmp_path / "out")


def test_a_folder_is_not_taken_for_the_hub_s_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("some/model").mkdir(parents=True)
    values = transformer_values(Path("some/model"), "mean") | {"revision": "0" * 40}
    with pytest.raises(ConfigError, match="is a folder here and has a `revision`"):
        transformer.prepare(values, iter(()), tmp_path / "out")


@pytest.mark.parametrize("kind", [static, scratch, transformer])
def test_a_value_that_a_kind_does_not_know_is_refused(tokenizer_folder, kind):
    values = {static: STATIC, scratch: scratch_values()}.get(
        kind, transformer_values(Path("a"), "cls")
    )
    with pytest.raises(TypeError, match="depth"):
        kind.inputs(values | {"depth": 3}, tokenizer_folder)
