"""`encode` gives the vectors that SentenceTransformer gives for the saved model, in input order."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    PreTrainedTokenizerFast,
    XLMRobertaConfig,
    XLMRobertaModel,
)

import hybridbatch
from hybridbatch.encoders import inference as encoding
from hybridbatch.encoders.inference import encode, in_token_order
from hybridbatch.encoders.models import (
    ScratchConfig,
    StaticConfig,
    TransformerConfig,
    fetch_transformer,
    new_static,
    new_transformer,
)
from hybridbatch.encoders.tokens import Ragged, train_unigram
from hybridbatch.runtime.errors import ConfigError, DataError

KINDS = ("static", "scratch", "bert mean", "bert cls", "xlm-roberta mean", "published")
MAX_TOKENS = 40
TEXTS = [
    "volcanoes",
    "A volcano is a vent in the crust of a planet.",
    "Вулкан — это отверстие в земной коре.",
    "火山是地壳的裂口，岩浆从那里喷出来。",
    "ज्वालामुखी पृथ्वी की सतह में एक छेद है।",
    "البركان فتحة في قشرة الأرض",
    "?",
    "Why do volcanoes erupt, and where does all of the ash go afterwards? " * 8,
]
STATIC = StaticConfig("static", 16, 300, 10_000, MAX_TOKENS, "Query: ", "Passage: ")
SCRATCH = ScratchConfig(
    "scratch", 2, 2, 16, 32, 0.1, 300, 10_000, MAX_TOKENS, "Query: ", "Passage: "
)


def transformer_config(model: Path | str, pooling: str = "mean", **values) -> TransformerConfig:
    """The configuration of a local encoder."""
    return TransformerConfig(
        "transformer", str(model), pooling, MAX_TOKENS, "Query: ", "Passage: ", **values
    )


def static_encoder(folder: Path) -> Path:
    """A folder with a tokenizer for TEXTS, as an encoder to train from scratch is prepared."""
    folder.mkdir()
    train_unigram({"mixed": TEXTS}, STATIC.vocabulary, 10_000).save(str(folder / "tokenizer.json"))
    return folder


def _wordpiece() -> tuple[Tokenizer, dict[str, str]]:
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]"}
    special |= {"sep_token": "[SEP]", "mask_token": "[MASK]"}
    characters = sorted({c for text in [*TEXTS, "Query: Passage:"] for c in text.lower()})
    pieces = [*special.values(), *characters, *(f"##{c}" for c in characters), "volcano", "##es"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer, special


def _unigram() -> tuple[Tokenizer, dict[str, str]]:
    special = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>"}
    characters = sorted({c for text in [*TEXTS, "Query: Passage:"] for c in text} - {" "})
    pieces = [(token, 0.0) for token in special.values()]
    pieces += [("▁", -2.0), ("volcano", -3.0), *((c, -5.0) for c in characters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer, special


def tiny_transformer(folder: Path, architecture: str = "bert") -> Path:
    """A random encoder of 2 layers, saved as encoders are on the hub.

    Its weights are large, so that other tokens or another mask give other vectors.
    """
    tokenizer, special = {"bert": _wordpiece, "xlm-roberta": _unigram}[architecture]()
    # A tokenizer.json may say how to cut and pad; what counts is the encoder's max_tokens.
    tokenizer.enable_truncation(5)
    config_class, model_class = {
        "bert": (BertConfig, BertModel),
        "xlm-roberta": (XLMRobertaConfig, XLMRobertaModel),
    }[architecture]
    config = config_class(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.3,
        pad_token_id=tokenizer.token_to_id(special["pad_token"]),
        hidden_dropout_prob=0.1,
    )
    torch.manual_seed(0)
    model_class(config).save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def published_transformer(folder: Path) -> Path:
    """A tiny encoder that is published with its own pooling and a dense layer, as LaBSE is."""
    transformer = Transformer(str(tiny_transformer(folder.with_name("backbone"))))
    torch.manual_seed(1)
    modules = [transformer, Pooling(32, pooling_mode="cls"), Dense(32, 12)]
    SentenceTransformer(modules=modules, prompts={"query": "ask: "}, device="cpu").save(str(folder))
    return folder


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU vectors are computed in bfloat16."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def saved_model(folder: Path, kind: str) -> Path:
    """A model of the kind, saved by our code."""
    if kind == "static":
        model = new_static(STATIC, static_encoder(folder / "encoder"), seed=0)
        model.save(str(folder / "saved"), create_model_card=False)
    elif kind == "scratch":
        model = new_transformer(SCRATCH, static_encoder(folder / "encoder"), seed=0)
        with torch.no_grad():  # large, so that other tokens or another mask give other vectors
            for parameter in model.parameters():
                parameter.mul_(15 if parameter.dim() == 2 else 1)
        model.save(str(folder / "saved"), create_model_card=False)
    elif kind == "published":
        config = transformer_config(published_transformer(folder / "source"), "published")
        fetch_transformer(config, folder / "saved")
    else:
        architecture, pooling = kind.split()
        source = tiny_transformer(folder / "source", architecture)
        fetch_transformer(transformer_config(source, pooling), folder / "saved")
    return folder / "saved"


@pytest.mark.parametrize("kind", KINDS)
def test_equals_sentence_transformers(tmp_path, kind):
    model = saved_model(tmp_path, kind)
    ours = encode(model, {"queries": TEXTS, "candidates": TEXTS[::-1]}, MAX_TOKENS)
    reference = SentenceTransformer(str(model), device="cpu")
    # The last text is longer than the model reads: both must cut it, prefix included, alike.
    assert len(reference.tokenizer.encode(TEXTS[-1])) >= MAX_TOKENS
    for side, prompt, texts in (
        ("queries", "query", TEXTS),
        ("candidates", "document", TEXTS[::-1]),
    ):
        theirs = reference.encode(texts, prompt_name=prompt, normalize_embeddings=True)
        assert ours[side].dtype == np.float32
        np.testing.assert_allclose(ours[side], theirs, rtol=0, atol=1e-5)
    # What the comparison could miss if all vectors were about the same:
    assert np.abs(ours["queries"] - ours["candidates"][::-1]).max(axis=1).min() > 1e-2


@pytest.mark.parametrize("kind", ["static", "bert mean"])
def test_order_and_company_of_texts_do_not_matter(tmp_path, kind, monkeypatch):
    model = saved_model(tmp_path, kind)
    expected = encode(model, {"queries": TEXTS}, MAX_TOKENS)["queries"]
    monkeypatch.setattr(encoding, "_TOKENS_A_BATCH", 30)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    shuffled = encode(model, {"queries": [TEXTS[i] for i in order]}, MAX_TOKENS)["queries"]
    np.testing.assert_allclose(shuffled, expected[order], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["static", "scratch", "xlm-roberta mean"])
def test_only_the_first_max_tokens_are_read(tmp_path, kind):
    model = saved_model(tmp_path, kind)
    texts = [TEXTS[-1], TEXTS[-1] + " And more of it."]
    vectors = encode(model, {"candidates": texts}, MAX_TOKENS)["candidates"]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    shorter = encode(model, {"candidates": texts}, MAX_TOKENS // 2)["candidates"]
    assert np.abs(shorter - vectors).max() > 1e-3


def test_vectors_have_length_one(tmp_path):
    vectors = encode(saved_model(tmp_path, "published"), {"queries": TEXTS}, MAX_TOKENS)["queries"]
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("budget", [1, 7, 10**6])
def test_in_token_order_returns_input_order_within_the_budget(monkeypatch, budget):
    monkeypatch.setattr(encoding, "_TOKENS_A_BATCH", budget)
    sequences = [[i] * n for i, n in enumerate([3, 1, 4, 1, 5, 2, 6, 5, 3])]
    batches = []

    def first_and_length(tokens: Ragged) -> np.ndarray:
        batches.append(tokens.lengths().tolist())
        return np.stack([tokens.ids[tokens.bounds[:-1]], tokens.lengths()], axis=1)

    found = in_token_order(Ragged.of(sequences), first_and_length, "texts")
    assert found.tolist() == [[s[0], len(s)] for s in sequences]
    assert found.dtype == np.float32
    assert all(len(batch) == 1 or len(batch) * max(batch) <= budget for batch in batches)
    flat = [length for batch in batches for length in batch]
    assert flat == sorted(flat, reverse=True)
    assert len(batches) == {1: 9, 7: 6, 10**6: 1}[budget]


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    model = new_static(STATIC, static_encoder(tmp_path / "encoder"), seed=0)
    with torch.no_grad():
        model[0].embedding.weight[5:] = float("nan")
    model.save(str(tmp_path / "saved"), create_model_card=False)
    with pytest.raises(DataError, match="saved: gives vectors that are not finite"):
        encode(tmp_path / "saved", {"queries": TEXTS}, MAX_TOKENS)


def test_static_model_is_read_without_torch(tmp_path):
    model = saved_model(tmp_path, "static")
    program = (
        "import sys; from pathlib import Path; from hybridbatch.encoders.inference import encode;"
        "vectors = encode(Path(sys.argv[1]), {'queries': ['a volcano']}, 40)['queries'];"
        "assert vectors.shape == (1, 16);"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", program, model],
        env=os.environ | {"PYTHONPATH": str(Path(hybridbatch.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "numpy" in modules
    assert not {"torch", "transformers", "sentence_transformers"} & set(modules)


def test_saved_model_needs_nothing_beside_it(tmp_path):
    model = saved_model(tmp_path, "bert mean")
    before = encode(model, {"queries": TEXTS}, MAX_TOKENS)["queries"]
    shutil.rmtree(tmp_path / "source")
    moved = model.rename(tmp_path / "moved")
    np.testing.assert_array_equal(encode(moved, {"queries": TEXTS}, MAX_TOKENS)["queries"], before)


def test_pickled_weights_of_one_module_are_refused(tmp_path):
    path = published_transformer(tmp_path / "model")
    dense = next(path.glob("*_Dense"))
    (dense / "model.safetensors").unlink()
    torch.save({}, dense / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="pickled weights are refused"):
        fetch_transformer(transformer_config(path, "published"), tmp_path / "encoder")
