"""Tokenizers are the same everywhere, balanced between languages, and cut where they are told."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models

from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.tokens import (
    counted,
    load_tokenizer,
    text_inputs,
    tokenize,
    train_unigram,
    without_special_tokens,
)
from hybridbatch.runtime.errors import DataError

WORDS = "the volcano river bridge glass paper salt coffee whale violin rises flows".split()  # noqa: SIM905


def sentences(n: int, seed: int = 0, suffix: str = "") -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(w + suffix for w in rng.choice(WORDS, 6)) + "." for _ in range(n)]


@pytest.fixture(scope="module")
def tokenizer_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    train_unigram({"en": sentences(200), "es": sentences(200, 1, "o")}, 150, 10**6).save(str(path))
    return path


def test_the_tokenizer_does_not_depend_on_the_number_of_threads():
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_tokens import sentences, train_unigram\n"
        "texts = {'en': sentences(3000), 'es': sentences(3000, 1, 'o')}\n"
        "print(train_unigram(texts, 300, 10**6).to_str())"
    )
    folders = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "workflow/scripts")]
    outputs = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", program, *folders],
                env={**os.environ, "RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "true"},
                check=True,
                capture_output=True,
            ).stdout
        ).hexdigest()
        for threads in ("1", "4")
    }
    assert len(outputs) == 1


def test_languages_are_balanced_by_characters():
    texts = {"en": sentences(5000), "es": sentences(100, 1, "ñ")}
    small = sum(map(len, texts["es"]))
    balanced = train_unigram(texts, 120, small)
    unbalanced = train_unigram(texts, 120, 10**9)

    def pieces(tokenizer) -> int:
        return sum(len(tokenizer.encode(text).ids) for text in texts["es"])

    assert pieces(balanced) <= pieces(unbalanced)
    assert balanced.get_vocab_size() <= 120


def test_texts_are_cut_at_max_tokens(tokenizer_file):
    tokens = tokenize(load_tokenizer(tokenizer_file, 5), ["the " * 50, "salt"], False)
    assert tokens.lengths().tolist()[0] == 5
    assert tokens.lengths()[1] < 5


def test_a_text_without_tokens_is_an_error(tokenizer_file):
    with pytest.raises(DataError, match="text 1 has no tokens"):
        tokenize(load_tokenizer(tokenizer_file, 5), ["salt", ""], False)


def test_inputs_are_the_tokens_of_each_side_s_prefix_and_text(tokenizer_file):
    tokenizer = load_tokenizer(tokenizer_file, 50)
    make = text_inputs(tokenizer, {"query": "Q: ", "document": "P: "}, special_tokens=False)
    for side, prefix in ((QUERY, "Q: "), (CANDIDATE, "P: ")):
        tokens = make(side, TEXT, ["salt?", "the river"])
        for i, text in enumerate(["salt?", "the river"]):
            expected = tokenizer.encode(prefix + text, add_special_tokens=False).ids
            assert tokens.take(np.array([i])).ids.tolist() == expected


def test_no_texts_are_no_inputs(tokenizer_file):
    make = text_inputs(load_tokenizer(tokenizer_file, 5), {"query": "", "document": ""}, False)
    assert len(make(QUERY, TEXT, [])) == 0


def test_inputs_of_text_are_not_made_of_images(tokenizer_file):
    make = text_inputs(load_tokenizer(tokenizer_file, 5), {"query": "", "document": ""}, False)
    with pytest.raises(DataError, match="embeds text only, and the query is of modality 'image'"):
        make(QUERY, IMAGE, [b"a picture"])


def test_special_token_in_a_text_is_text(tmp_path):
    """Texts may hold the characters of a special token, in the tokenizer's training as well."""
    lines = [*sentences(200), *["salt < p a d > / s u n k <pad> <unk> glass"] * 50]
    path = tmp_path / "tokenizer.json"
    train_unigram({"en": lines}, 150, 10**6).save(str(path))
    tokenizer = load_tokenizer(path, 50)
    vocabulary = tokenizer.get_vocab()
    special = {vocabulary["<pad>"], vocabulary["<unk>"]}
    make = text_inputs(tokenizer, {"query": "", "document": "<pad>"}, special_tokens=False)
    for text in ("salt <pad> glass", "salt<unk>", "<PAD>", "< pad> <pad"):
        ids = make(QUERY, TEXT, [text]).ids.tolist()
        assert not special & set(ids)
        assert tokenizer.decode(ids).replace(" ", "") == text.lower().replace(" ", "")
    assert vocabulary["<pad>"] in make(CANDIDATE, TEXT, ["salt"]).ids  # of the prefix


def test_special_tokens_of_other_tokenizers_are_broken():
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "[SEP]": 1, "a": 2}, unk_token="[UNK]"))
    assert without_special_tokens(tokenizer)("a [SEP]") == "a [SEP]"
    tokenizer.add_special_tokens(["[SEP]", "[UNK]"])
    assert without_special_tokens(tokenizer)("a [SEP] [sep]") == "a [ SEP] [ sep]"


def test_what_a_tokenizer_loses_is_counted(tokenizer_file):
    tokenizer = load_tokenizer(tokenizer_file, 50)
    assert tokenizer.encode("salt▁coffee").ids == tokenizer.encode("salt coffee").ids
    make = text_inputs(tokenizer, {"query": "", "document": ""}, special_tokens=False)
    texts = ["salt 字", "salt▁coffee", "字", "salt <pad>", "salt " * 80]
    with counted() as counts, counted() as also:
        tokens = make(QUERY, TEXT, texts)
        make(QUERY, TEXT, [])
    assert (
        counts
        == also
        == {
            "texts": 5,
            "tokens": tokens.lengths().sum(),
            "unknown_tokens": 2 + tokenizer.encode("salt < pad>").ids.count(1),
            "cut_texts": 1,
            "blank_sign_texts": 1,
            "special_texts": 1,
        }
    )
    make(QUERY, TEXT, texts)
    assert counts["texts"] == 5  # the block has ended
    at_the_limit = load_tokenizer(tokenizer_file, tokens.lengths()[1])
    with counted() as counts:
        tokenize(at_the_limit, [texts[1]], False)
    assert counts["cut_texts"] == 0


def test_unknown_tokens_are_also_those_of_the_prefix(tokenizer_file):
    """No text that the tokenizer was trained on has a colon."""
    prefixes = {"query": "the: ", "document": "the "}
    make = text_inputs(load_tokenizer(tokenizer_file, 50), prefixes, special_tokens=False)
    with counted() as of_queries:
        make(QUERY, TEXT, sentences(30))
    with counted() as of_candidates:
        make(CANDIDATE, TEXT, sentences(30))
    assert (of_queries["unknown_tokens"], of_candidates["unknown_tokens"]) == (30, 0)
