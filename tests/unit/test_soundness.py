"""Pretrained encoders whose files do not fit together are refused before anything is computed."""

import ast
import json
import re
import shutil
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pretrained import POSITIONS, tiny_bert
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import (
    Dense,
    Normalize,
    Pooling,
    Transformer,
)
from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

from hybridbatch.encoders import halves, towers, transformer
from hybridbatch.encoders.soundness import positions
from hybridbatch.encoders.tokens import train_unigram
from hybridbatch.runtime.errors import ConfigError

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
TEXTS = ["The Nile flows to the sea.", "¿Dónde está el volcán?", "Salt is mined in the desert."] * 9


@pytest.fixture(scope="module")
def bert(tmp_path_factory) -> Path:
    return tiny_bert(tmp_path_factory.mktemp("bert"), TEXTS)


@pytest.fixture
def own(bert, tmp_path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(bert, tmp_path / "own"))


def _values(model: Path, max_tokens: int = 48, pooling: str = "mean") -> dict:
    return {
        "kind": "transformer", "model": str(model), "pooling": pooling, "max_tokens": max_tokens,
        "query_prefix": "Query: ", "passage_prefix": "Passage: ",
    }  # fmt: skip


def _problem(values: dict, folder: Path) -> str:
    """What the rule's script says; it leaves nothing behind."""
    output = folder / "prepared"
    job = SimpleNamespace(
        input=SimpleNamespace(texts=[]),
        output=[str(output)],
        params=SimpleNamespace(encoder=values),
        wildcards=SimpleNamespace(encoder="tiny"),
    )
    with pytest.raises(ConfigError) as caught:
        import_module("prepare_encoder").main(job)
    assert not output.exists()
    assert str(caught.value).startswith(f"catalogue.encoders.tiny: encoder {values['model']}: ")
    return str(caught.value)


def test_more_tokens_than_positions(bert, tmp_path):
    words = f"max_tokens is 256, the model has {POSITIONS} positions (config.json)"
    assert words in _problem(_values(bert, 256), tmp_path)
    assert f"Set max_tokens to {POSITIONS} or less" in _problem(_values(bert, 65), tmp_path)


def test_all_positions_can_be_used(bert, tmp_path):
    transformer.prepare(_values(bert, POSITIONS), {}, tmp_path)
    model = towers.load_model(tmp_path)
    assert model.max_seq_length == POSITIONS
    assert model.encode(["nile " * 300]).shape == (1, 32)


def _xlm_roberta(folder: Path, padding: int) -> Path:
    """A tiny XLM-R of 34 rows of positions, whose tokenizer pads with the id 0."""
    tokenizer = train_unigram({"xx": TEXTS}, 120, 10**6)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>"
    ).save_pretrained(folder)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, max_position_embeddings=34,
        pad_token_id=padding,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(folder)
    return folder


def test_positions_of_the_roberta_family_begin_behind_the_padding(tmp_path):
    model = _xlm_roberta(tmp_path / "xlm", 0)
    assert positions(XLMRobertaModel.from_pretrained(model)) == 33
    assert "the model has 33 positions" in _problem(_values(model, 34), tmp_path)
    (tmp_path / "prepared").mkdir()
    transformer.prepare(_values(model, 33), {}, tmp_path / "prepared")
    # That this is the right number: one token more dies in torch.
    backbone = towers.load_model(tmp_path / "prepared")[0].model
    with torch.inference_mode():
        backbone(input_ids=torch.full((1, 33), 5))
        with pytest.raises((IndexError, RuntimeError)):
            backbone(input_ids=torch.full((1, 34), 5))


def test_a_padding_token_of_another_model_moves_all_positions(tmp_path):
    problem = _problem(_values(_xlm_roberta(tmp_path / "xlm", 1), 20), tmp_path)
    assert "the padding token of tokenizer.json has id 0, in the model's config.json it is 1" in (
        problem
    )


def test_a_model_without_a_table_of_positions_has_no_limit():
    assert positions(torch.nn.Sequential(torch.nn.Embedding(4, 2))) is None


@pytest.mark.parametrize(("vocabulary", "words"), [(900, "with id"), (60, "tokens, the model's")])
def test_a_tokenizer_of_another_vocabulary(own, tmp_path, vocabulary, words):
    texts = [*TEXTS, *(chr(0x4E00 + i) for i in range(700))] if vocabulary == 900 else ["abc"] * 50
    train_unigram({"xx": texts}, vocabulary, 10**6).save(str(own / "tokenizer.json"))
    problem = _problem(_values(own), tmp_path)
    assert "tokenizer.json is of another vocabulary" in problem
    assert words in problem
    assert "the model's embeddings have" in problem


