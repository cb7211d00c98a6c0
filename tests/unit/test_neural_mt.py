"""Neural translation with tiny random models: the same text as a plain call, safe to interrupt."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
import sentencepiece
import torch
from threads import one_thread
from transformers import (
    AutoTokenizer,
    M2M100Config,
    M2M100ForConditionalGeneration,
    M2M100Tokenizer,
    NllbTokenizer,
)

from hybridbatch.data.sentences import sentence_spans
from hybridbatch.runtime.errors import ConfigError, DataError, TranslationError
from hybridbatch.translation import engines
from hybridbatch.translation.engines import ctranslate2_mt, transformers_mt
from hybridbatch.translation.engines._batches import (
    NeuralConfig,
    NeuralTranslator,
    Output,
    batches,
    language_ids,
    repeats_itself,
)
from hybridbatch.translation.translate import (
    COUNTS,
    TEXT_SCHEMA,
    Translation,
    key_of_translation,
    summary,
    translate_table,
)

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
NLLB_CODES = ["eng_Latn", "deu_Latn", "zho_Hans", "zho_Hant"]
SEEDS = {"m2m": 9, "nllb": 8}  # with which translations differ and most of them end
CODES = {"m2m": ("en", "de"), "nllb": ("eng_Latn", "deu_Latn")}
POSITIONS = 64
SENTENCES = [
    "The cat sat on the mat.",
    "Dogs and birds fly over the river.",
    "Who wrote the book about rivers and cats?",
    "A fox jumps.",
    "It was late.",
    "The river is long and the book is short, said the fox to the birds.",
    "No!",
    "Cats fly late.",
]


@pytest.fixture(scope="module", autouse=True)
def quick():
    with one_thread():
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Folders of a random M2M-100 and a random NLLB, with vocabularies of their kinds."""
    root = tmp_path_factory.mktemp("models")
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES * 20),
        model_prefix=str(root / "pieces"),
        vocab_size=80,
        model_type="bpe",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(str(root / "pieces.model"))
    words = [pieces.id_to_piece(i) for i in range(3, pieces.get_piece_size())]
    vocabulary = {token: i for i, token in enumerate(SPECIAL + words)}
    (root / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    m2m = M2M100Tokenizer(str(root / "vocab.json"), str(root / "pieces.model"))
    # As in the real ones: 8 rows without a token behind M2M-100's 100 languages, and 2 of NLLB's.
    _save(root / "m2m", m2m, len(vocabulary) + 100 + 8)
    with_codes = {t: i for i, t in enumerate([*vocabulary, *NLLB_CODES, "<mask>"])}
    merges = [tuple(merge) for merge in _merges(words)]
    nllb = NllbTokenizer(vocab=with_codes, merges=merges, additional_special_tokens=NLLB_CODES)
    _save(root / "nllb", nllb, len(with_codes) + 2)
    return {"m2m": root / "m2m", "nllb": root / "nllb"}


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Merges that build the words of a vocabulary, shortest first."""
    known, merges = set(words), []
    for word in sorted(words, key=len):
        pairs = [(word[:i], word[i:]) for i in range(1, len(word))]
        merges += [pair for pair in pairs if known.issuperset(pair)][:1]
    return merges


def _save(folder: Path, tokenizer, size: int) -> None:
    torch.manual_seed(SEEDS[folder.name])
    config = M2M100Config(
        vocab_size=size,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        max_position_embeddings=POSITIONS,
        scale_embedding=False,  # so that positions count, and few texts repeat one word
        init_std=0.6,  # scores far apart, so that the last bits decide nothing
    )
    model = M2M100ForConditionalGeneration(config)
    with torch.no_grad():  # languages come out seldom, and ends often, as of a real model
        rows = model.get_input_embeddings().weight
        rows[min(language_ids(tokenizer).values()) :] *= 0.2
        rows[tokenizer.eos_token_id] *= 2.5
    # What the stored generation settings say must not matter.
    model.generation_config.num_beams = 3
    model.generation_config.repetition_penalty = 2.0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _config(models: dict[str, Path], kind: str = "m2m", **changes: object) -> NeuralConfig:
    source, target = CODES[kind]
    values = {
        "model": str(models[kind]),
        "source": "en",
        "source_code": source,
        "target_code": target,
        "beams": 1,
        "max_new_tokens": POSITIONS,
        "batch_tokens": 60,
    }
    return NeuralConfig(**(values | changes))


@cache
def _plain(folder: Path, kind: str, line: str, beams: int = 1, tokens: int = POSITIONS) -> str:
    """One line by a plain call of `generate`."""
    source, target = CODES[kind]
    tokenizer, model = _loaded(folder, source)
    codes = language_ids(tokenizer)
    output = model.generate(
        **tokenizer(line, return_tensors="pt"),
        forced_bos_token_id=codes[target],
        num_beams=beams,
        max_new_tokens=tokens,
        early_stopping=beams > 1,
        repetition_penalty=1.0,
    )
    # transformers 5 writes M2M-100's codes into the text.
    ids = [i for i in output[0].tolist() if i not in codes.values()]
    return " ".join(tokenizer.decode(ids, skip_special_tokens=True).split())


@cache
def _loaded(folder: Path, source: str) -> tuple:
    tokenizer = AutoTokenizer.from_pretrained(folder, src_lang=source)
    return tokenizer, M2M100ForConditionalGeneration.from_pretrained(folder).eval()


Engine = Callable[[NeuralConfig], NeuralTranslator]


@pytest.fixture(scope="session", params=["transformers", "ctranslate2"])
def engine(request, tmp_path_factory) -> Engine:
    """Makes either engine on the CPU."""
    if request.param == "transformers":
        return lambda config: transformers_mt.Transformers(config, "cpu")
    cache = tmp_path_factory.mktemp("converted")
    return lambda config: ctranslate2_mt.CTranslate2(config, "float32", "cpu", cache)


@pytest.fixture
def said(caplog) -> Callable[[], str]:
    """What was logged."""
    caplog.set_level(logging.INFO, logger="hybridbatch")
    return lambda: "\n".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("kind", CODES)
def test_greedy_text_is_that_of_a_plain_call_for_each_line(models, engine, kind):
    results = engine(_config(models, kind)).translate(SENTENCES)
    plain = [_plain(models[kind], kind, line) for line in SENTENCES]
    assert [result.text for result in results] == plain
    assert len(set(plain)) > 5, "the models tell nothing apart"
    assert all(result.error is None for result in results)


@pytest.mark.parametrize("kind", CODES)
def test_beam_search_is_that_of_a_plain_call(models, engine, kind):
    translator = engine(_config(models, kind, beams=3, max_new_tokens=24))
    results = translator.translate(SENTENCES[3:])
    lines = [line for line in SENTENCES[3:] if len(line) < 60]
    plain = [_plain(models[kind], kind, line, beams=3, tokens=24) for line in lines]
    assert [results[SENTENCES.index(line) - 3].text for line in lines] == plain
    assert plain != [_plain(models[kind], kind, line, tokens=24) for line in lines]


@pytest.mark.parametrize("kind", CODES)
def test_translation_that_is_too_long_is_cut_and_counted(models, engine, said, kind):
    lines = [SENTENCES[i] for i in (3, 4, 6, 7)]
    results = engine(_config(models, kind, max_new_tokens=16)).translate(lines)
    plain = [_plain(models[kind], kind, line, tokens=16) for line in lines]
    assert [result.text for result in results] == plain
    cut = [p != _plain(models[kind], kind, line) for p, line in zip(plain, lines, strict=True)]
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
        _config(models, kind, model=str(folder)), "float32", "cpu", tmp_path / "cache"
    ).translate
    assert [result.text for result in translate(SENTENCES)] == [
        _plain(models[kind], kind, line) for line in SENTENCES
    ]


def test_order_does_not_matter(models, engine):
    translator = engine(_config(models))
    straight = translator.translate(SENTENCES)
    assert translator.translate(SENTENCES[::-1]) == straight[::-1]
    assert [translator.translate([line])[0] for line in SENTENCES] == straight


def test_languages_make_a_difference(models, engine):
    one, other = (engine(_config(models, target_code=code)) for code in ("de", "tr"))
    assert one.translate(SENTENCES) != other.translate(SENTENCES)
    other = engine(_config(models, source_code="tr"))
    assert one.translate(SENTENCES) != other.translate(SENTENCES)


def test_empty_lines_are_empty_translations(models, engine):
    results = engine(_config(models)).translate(["", SENTENCES[0], " \n"])
    assert results[0] == results[2] == Translation("")
    assert results[1].text
    assert engine(_config(models)).translate([]) == []


class Echo(NeuralTranslator):
    """Gives back what it was given, and remembers the batches."""

    def __init__(self, config: NeuralConfig) -> None:
        super().__init__(config, Path(config.model))
        self.given: list[list[list[int]]] = []

    def generate(self, batch):
        self.given.append(batch)
        return [Output([self.target, *ids[1:-1]], True) for ids in batch]


def test_long_line_is_split_at_sentences_and_counted(models, said):
    echo = Echo(_config(models))
    line = " ".join(SENTENCES)
    results = echo.translate([SENTENCES[0], line, SENTENCES[1]])
    assert [result.text for result in results] == [SENTENCES[0], line, SENTENCES[1]]
    spans = sentence_spans(line, "en")
    assert sum(map(len, echo.given)) >= 2 + len(spans)
    assert max(len(ids) for batch in echo.given for ids in batch) <= POSITIONS
    assert f"1 of 3 lines have more than {POSITIONS - 2} tokens and are split" in said()


def test_sentence_that_is_too_long_is_cut_into_pieces(models, said):
    echo = Echo(_config(models))
    line = "the cat and the dog and " * 12 + "the fox."
    [result] = echo.translate([line])
    assert result.text.replace(" ", "") == line.replace(" ", "")
    assert max(len(ids) for batch in echo.given for ids in batch) == POSITIONS
    assert "1 sentences are longer still" in said()


def test_a_word_of_a_megabyte_fails_alone_and_at_once(models):
    echo = Echo(_config(models))
    lines = ["x" * 2**20, "the cat sat.", "the " + "x" * 10_001, "x" * 10_000]
    results = echo.translate(lines)
    failed = Translation(None, error="a word of more than 10000 characters")
    assert results == [failed, *echo.translate([lines[1]]), failed, results[3]]
    assert results[3].text.replace(" ", "") == lines[3]


def test_short_limit_of_the_output_splits_too(models):
    echo = Echo(_config(models, max_new_tokens=16))
    echo.translate([" ".join(SENTENCES)])
    assert max(len(ids) for batch in echo.given for ids in batch) == 16


@pytest.mark.parametrize("kind", CODES)
def test_text_that_looks_like_a_special_token_is_text(models, kind):
    echo = Echo(_config(models, kind))
    echo.translate(["the </s> cat", f"the {CODES[kind][1]} __de__ cat"])
    end, target = echo.tokenizer.eos_token_id, echo.target
    given = [ids for batch in echo.given for ids in batch]
    assert [ids.count(end) for ids in given] == [1, 1]
    assert [ids.count(target) for ids in given] == [0, 0]


def test_unknown_words_of_the_output_are_counted_and_left_out(models):
    [result] = Echo(_config(models)).translate(["the cat § sat"])
    assert result == Translation("the cat sat", unknown=1, lost=1)


def test_unknown_words_that_the_model_leaves_out_are_counted(models):
    class Deaf(Echo):
        def generate(self, batch):
            outputs, unknown = super().generate(batch), self.tokenizer.unk_token_id
            return [Output([i for i in out.ids if i != unknown], True) for out in outputs]

    [result] = Deaf(_config(models)).translate(["the cat § sat §"])
    assert result == Translation("the cat sat", unknown=2, lost=2)


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize(("line", "lost"), [("the▁cat sat▁", 2), ("the  cat\u200b", 0)])
def test_characters_that_the_tokenizer_drops_are_counted(models, kind, line, lost):
    [result] = Echo(_config(models, kind)).translate([line])
    assert result.lost == lost


@pytest.mark.parametrize(
    ("ids", "looping"),
    [
        ([7] * 10, True),
        ([1, 2, 3, *[7] * 10, 4], True),
        ([7] * 9, False),
        ([1, *[7, 8] * 5], True),
        ([7, 8] * 4, False),
        ([7, 8, 9] * 4, False),
        ([7, 8, 9] * 5, True),
        (list(range(8)) * 5, True),
        (list(range(9)) * 6, False),
        (list(range(100)), False),
        ([], False),
    ],
)
def test_loops_are_runs_of_five(ids, looping):
    assert repeats_itself(ids) == looping


def test_looping_output_is_counted_unless_the_source_loops_too(models, said):
    class Stuck(Echo):
        def generate(self, batch):
            return [Output(out.ids[:3] * 10, False) for out in super().generate(batch)]

    results = Stuck(_config(models)).translate(["the cat sat on the mat.", "the " * 12])
    assert [(result.cut, result.looping) for result in results] == [(1, 1), (1, 0)]
    assert "2 came out longer than max_new_tokens (64) and are cut, and 1 repeat" in said()
    table = translate_table(_texts("the cat sat."), Stuck(_config(models)))
    assert (table["cut"].to_pylist(), table["looping"].to_pylist()) == ([1], [1])
    assert summary(table)[0]["cut"] == 1


def test_batches_are_within_the_budget_longest_first():
    lengths = [3, 50, 1, 7, 7, 2, 30]
    made = list(batches(lengths, 20))
    assert sorted(i for batch in made for i in batch) == list(range(7))
    assert made == [[1], [6], [3, 4], [0, 5, 2]]
    assert list(batches([], 20)) == []


@pytest.mark.parametrize(
    ("kind", "code", "close"),
    [("m2m", "dee", "close to it are .*de"), ("nllb", "zho_Hanz", "zho_Han., zho_Han.")],
)
@pytest.mark.parametrize("end", ["source_code", "target_code"])
def test_unknown_language_is_named_with_those_close_to_it(models, engine, kind, code, close, end):
    with pytest.raises(TranslationError, match=f"does not know the language {code}; .*{close}"):
        engine(_config(models, kind, **{end: code}))


def test_pickled_weights_are_refused(models, engine, tmp_path):
    folder = tmp_path / "pickled"
    shutil.copytree(models["m2m"], folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ConfigError, match="pickled weights are refused"):
        engine(_config(models, model=str(folder)))


def test_hub_name_needs_a_revision(models, engine):
    with pytest.raises(ConfigError, match=r"some/model: .* needs a `revision`"):
        engine(_config(models, model="some/model"))


def test_a_folder_is_not_taken_for_the_hub_s_model(models, engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(models["m2m"], "some/model")
    with pytest.raises(ConfigError, match="is a folder here and has a `revision`"):
        engine(_config(models, model="some/model", revision="05f78f6"))


def test_hub_model_that_cannot_be_had_is_named(models, engine, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(TranslationError, match="some/model at revision 05f78f6 cannot be had"):
        engine(_config(models, model="some/model", revision="05f78f6"))


def test_more_tokens_than_positions_are_refused(models, engine):
    with pytest.raises(ConfigError, match=f"max_new_tokens is 65, but .* {POSITIONS} positions"):
        engine(_config(models, max_new_tokens=POSITIONS + 1))


def test_cpu_computes_in_float32(models, tmp_path):
    model = M2M100ForConditionalGeneration.from_pretrained(models["m2m"], dtype=torch.bfloat16)
    folder = tmp_path / "half"
    shutil.copytree(models["m2m"], folder)
    model.save_pretrained(folder)
    config = _config(models, model=str(folder))
    translator = transformers_mt.Transformers(config, "cpu")
    assert {p.dtype for p in translator.model.parameters()} == {torch.float32}
    fast = ctranslate2_mt.CTranslate2(config, "bfloat16", "cpu", tmp_path / "cache")
    assert "bfloat16" not in fast.model.compute_type


def test_model_is_converted_once_for_each_content_and_quantization(models, tmp_path, said):
    folder = tmp_path / "copy"
    shutil.copytree(models["m2m"], folder)
    config = _config(models, model=str(folder))
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
            ctranslate2_mt.CTranslate2(_config(models), "int8", "cpu", tmp_path)
    assert not any(path.is_dir() for path in tmp_path.glob("*/*"))
    ctranslate2_mt.CTranslate2(_config(models), "int8", "cpu", tmp_path)


@pytest.mark.parametrize("kind", CODES)
def test_quantized_model_translates(models, tmp_path, kind):
    fast = ctranslate2_mt.CTranslate2(_config(models, kind, beams=2), "int8", "cpu", tmp_path)
    assert fast.model.compute_type.startswith("int8")
    results = fast.translate(SENTENCES)
    assert len({result.text for result in results}) > 3


@pytest.mark.parametrize(
    ("name", "own"), [("transformers_mt", {}), ("ctranslate2_mt", {"quantization": "int8"})]
)
def test_route_makes_the_engine(models, tmp_path, monkeypatch, name, own):
    monkeypatch.setattr(ctranslate2_mt, "CACHE", tmp_path)
    route = vars(_config(models)) | {"kind": name} | own
    del route["revision"]  # as where the configuration has none
    translator = engines.translator(route)
    assert translator.config == _config(models)
    assert translator.translate([SENTENCES[0]])[0].text


def test_missing_cuda_library_is_explained(models):
    with (
        pytest.raises(TranslationError, match=r"libcublas.so.12 .* docs/translators.md"),
        ctranslate2_mt._advice(_config(models)),
    ):
        raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")


class Killed(BaseException):
    """Not an Exception, as a signal is none."""


class Slow:
    """Shouts three lines at a time; line `fail` fails, and after `blocks` blocks it is killed."""

    block_lines = 3

    def __init__(self, blocks: int = 100) -> None:
        self.blocks = blocks
        self.given: list[list[str]] = []

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        if len(self.given) == self.blocks:
            raise Killed
        self.given.append(list(lines))
        return [
            Translation(None, error="refused") if line == "fail" else Translation(line.upper(), 1)
            for line in lines
        ]


def _texts(*lines: str | None) -> pa.Table:
    rows = [
        {
            "text_id": f"q:{i}",
            "text": line,
            "words": 1,
            "unknown": 0,
            "error": None if line is not None else "earlier",
            **dict.fromkeys(COUNTS, 0),
        }
        for i, line in enumerate(lines)
    ]
    return pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)


def test_killed_run_goes_on_and_gives_the_same(tmp_path, said):
    texts = _texts("a", "b", "fail", None, "ç\n字", "", "g", "h", "i", "j")
    journal = tmp_path / key_of_translation(["values"], texts)
    with pytest.raises(Killed):
        translate_table(texts, Slow(blocks=2), journal)
    assert "going on" not in said()
    again = Slow()
    resumed = translate_table(texts, again, journal)
    assert again.given == [["h", "i", "j"]]
    assert f"going on after the blocks in {journal}" in said()
    assert resumed.equals(translate_table(texts, Slow()))
    assert resumed["error"].to_pylist()[2:4] == ["refused", "pivot: earlier"]


def test_killed_neural_run_goes_on_and_gives_the_same(models, engine, tmp_path, monkeypatch):
    translator = engine(_config(models))
    monkeypatch.setattr(translator, "block_lines", 3, raising=False)
    texts = _texts(*SENTENCES)
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


def test_other_values_or_texts_do_not_resume(tmp_path):
    texts = _texts("a", "b")
    key = key_of_translation({"beams": 1}, texts)
    assert key_of_translation({"beams": 1}, _texts("a", "b")) == key
    assert key_of_translation({"beams": 2}, texts) != key
    assert key_of_translation({"beams": 1}, _texts("a", "c")) != key


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b.replace(b"D", b"X", 1)])
def test_damaged_block_is_set_aside_and_translated_again(tmp_path, said, damage):
    texts, journal = _texts(*"abcdefg"), tmp_path / "journal"
    whole = translate_table(texts, Slow(), journal)
    block = journal / "000001.json"
    assert damage(block.read_bytes()) != block.read_bytes()
    block.write_bytes(damage(block.read_bytes()))
    again = Slow()
    assert translate_table(texts, again, journal).equals(whole)
    assert again.given == [["d", "e", "f"]]
    assert f"{block}: is damaged; set aside as" in said()
    assert len(list(journal.glob("000001.json.*.damaged"))) == 1


def test_engine_without_blocks_leaves_no_journal(tmp_path):
    class Quick(Slow):
        block_lines = None

    quick = Quick()
    translate_table(_texts(*"abcde"), quick, tmp_path / "journal")
    assert quick.given == [list("abcde")]
    assert list(tmp_path.iterdir()) == []


def test_wrong_number_of_results_in_a_block_is_an_error(tmp_path):
    class Short(Slow):
        def translate(self, lines: Sequence[str]) -> list[Translation]:
            return super().translate(lines)[1:]

    with pytest.raises(DataError, match="returned 2 results for 3 lines"):
        translate_table(_texts(*"abcde"), Short(), tmp_path / "journal")
    assert list(tmp_path.iterdir()) == []
