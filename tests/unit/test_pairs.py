"""Inputs of training pairs: each text once, aligned between languages, saved and loaded."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT
from hybridbatch.encoders.inputs import Dense, Inputs, Ragged, Repeating
from hybridbatch.encoders.pairs import PairInputs, pair_inputs
from hybridbatch.runtime.errors import DataError

NAMES = ("rows", "question_numbers", "passage_numbers", "question_keys", "passage_keys")
SIDES = ("queries", "passages", "negatives")
PAIRS = pa.table({"id": ["a", "b", "c"]})


class Letters:
    """Makes the characters' numbers of texts; candidates have a 0 before them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, side: str, modality: str, texts: Sequence[str]) -> Ragged:
        assert modality == TEXT
        self.asked += [(side, text) for text in texts]
        return Ragged.of([[0] * (side == CANDIDATE) + [ord(c) for c in text] for text in texts])


def _train(*rows: tuple[str, str, str, str | None]) -> pa.Table:
    names = ("id", "question", "passage", "negative")
    schema = pa.schema([(name, pa.string()) for name in names])
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)


ENGLISH = _train(
    ("a", "salt?", "salt", None), ("b", "salt?", "sea", "ice"), ("c", "why", "salt", None)
)


def _lists(inputs: Inputs) -> list[list[int]]:
    taken = inputs.take(np.arange(len(inputs)))
    return [taken.ids[a:b].tolist() for a, b in zip(taken.bounds, taken.bounds[1:], strict=False)]


def _codes(*texts: str) -> list[list[int]]:
    return [[ord(c) for c in text] for text in texts]


def test_keys_are_equal_where_texts_are_in_all_languages():
    english = pair_inputs(Letters(), PAIRS, ENGLISH)
    spanish = pair_inputs(Letters(), PAIRS, _train(("a", "¿sal?", "salt", None)))
    assert english.rows.tolist() == [0, 1, 2]
    assert spanish.rows.tolist() == [0]
    questions = english.question_keys[english.question_numbers].tolist()
    passages = english.passage_keys[english.passage_numbers].tolist()
    assert questions[0] == questions[1] != questions[2]
    assert passages[0] == passages[2] != passages[1]
    assert spanish.passage_keys[spanish.passage_numbers].tolist() == passages[:1]
    assert spanish.question_keys[spanish.question_numbers][0] not in questions


def test_texts_are_the_same_whatever_their_case_spaces_and_unicode_form():
    table = _train(
        ("a", "What did she buy?", "ﬁve  cafe\u0301s", None),
        ("b", "what did she BUY?", "five cafés", None),
        ("c", "What did he buy?", "five cafes", None),
    )
    found = pair_inputs(Letters(), PAIRS, table)
    for numbers in (found.question_numbers, found.passage_numbers):
        assert numbers[0] == numbers[1] != numbers[2]


def test_a_negative_that_is_the_pair_s_own_passage_is_left_out():
    table = _train(("a", "q", "Salt", "salt"), ("b", "r", "sea", "salt"), ("c", "s", "ice", None))
    found = pair_inputs(Letters(), PAIRS, table)
    assert _lists(found.negatives) == [[], [0, *map(ord, "salt")], []]


def test_every_side_has_the_inputs_of_its_texts():
    found = pair_inputs(Letters(), PAIRS, ENGLISH)
    assert _lists(found.queries) == _codes("salt?", "salt?", "why")
    assert _lists(found.passages) == _codes("\0salt", "\0sea", "\0salt")
    assert (found.negatives.lengths() > 0).tolist() == [False, True, False]
    assert _lists(found.negatives) == [[], [0, *map(ord, "ice")], []]


def test_each_text_is_made_into_inputs_once_however_the_table_comes():
    make = Letters()
    whole = pair_inputs(make, PAIRS, ENGLISH)
    assert sorted(make.asked) == [
        (CANDIDATE, "ice"), (CANDIDATE, "salt"), (CANDIDATE, "sea"),
        (QUERY, "salt?"), (QUERY, "why"),
    ]  # fmt: skip
    pieces = pair_inputs(Letters(), PAIRS, ENGLISH.to_batches(max_chunksize=1))
    for name in SIDES:
        assert _lists(getattr(pieces, name)) == _lists(getattr(whole, name))
    assert pieces.rows.tolist() == whole.rows.tolist()


@pytest.mark.parametrize(
    ("rows", "id_"), [([0, 1, 2, 2], "c"), ([1, 0], "a"), ([2, 0], "a")], ids=str
)
def test_pairs_that_are_out_of_order_are_refused(rows, id_):
    with pytest.raises(DataError, match=f"the pair '{id_}' is not among the corpus' pairs, or out"):
        pair_inputs(Letters(), PAIRS, ENGLISH.take(rows))


def test_a_pair_that_the_corpus_lacks_is_refused():
    with pytest.raises(DataError, match="the pair 'd' is not among"):
        pair_inputs(Letters(), PAIRS, _train(("d", "q", "p", None)))


@pytest.mark.parametrize(
    "passages",
    [
        Ragged.of([[5, 6], [7], [8]]),
        Repeating(Ragged.of([[], [1, 2], [3]]), np.array([1, 2, 1], dtype=np.int32)),
        Dense(np.arange(12, dtype=np.float32).reshape(3, 2, 2)),
        Repeating(Dense(np.arange(8).reshape(2, 4)), np.array([1, 0, 1], dtype=np.int32)),
    ],
    ids=["ragged", "repeating", "dense", "repeating dense"],
)
def test_saved_pairs_come_back_with_their_keys(tmp_path, passages):
    numbers = np.arange(3)
    sides = [Ragged.of([[1], [2, 3], [4]]), passages, Ragged.of([[], [9], []])]
    pairs = PairInputs(numbers, numbers, numbers[::-1].copy(), numbers + 5, numbers - 5, *sides)
    keys = {"corpus": "faq", "language": "en"}
    pairs.save(tmp_path / "pairs.safetensors", keys)
    loaded, found = PairInputs.load(tmp_path / "pairs.safetensors")
    assert found == keys
    for name in NAMES:
        assert np.array_equal(getattr(loaded, name), getattr(pairs, name))
    for name in SIDES:
        ours, theirs = getattr(loaded, name), getattr(pairs, name)
        assert type(ours) is type(theirs)
        assert ours.arrays().keys() == theirs.arrays().keys()
        for array, values in theirs.arrays().items():
            assert ours.arrays()[array].dtype == values.dtype
            assert np.array_equal(ours.arrays()[array], values)


def test_the_same_pairs_are_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        found = pair_inputs(Letters(), PAIRS, ENGLISH)
        found.save(tmp_path / name, {"language": "en", "corpus": "faq"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
