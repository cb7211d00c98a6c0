"""Pairs of a training corpus: gathered, hashed, shared out, and grouped by equal texts."""

import numpy as np
import pytest
from trainings import corpus

from hybridbatch.encoders.inputs import Ragged
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.training.data import TrainingCorpus


def test_corpus_gathers_the_tokens_of_each_pair_in_its_language():
    def pairs(numbers: list[int], *sides: list[list[int]]) -> PairInputs:
        rows = np.array(numbers)
        keys = np.arange(9)
        return PairInputs(rows, rows // 3, rows // 2, keys, keys, *map(Ragged.of, sides))

    # Pair 1 exists in no language, pair 3 only in es: rows are numbered over what exists.
    faq = TrainingCorpus(
        "faq",
        {
            "en": pairs([0, 2], [[1], [2, 3]], [[11], [12]], [[21], []]),
            "es": pairs([2, 3], [[4, 5, 6], [7]], [[14], [15, 16]], [[], [22, 23]]),
        },
    )
    assert faq.pairs.available.tolist() == [[True, False], [True, True], [False, True]]
    a, b, c = faq.pairs.questions.tolist()
    assert a == b != c
    a, b, c = faq.pairs.passages.tolist()
    assert a != b == c
    rows, languages = np.array([2, 0, 1, 1]), np.array([1, 0, 1, 0])
    for gathered, ids, lengths in (
        (faq.queries, [7, 1, 4, 5, 6, 2, 3], [1, 1, 3, 2]),
        (faq.passages, [15, 16, 11, 14, 12], [2, 1, 1, 1]),
        (faq.negatives, [22, 23, 21], [2, 1, 0, 0]),
    ):
        tokens = gathered(rows, languages)
        assert tokens.ids.tolist() == ids
        assert tokens.lengths().tolist() == lengths


@pytest.mark.parametrize("side", range(8))
def test_content_hash_changes_with_every_part_of_the_pairs(side):
    def hashed(*changed: np.ndarray | Ragged) -> str:
        parts = [np.arange(2)] * 5 + [Ragged.of([[1, 2], [3]])] * 3
        if changed:
            parts[side] = changed[0]
        return TrainingCorpus("faq", {"en": PairInputs(*parts)}).content_hash()

    # Other numbers, or other tokens, or the same tokens cut elsewhere.
    others = (
        [Ragged.of([[1, 2], [4]]), Ragged.of([[1], [2, 3]])] if side > 4 else [np.array([1, 0])]
    )
    assert hashed() == hashed()
    assert len({hashed(), *map(hashed, others)}) == 1 + len(others)


def test_a_share_of_the_pairs_is_nested_and_the_same_in_every_language():
    whole = corpus("faq", ("en", "es"), 50, 0)
    parts = {share: corpus("faq", ("en", "es"), 50, 0, share) for share in (0.1, 0.33, 1.0)}
    assert [len(part.pairs) for part in parts.values()] == [5, 17, 50]
    small, larger, all_ = (set(part.pairs.questions) for part in parts.values())
    assert small < larger < all_ == set(whole.pairs.questions)
    part = parts[0.33]
    rows = np.arange(len(part.pairs))
    for column in range(2):
        rows = np.flatnonzero(part.pairs.available[:, column])
        languages = np.full(len(rows), column)
        found = part.queries(rows, languages)
        expected = whole.queries(part.pairs.questions[rows], languages)
        assert found.ids.tolist() == expected.ids.tolist()


def test_texts_that_are_equal_in_any_language_are_one():
    """Pairs 0 and 1 are one question in en, 1 and 2 in es, so that all three are; 3 is alone."""

    def side(rows: list[int], keys: list[int]) -> PairInputs:
        distinct, numbers = np.unique(keys, return_inverse=True)
        ids = Ragged.of([[key] for key in keys])
        alone = np.array(rows) + 100
        return PairInputs(
            np.array(rows), numbers, np.arange(len(rows)), distinct, alone, ids, ids, ids
        )

    faq = TrainingCorpus(
        "faq",
        {"en": side([0, 1, 2, 3], [7, 7, 8, 9]), "es": side([1, 2, 3], [5, 5, 6])},
    )
    a, b, c, d = faq.pairs.questions.tolist()
    assert a == b == c != d
    assert len(set(faq.pairs.passages.tolist())) == 4
    # A text of one language that is another pair's in the other language.
    mixed = TrainingCorpus("faq", {"en": side([0, 1], [7, 8]), "es": side([0, 1], [9, 7])})
    assert len(set(mixed.pairs.questions.tolist())) == 1


def test_another_share_is_another_run():
    hashes = {corpus("faq", ("en",), 50, 0, share).content_hash() for share in (0.5, 0.52, 1.0)}
    assert len(hashes) == 3
