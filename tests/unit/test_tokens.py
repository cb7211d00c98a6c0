"""Token ids: gathered, aligned between languages, from a tokenizer that is the same everywhere."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.encoders.tokens import (
    Ragged,
    TokenizedPairs,
    load_tokenizer,
    tokenize,
    tokenize_table,
    train_unigram,
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


def test_take_gathers_like_lists():
    lists = [[1, 2, 3], [], [4], [5, 6]]
    ragged = Ragged.of(lists)
    rows = np.array([3, 1, 0, 3])
    taken = ragged.take(rows)
    assert len(taken) == 4
    for i, row in enumerate(rows):
        found = taken.ids[taken.bounds[i] : taken.bounds[i + 1]].tolist()
        assert found == lists[row]
    assert taken.lengths().tolist() == [2, 0, 3, 2]
    assert len(ragged.take(np.array([], dtype=np.int64))) == 0


def test_saved_pairs_come_back(tmp_path):
    numbers = np.arange(3)
    sides = [Ragged.of([[1], [2, 3], [4]]), Ragged.of([[5, 6], [7], [8]]), Ragged.of([[], [9], []])]
    pairs = TokenizedPairs(numbers, numbers, numbers[::-1].copy(), *sides)
    pairs.save(tmp_path / "pairs.safetensors")
    loaded = TokenizedPairs.load(tmp_path / "pairs.safetensors")
    for name in ("rows", "question_numbers", "passage_numbers"):
        assert np.array_equal(getattr(loaded, name), getattr(pairs, name))
    for name in ("queries", "passages", "negatives"):
        assert np.array_equal(getattr(loaded, name).ids, getattr(pairs, name).ids)
        assert np.array_equal(getattr(loaded, name).bounds, getattr(pairs, name).bounds)


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


def test_numbers_are_comparable_between_languages(tokenizer_file):
    tokenizer = load_tokenizer(tokenizer_file, 50)
    pairs = pa.table(
        {"id": ["a", "b", "c"], "question_id": ["q", "q", "r"], "passage_id": ["x", "y", "x"]}
    )
    full = {
        "question": ["salt?"] * 3,
        "passage": ["the salt"] * 3,
        "negative": [None, "glass", None],
    }
    negative = pa.array(full["negative"], pa.string())
    en = pa.table({"id": ["a", "b", "c"], **full}).set_column(3, "negative", negative)
    es = en.take([0, 2])
    english = tokenize_table(tokenizer, pairs, en, "Q: ", "P: ", False)
    spanish = tokenize_table(tokenizer, pairs, es, "Q: ", "P: ", False)
    assert english.passage_numbers.tolist() == [0, 1, 0]
    assert english.question_numbers.tolist() == [0, 0, 1]
    assert spanish.rows.tolist() == [0, 2]
    assert spanish.passage_numbers.tolist() == [0, 0]
    assert (english.negatives.lengths() > 0).tolist() == [False, True, False]
    prefix = tokenizer.encode("Q: salt?", add_special_tokens=False).ids
    assert english.queries.take(np.array([0])).ids.tolist() == prefix