def test_a_text_of_special_tokens_only(own, tmp_path):
    tokenizer = json.loads((own / "tokenizer.json").read_text("utf-8"))
    one = {"SpecialToken": {"id": "<pad>", "type_id": 0}}
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [one, {"Sequence": {"id": "A", "type_id": 0}}, one],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<pad>": {"id": "<pad>", "ids": [0], "tokens": ["<pad>"]}},
    }
    (own / "tokenizer.json").write_text(json.dumps(tokenizer), "utf-8")
    assert "adds 2 special tokens to every text" in _problem(_values(own, 2), tmp_path)


def _published(bert: Path, folder: Path) -> Path:
    backbone = Transformer(str(bert), max_seq_length=POSITIONS)
    modules = [backbone, Pooling(32, pooling_mode="cls"), Dense(32, 24), Normalize()]
    SentenceTransformer(modules=modules, device="cpu").save(str(folder))
    return folder


@pytest.mark.parametrize(
    ("module", "key", "words"),
    [
        ("1_Pooling", "embedding_dimension", "1_Pooling/config.json: embedding_dimension is 48"),
        ("2_Dense", "in_features", "2_Dense"),
    ],
)
def test_modules_of_a_wrong_dimension(bert, tmp_path, module, key, words):
    model = _published(bert, tmp_path / "published")
    path = model / module / "config.json"
    values = json.loads(path.read_text("utf-8"))
    assert values[key] == 32
    path.write_text(json.dumps(values | {key: 48}), "utf-8")
    problem = _problem(_values(model, pooling="published"), tmp_path)
    assert words in problem or "size mismatch" in problem


def test_weights_of_another_size_than_config_json_says(own, tmp_path):
    config = json.loads((own / "config.json").read_text("utf-8"))
    (own / "config.json").write_text(json.dumps(config | {"hidden_size": 64}), "utf-8")
    assert "cannot be loaded from its files" in _problem(_values(own), tmp_path)


def test_weights_that_are_not_finite(own, tmp_path):
    from safetensors.torch import load_file, save_file

    weights = load_file(own / "model.safetensors")
    weights["encoder.layer.0.output.dense.bias"][:] = float("nan")
    save_file(weights, own / "model.safetensors", {"format": "pt"})
    assert "vectors that are not finite" in _problem(_values(own), tmp_path)


# Code that comes with a model.


@pytest.mark.parametrize("pooling", ["mean", "published"])
def test_code_of_a_model_is_not_run(own, tmp_path, monkeypatch, pooling):
    """Refused at once: without a decision transformers asks on the terminal."""
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it asked"))
    config = json.loads((own / "config.json").read_text("utf-8"))
    config |= {"model_type": "of_others", "auto_map": {
        "AutoConfig": "code.Config", "AutoModel": "code.Model"}}  # fmt: skip
    (own / "config.json").write_text(json.dumps(config), "utf-8")
    marker = tmp_path / "was run"
    code = f"open({str(marker)!r}, 'w')\nclass Config: pass\nclass Model: pass\n"
    (own / "code.py").write_text(code, "utf-8")
    problem = _problem(_values(own, pooling=pooling), tmp_path)
    assert "without code of their own" in problem
    assert not marker.exists()


LOADERS = {"from_pretrained", "load_dataset", "SentenceTransformer", "Transformer"}


def _loading_calls() -> list[tuple[str, str]]:
    found = []
    for path in sorted(SCRIPTS.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
                # modules=... loads nothing, nor does a table of vectors.
                table = getattr(getattr(node.func, "value", None), "attr", None) == "Embedding"
                if name in LOADERS and node.args and not table:
                    found.append((f"{path.name}:{node.lineno}", ast.get_source_segment(text, node)))
    return found


def test_every_place_that_loads_forbids_code_of_others():
    for arguments in (halves.SAFE, halves.WEIGHTS):
        assert arguments["trust_remote_code"] is False
    assert halves.WEIGHTS["use_safetensors"] is True
    calls = _loading_calls()
    assert len(calls) >= 8
    for place, call in calls:
        passed_on = "**kwargs" in call and "trust" not in call
        # By name, of which all are looked at above; or a variable that holds the same.
        named = re.search(r"\*\*(SAFE|WEIGHTS)|model_kwargs=(WEIGHTS|safe)|_kwargs=safe", call)
        safe = "trust_remote_code=False" in call or named or passed_on
        assert safe, f"{place}: {call}"
