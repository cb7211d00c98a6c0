"""Long lines in pieces, batches within a budget, and what is lost, unknown or repeated."""

from pathlib import Path

import pytest
from neural import CODES, POSITIONS, SENTENCES, config_of, texts_of
from neural import models as models
from neural import quick as quick
from neural import said as said

from hybridbatch.data.sentences import sentence_spans
from hybridbatch.translation.engines._batches import (
    NeuralConfig,
    NeuralTranslator,
    Output,
    batches,
    repeats_itself,
)
from hybridbatch.translation.translate import Translation, summary, translate_table


class Echo(NeuralTranslator):
    """Gives back what it was given, and remembers the batches."""

    def __init__(self, config: NeuralConfig) -> None:
        super().__init__(config, Path(config.model))
        self.given: list[list[list[int]]] = []

    def generate(self, batch):
        self.given.append(batch)
        return [Output([self.target, *ids[1:-1]], True) for ids in batch]


def test_long_line_is_split_at_sentences_and_counted(models, said):
    echo = Echo(config_of(models))
    line = " ".join(SENTENCES)
    results = echo.translate([SENTENCES[0], line, SENTENCES[1]])
    assert [result.text for result in results] == [SENTENCES[0], line, SENTENCES[1]]
    spans = sentence_spans(line, "en")
    assert sum(map(len, echo.given)) >= 2 + len(spans)
    assert max(len(ids) for batch in echo.given for ids in batch) <= POSITIONS
    assert f"1 of 3 lines have more than {POSITIONS - 2} tokens and are split" in said()


def test_sentence_that_is_too_long_is_cut_into_pieces(models, said):
    echo = Echo(config_of(models))
    line = "the cat and the dog and " * 12 + "the fox."
    [result] = echo.translate([line])
    assert result.text.replace(" ", "") == line.replace(" ", "")
    assert max(len(ids) for batch in echo.given for ids in batch) == POSITIONS
    assert "1 sentences are longer still" in said()


def test_a_word_of_a_megabyte_fails_alone_and_at_once(models):
    echo = Echo(config_of(models))
    lines = ["x" * 2**20, "the cat sat.", "the " + "x" * 10_001, "x" * 10_000]
    results = echo.translate(lines)
    failed = Translation(None, error="a word of more than 10000 characters")
    assert results == [failed, *echo.translate([lines[1]]), failed, results[3]]
    assert results[3].text.replace(" ", "") == lines[3]


def test_short_limit_of_the_output_splits_too(models):
    echo = Echo(config_of(models, max_new_tokens=16))
    echo.translate([" ".join(SENTENCES)])
    assert max(len(ids) for batch in echo.given for ids in batch) == 16


@pytest.mark.parametrize("kind", CODES)
def test_text_that_looks_like_a_special_token_is_text(models, kind):
    echo = Echo(config_of(models, kind))
    echo.translate(["the </s> cat", f"the {CODES[kind][1]} __de__ cat"])
    end, target = echo.tokenizer.eos_token_id, echo.target
    given = [ids for batch in echo.given for ids in batch]
    assert [ids.count(end) for ids in given] == [1, 1]
    assert [ids.count(target) for ids in given] == [0, 0]


def test_unknown_words_of_the_output_are_counted_and_left_out(models):
    [result] = Echo(config_of(models)).translate(["the cat § sat"])
    assert result == Translation("the cat sat", unknown=1, lost=1)


def test_unknown_words_that_the_model_leaves_out_are_counted(models):
    class Deaf(Echo):
        def generate(self, batch):
            outputs, unknown = super().generate(batch), self.tokenizer.unk_token_id
            return [Output([i for i in out.ids if i != unknown], True) for out in outputs]

    [result] = Deaf(config_of(models)).translate(["the cat § sat §"])
    assert result == Translation("the cat sat", unknown=2, lost=2)


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize(("line", "lost"), [("the▁cat sat▁", 2), ("the  cat\u200b", 0)])
def test_characters_that_the_tokenizer_drops_are_counted(models, kind, line, lost):
    [result] = Echo(config_of(models, kind)).translate([line])
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

    results = Stuck(config_of(models)).translate(["the cat sat on the mat.", "the " * 12])
    assert [(result.cut, result.looping) for result in results] == [(1, 1), (1, 0)]
    assert "2 came out longer than max_new_tokens (64) and are cut, and 1 repeat" in said()
    table = translate_table(texts_of("the cat sat."), Stuck(config_of(models)))
    assert (table["cut"].to_pylist(), table["looping"].to_pylist()) == ([1], [1])
    assert summary(table)[0]["cut"] == 1


def test_batches_are_within_the_budget_longest_first():
    lengths = [3, 50, 1, 7, 7, 2, 30]
    made = list(batches(lengths, 20))
    assert sorted(i for batch in made for i in batch) == list(range(7))
    assert made == [[1], [6], [3, 4], [0, 5, 2]]
    assert list(batches([], 20)) == []
