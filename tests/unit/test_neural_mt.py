"""Neural translation with tiny random models: the same text as a plain call of the model."""

import json
import shutil

import pytest
import torch
from neural import CODES, POSITIONS, SENTENCES, Killed, config_of, plain_call, texts_of
from neural import engine as engine
from neural import models as models
from neural import quick as quick
from neural import said as said
from transformers import AutoTokenizer, M2M100ForConditionalGeneration

from hybridbatch.runtime.errors import ConfigError, TranslationError
from hybridbatch.translation import engines
from hybridbatch.translation.engines import ctranslate2_mt, transformers_mt
from hybridbatch.translation.engines._batches import language_ids
from hybridbatch.translation.translate import Translation, translate_table


@pytest.mark.parametrize("kind", CODES)
def test_greedy_text_is_that_of_a_plain_call_for_each_line(models, engine, kind):
    results = engine(config_of(models, kind)).translate(SENTENCES)
    plain = [plain_call(models[kind], kind, line) for line in SENTENCES]
    assert [result.text for result in results] == plain
    assert len(set(plain)) > 5, "the models tell nothing apart"
    assert all(result.error is None for result in results)


@pytest.mark.parametrize("kind", CODES)
def test_beam_search_is_that_of_a_plain_call(models, engine, kind):
    translator = engine(config_of(models, kind, beams=3, max_new_tokens=24))
    results = translator.translate(SENTENCES[3:])
    lines = [line for line in SENTENCES[3:] if len(line) < 60]
    plain = [plain_call(models[kind], kind, line, beams=3, tokens=24) for line in lines]
    assert [results[SENTENCES.index(line) - 3].text for line in lines] == plain
    assert plain != [plain_call(models[kind], kind, line, tokens=24) for line in lines]


@pytest.mark.parametrize("kind", CODES)
def test_translation_that_is_too_long_is_cut_and_counted(models, engine, said, kind):
    lines = [SENTENCES[i] for i in (3, 4, 6, 7)]
    results = engine(config_of(models, kind, max_new_tokens=16)).translate(lines)
    plain = [plain_call(models[kind], kind, line, tokens=16) for line in lines]
    assert [result.text for result in results] == plain
    cut = [p != plain_call(models[kind], kind, line) for p, line in zip(plain, lines, strict=True)]
    assert sum(cut) > 0
    assert [result.cut for result in results] == list(map(int, cut))
    assert f"of 4 pieces, {sum(cut)} came out longer than max_new_tokens (16)" in said()


