"""Encoding gives the vectors that SentenceTransformer gives for the saved model, in input order."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from pretrained import (
    COMMON,
    MAX_TOKENS,
    TEXTS,
    Values,
    prepared,
    tiny_transformer,
    transformer_values,
)
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

import hybridbatch
from hybridbatch.encoders import inference, scratch, static, towers, transformer
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.inference import in_length_order
from hybridbatch.encoders.inputs import Ragged
from hybridbatch.runtime.errors import ConfigError, DataError

KINDS = ("static", "scratch", "bert mean", "bert cls", "xlm-roberta mean", "published")
TRAINED_HERE = {"dimension": 16, "vocabulary": 300, "tokenizer_characters": 10_000, **COMMON}
STATIC = {"kind": "static", **TRAINED_HERE}
SCRATCH = {"kind": "scratch", "layers": 2, "heads": 2, "feed_forward": 32, "dropout": 0.1}
SCRATCH |= TRAINED_HERE


def encode(
    values: Values, model: Path, texts: Sequence[str], side: str = QUERY, **changes
) -> np.ndarray:
    """Vectors of texts, by the saved model of an encoder whose values are changed."""
    return inference.load(values | changes, model)(side, TEXT, texts)


def published_transformer(folder: Path) -> Path:
    """A tiny encoder that is published with its own pooling and a dense layer, as LaBSE is."""
    transformer = Transformer(str(tiny_transformer(folder.with_name("backbone"))))
    torch.manual_seed(1)
    modules = [transformer, Pooling(32, pooling_mode="cls"), Dense(32, 12)]
    SentenceTransformer(modules=modules, prompts={"query": "ask: "}, device="cpu").save(str(folder))
    return folder


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is different on a GPU is in test_precision.py."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def saved_model(folder: Path, kind: str) -> tuple[Values, Path]:
    """The values and a model of the kind, saved by our code."""
    if kind == "static":
        values = STATIC
        model = static.start(values, prepared(static, values, folder / "encoder"), seed=0).model
        model.save(str(folder / "saved"), create_model_card=False)
    elif kind == "scratch":
        values = SCRATCH
        model = scratch.start(values, prepared(scratch, values, folder / "encoder"), seed=0).model
        with torch.no_grad():  # large, so that other tokens or another mask give other vectors
            for parameter in model.parameters():
                parameter.mul_(15 if parameter.dim() == 2 else 1)
        model.save(str(folder / "saved"), create_model_card=False)
    else:
        if kind == "published":
            values = transformer_values(published_transformer(folder / "source"), "published")
        else:
            architecture, pooling = kind.split()
            values = transformer_values(tiny_transformer(folder / "source", architecture), pooling)
        prepared(transformer, values, folder / "saved")
    return values, folder / "saved"


@pytest.mark.parametrize("kind", KINDS)
def test_equals_sentence_transformers(tmp_path, kind):
    values, model = saved_model(tmp_path, kind)
    reference = SentenceTransformer(str(model), device="cpu")
    # The last text is longer than the model reads: both must cut it, prefix included, alike.
    assert len(reference.tokenizer.encode(TEXTS[-1])) >= MAX_TOKENS
    ours = {}
    for side, prompt, texts in ((QUERY, "query", TEXTS), (CANDIDATE, "document", TEXTS[::-1])):
        ours[side] = encode(values, model, texts, side)
        theirs = reference.encode(texts, prompt_name=prompt, normalize_embeddings=True)
        assert ours[side].dtype == np.float32
        np.testing.assert_allclose(ours[side], theirs, rtol=0, atol=1e-5)
    # What the comparison could miss if all vectors were about the same:
    assert np.abs(ours[QUERY] - ours[CANDIDATE][::-1]).max(axis=1).min() > 1e-2


@pytest.mark.parametrize("kind", KINDS)
def test_training_gives_the_vectors_that_the_saved_model_gives(tmp_path, kind):
    values, model = saved_model(tmp_path, kind)
    module = {"static": static, "scratch": scratch}.get(kind, transformer)
    # Prepared or trained, a folder of a model serves as well as what was prepared.
    started = module.start(values, tmp_path / ("encoder" if module is static else "saved"), 0)
    if module is scratch:
        started = towers.TextTower(towers.load_model(model))
    started.model.eval()
    make = module.inputs(values, model)
    for side in (QUERY, CANDIDATE):
        with torch.no_grad():
            trained = started.embed(side, TEXT, make(side, TEXT, TEXTS))
        unit = torch.nn.functional.normalize(trained, dim=-1).numpy()
        np.testing.assert_allclose(unit, encode(values, model, TEXTS, side), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["static", "bert mean"])
def test_order_and_company_of_texts_do_not_matter(tmp_path, kind, monkeypatch):
    values, model = saved_model(tmp_path, kind)
    expected = encode(values, model, TEXTS)
    monkeypatch.setattr(inference, "_TOKENS_A_BATCH", 30)
    order = np.random.default_rng(0).permutation(len(TEXTS))
    shuffled = encode(values, model, [TEXTS[i] for i in order])
    np.testing.assert_allclose(shuffled, expected[order], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["static", "scratch", "xlm-roberta mean"])
def test_only_the_first_max_tokens_are_read(tmp_path, kind):
    values, model = saved_model(tmp_path, kind)
    texts = [TEXTS[-1], TEXTS[-1] + " And more of it."]
    vectors = encode(values, model, texts, CANDIDATE)
    np.testing.assert_array_equal(vectors[0], vectors[1])
    shorter = encode(values, model, texts, CANDIDATE, max_tokens=MAX_TOKENS // 2)
    assert np.abs(shorter - vectors).max() > 1e-3


def test_vectors_have_length_one(tmp_path):
    vectors = encode(*saved_model(tmp_path, "published"), TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("kind", ["static", "scratch", "bert mean"])
def test_a_modality_that_the_encoder_does_not_embed_is_refused(tmp_path, kind):
    load = inference.load(*saved_model(tmp_path, kind))
    with pytest.raises(DataError, match=r"embeds text only, and the candidate .* 'image': choose"):
        load(CANDIDATE, IMAGE, [b"a picture"])


def test_an_encoder_of_unknown_kind_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"'sttic' is no module of hybridbatch\.encoders"):
        inference.load(STATIC | {"kind": "sttic"}, tmp_path)


@pytest.mark.parametrize("budget", [1, 7, 10**6])
def test_in_length_order_returns_input_order_within_the_budget(monkeypatch, budget):
    monkeypatch.setattr(inference, "_TOKENS_A_BATCH", budget)
    sequences = [[i] * n for i, n in enumerate([3, 1, 4, 1, 5, 2, 6, 5, 3])]
    batches = []

    def first_and_length(tokens: Ragged) -> np.ndarray:
        batches.append(tokens.lengths().tolist())
        return np.stack([tokens.ids[tokens.bounds[:-1]], tokens.lengths()], axis=1)

    found = in_length_order(Ragged.of(sequences), first_and_length, "texts")
    assert found.tolist() == [[s[0], len(s)] for s in sequences]
    assert found.dtype == np.float32
    assert all(len(batch) == 1 or len(batch) * max(batch) <= budget for batch in batches)
    flat = [length for batch in batches for length in batch]
    assert flat == sorted(flat, reverse=True)
    assert len(batches) == {1: 9, 7: 6, 10**6: 1}[budget]


def test_slow_encoding_says_where_it_is(monkeypatch, caplog):
    monkeypatch.setattr(inference, "_TOKENS_A_BATCH", 1)
    clock = count(0, 6)  # seconds a batch
    monkeypatch.setattr("hybridbatch.runtime.logs.time.monotonic", lambda: float(next(clock)))
    with caplog.at_level("INFO", logger="hybridbatch"):
        in_length_order(Ragged.of([[1]] * 5), lambda tokens: np.zeros((len(tokens), 2)), "queries")
    assert [line.split(",")[0] for line in caplog.messages] == [
        f"{n} of 5 queries" for n in (2, 4, 5)
    ]


def test_vectors_that_are_not_finite_are_refused(tmp_path):
    model = static.start(STATIC, prepared(static, STATIC, tmp_path / "encoder"), seed=0).model
    with torch.no_grad():
        model.embedding.weight[5:] = float("nan")
    model.save(str(tmp_path / "saved"), create_model_card=False)
    with pytest.raises(DataError, match="saved: gives vectors that are not finite"):
        encode(STATIC, tmp_path / "saved", TEXTS)


def test_static_model_is_prepared_tokenized_and_read_without_torch(tmp_path):
    values, model = saved_model(tmp_path, "static")
    program = (
        "import json, sys; from pathlib import Path; from hybridbatch.encoders import inference;"
        "from hybridbatch.encoders import static;"
        "values, model, folder = json.loads(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]);"
        "vectors = inference.load(values, model)('query', 'text', ['a volcano']);"
        "assert vectors.shape == (1, 16);"
        "static.prepare(values, {'en': ['a volcano on an island'] * 9}, folder);"
        "assert len(static.inputs(values, folder)('query', 'text', ['a volcano'])) == 1;"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", program, json.dumps(values), model, tmp_path],
        env=os.environ | {"PYTHONPATH": str(Path(hybridbatch.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "numpy" in modules
    assert not {"torch", "transformers", "sentence_transformers"} & set(modules)


def test_static_model_is_trained_without_sentence_transformers(tmp_path):
    """Its import takes as long as hundreds of steps."""
    values, model = saved_model(tmp_path, "static")
    program = (
        "import json, sys; from pathlib import Path; import finetune;"
        "from hybridbatch.encoders import static; from hybridbatch.encoders.base import QUERY;"
        "encoder = static.start(json.loads(sys.argv[1]), Path(sys.argv[2]), seed=0);"
        "made = static.inputs(json.loads(sys.argv[1]), Path(sys.argv[2]));"
        "encoder.embed(QUERY, 'text', made(QUERY, 'text', ['a volcano'])).sum().backward();"
        "encoder.model.save(sys.argv[3]);"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", program, json.dumps(values), model, tmp_path / "trained"],
        env=os.environ | {"PYTHONPATH": str(Path(hybridbatch.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "torch" in modules
    assert not {"transformers", "sentence_transformers", "pandas"} & set(modules)


@pytest.mark.parametrize("module", [scratch, transformer])
def test_inputs_of_a_transformer_are_made_without_torch(tmp_path, module):
    """One job makes them for all samplings and seeds, and starts ten times faster so."""
    values, model = saved_model(tmp_path, "scratch" if module is scratch else "bert mean")
    program = (
        f"import json, sys; from pathlib import Path; from {module.__name__} import inputs;"
        "make = inputs(json.loads(sys.argv[1]), Path(sys.argv[2]));"
        "assert len(make('candidate', 'text', ['a volcano', 'ash'])) == 2;"
        "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    )
    modules = subprocess.run(
        [sys.executable, "-c", program, json.dumps(values), model],
        env=os.environ | {"PYTHONPATH": str(Path(hybridbatch.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not {"torch", "transformers", "sentence_transformers"} & set(modules)


def test_saved_model_needs_nothing_beside_it(tmp_path):
    values, model = saved_model(tmp_path, "bert mean")
    before = encode(values, model, TEXTS)
    shutil.rmtree(tmp_path / "source")
    moved = model.rename(tmp_path / "moved")
    np.testing.assert_array_equal(encode(values, moved, TEXTS), before)


def test_pickled_weights_of_one_module_are_refused(tmp_path):
    path = published_transformer(tmp_path / "model")
    dense = next(path.glob("*_Dense"))
    (dense / "model.safetensors").unlink()
    torch.save({}, dense / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="pickled weights are refused"):
        prepared(transformer, transformer_values(path, "published"), tmp_path / "encoder")