@pytest.mark.parametrize("kind", CODES)
def test_tokenizer_as_it_lies_on_the_hub_gives_the_same(models, tmp_path, kind):
    """The hub's tokenizers were saved by transformers 4, with the codes as special tokens."""
    folder = tmp_path / kind
    shutil.copytree(models[kind], folder)
    saved = json.loads((folder / "tokenizer_config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = list(language_ids(tokenizer).values())
    for key in ("added_tokens_decoder", "backend", "extra_special_tokens", "legacy_behaviour"):
        saved.pop(key, None)
    codes = {"additional_special_tokens": tokenizer.convert_ids_to_tokens(ids)}
    old = saved | codes | {"model_max_length": 1024}
    (folder / "tokenizer_config.json").write_text(json.dumps(old))
    (folder / "special_tokens_map.json").write_text(json.dumps(codes))
    translate = ctranslate2_mt.CTranslate2(
        config_of(models, kind, model=str(folder)), "float32", "cpu", tmp_path / "cache"
    ).translate
    assert [result.text for result in translate(SENTENCES)] == [
        plain_call(models[kind], kind, line) for line in SENTENCES
    ]


def test_order_does_not_matter(models, engine):
    translator = engine(config_of(models))
    straight = translator.translate(SENTENCES)
    assert translator.translate(SENTENCES[::-1]) == straight[::-1]
    assert [translator.translate([line])[0] for line in SENTENCES] == straight


def test_languages_make_a_difference(models, engine):
    one, other = (engine(config_of(models, target_code=code)) for code in ("de", "tr"))
    assert one.translate(SENTENCES) != other.translate(SENTENCES)
    other = engine(config_of(models, source_code="tr"))
    assert one.translate(SENTENCES) != other.translate(SENTENCES)


def test_empty_lines_are_empty_translations(models, engine):
    results = engine(config_of(models)).translate(["", SENTENCES[0], " \n"])
    assert results[0] == results[2] == Translation("")
    assert results[1].text
    assert engine(config_of(models)).translate([]) == []


@pytest.mark.parametrize(
    ("kind", "code", "close"),
    [("m2m", "dee", "close to it are .*de"), ("nllb", "zho_Hanz", "zho_Han., zho_Han.")],
)
@pytest.mark.parametrize("end", ["source_code", "target_code"])
def test_unknown_language_is_named_with_those_close_to_it(models, engine, kind, code, close, end):
    with pytest.raises(TranslationError, match=f"does not know the language {code}; .*{close}"):
        engine(config_of(models, kind, **{end: code}))


def test_pickled_weights_are_refused(models, engine, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(models["m2m"], folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="pickled weights are refused"):
        engine(config_of(models, model=str(folder)))


def test_hub_name_needs_a_revision(models, engine):
    with pytest.raises(ConfigError, match=r"some/model: .* needs a `revision`"):
        engine(config_of(models, model="some/model"))


def test_a_folder_is_not_taken_for_the_hub_s_model(models, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(models["m2m"], "some/model")
    with pytest.raises(ConfigError, match="is a folder here and has a `revision`"):
        engine(config_of(models, model="some/model", revision="05f78f6"))


def test_hub_model_that_cannot_be_had_is_named(models, engine, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TranslationError, match="some/model at revision 05f78f6 cannot be had"):
        engine(config_of(models, model="some/model", revision="05f78f6"))


def test_more_tokens_than_positions_are_refused(models, engine):
    with pytest.raises(ConfigError, match=f"max_new_tokens is 65, but .* {POSITIONS} positions"):
        engine(config_of(models, max_new_tokens=POSITIONS + 1))


def test_cpu_computes_in_float32(models, tmp_path):
    model = M2M100ForConditionalGeneration.from_pretrained(models["m2m"], dtype=torch.bfloat16)
    folder = tmp_path / "half"
    shutil.copytree(models["m2m"], folder)
    model.save_pretrained(folder)
    config = config_of(models, model=str(folder))
    translator = transformers_mt.Transformers(config, "cpu")
    assert {p.dtype for p in translator.model.parameters()} == {torch.float32}
    fast = ctranslate2_mt.CTranslate2(config, "bfloat16", "cpu", tmp_path / "cache")
    assert "bfloat16" not in fast.model.compute_type


def test_model_is_converted_once_for_each_content_and_quantization(models, tmp_path, said):
    folder = tmp_path / "copy"
    shutil.copytree(models["m2m"], folder)
    config = config_of(models, model=str(folder))
    for quantization in ("float32", "float32", "int8"):
        ctranslate2_mt.CTranslate2(config, quantization, "cpu", tmp_path / "cache")
    assert said().count("converting") == 2
    (folder / "added.txt").write_text("another content")
    ctranslate2_mt.CTranslate2(config, "int8", "cpu", tmp_path / "cache")
    assert said().count("converting") == 3


def test_killed_conversion_leaves_nothing(models, tmp_path, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(ctranslate2_mt._Converter, "load_tokenizer", fail)
        with pytest.raises(RuntimeError, match="killed"):
            ctranslate2_mt.CTranslate2(config_of(models), "int8", "cpu", tmp_path)
    assert not any(path.is_dir() for path in tmp_path.glob("*/*"))
    ctranslate2_mt.CTranslate2(config_of(models), "int8", "cpu", tmp_path)


@pytest.mark.parametrize("kind", CODES)
def test_quantized_model_translates(models, tmp_path, kind):
    fast = ctranslate2_mt.CTranslate2(config_of(models, kind, beams=2), "int8", "cpu", tmp_path)
    assert fast.model.compute_type.startswith("int8")
    results = fast.translate(SENTENCES)
    assert len({result.text for result in results}) > 3


@pytest.mark.parametrize(
    ("name", "own"), [("transformers_mt", {}), ("ctranslate2_mt", {"quantization": "int8"})]
)
def test_route_makes_the_engine(models, tmp_path, monkeypatch, name, own):
    monkeypatch.setattr(ctranslate2_mt, "CACHE", tmp_path)
    route = vars(config_of(models)) | {"kind": name} | own
    del route["revision"]  # as where the configuration has none
    translator = engines.translator(route)
    assert translator.config == config_of(models)
    assert translator.translate([SENTENCES[0]])[0].text


def test_missing_cuda_library_is_explained(models):
    with (
        pytest.raises(TranslationError, match=r"libcublas.so.12 .* docs/translators.md"),
        ctranslate2_mt._advice(config_of(models)),
    ):
        raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")


def test_killed_neural_run_goes_on_and_gives_the_same(models, engine, tmp_path, monkeypatch):
    translator = engine(config_of(models))
    monkeypatch.setattr(translator, "block_lines", 3, raising=False)
    texts = texts_of(*SENTENCES)
    whole = translate_table(texts, translator)
    journal = tmp_path / "journal"
    generate = translator.generate
    done: list[int] = []

    def killed(batch):
        done.append(len(batch))
        if sum(done) > 5:  # within the second block or the third
            raise Killed
        return generate(batch)

    monkeypatch.setattr(translator, "generate", killed)
    with pytest.raises(Killed):
        translate_table(texts, translator, journal)
    assert len(list(journal.glob("*.json"))) == 1
    monkeypatch.setattr(translator, "generate", generate)
    assert translate_table(texts, translator, journal).equals(whole)
