"""Every line comes out of Apertium as one line or as a recorded failure, whatever is in it.

The first half runs the real engine, where it is installed; the second half runs a stand-in that
breaks at lines that hold CRASH, in the ways in which the real one has been seen to break.
"""

import json
import math
import os
import stat
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from hybridbatch import apertium
from hybridbatch.apertium import Apertium
from hybridbatch.config import sources
from hybridbatch.errors import TranslationError
from hybridbatch.sources import Source, fetch, mirror_from_environment
from hybridbatch.translation import Translation

ENGLISH = (
    "The house is big.",
    "Where did the old teacher live?",
    "Water boils at a lower temperature in the mountains",
)
SPANISH = (
    "La casa es grande.",
    "¿Dónde vivía el viejo maestro?",
    "El agua hierve a menor temperatura en las montañas",
)
# A mode, sentences in its source language, and the first of them translated.
MODES = [
    ("eng-spa", ENGLISH, "La casa es grande."),
    ("eng-cat", ENGLISH, "La casa és gran."),
    ("en-gl", ENGLISH, "A casa é grande."),
    ("en-eo", ENGLISH, "La domo estas granda."),
    ("spa-ast", SPANISH, "La casa ye grande ."),
    ("es-pt", SPANISH, "A casa é grande."),
]
SYMBOLS = [*"[]{}^$/\\@<>*#", "[[", "]]", "[]", "^$", "{}", "😀", "𝔘", "\\[", "^a<n>$"]
IN_WORDS = ["a [b] c", "a {b} c", "it costs $5", "and/or", "me@here.org", "a < b > c", "back\\slash"]
IN_WORDS += ["#tag", "*star", "x*y", "[\\n3\\n]", "[7]", ".[]", "a.[] b", "a^b$c@d", "<b>", "&#34;a"]


def _real(mode: str) -> Apertium:
    try:
        return Apertium(mode, "")
    except TranslationError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_lines_come_out_one_for_one(mode, sentences, first):
    engine = _real(mode)
    results = engine.translate(sentences * 5)
    assert len(results) == 15
    assert results[0] == Translation(first)
    assert results == results[:3] * 5
    assert len({result.text for result in results}) == 3
    assert all(result.text and result.error is None for result in results)


def test_lines_beyond_one_run_of_the_engine_come_out_in_order():
    engine = _real("eng-spa")
    results = engine.translate([f"{number} houses." for number in range(2, 1203)])
    assert [result.text for result in results] == [f"{n} casas." for n in range(2, 1203)]


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_special_characters_leave_neighbours_alone(mode, sentences, first):
    engine = _real(mode)
    lines = [part for line in SYMBOLS + IN_WORDS for part in (line, sentences[0])]
    results = engine.translate(lines)
    assert [result.text for result in results[1::2]] == [first] * (len(lines) // 2)
    assert all(result.text for result in results)


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_special_characters_come_through(mode, sentences, first):
    engine = _real(mode)
    symbols = [symbol for symbol in SYMBOLS if not any(c.isascii() and c.isalpha() for c in symbol)]
    assert [result.text for result in engine.translate(symbols)] == symbols


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_unknown_words_are_counted_and_unmarked(mode, sentences, first):
    engine = _real(mode)
    known, one, two = engine.translate(
        [sentences[0], f"Zbrxt {sentences[0]}", f"{sentences[0]} Zbrxt qzwpfk."]
    )
    assert (known.unknown, one.unknown, two.unknown) == (0, 1, 2)
    assert "zbrxt" in one.text.lower()
    assert not set("*#@") & set(one.text + two.text)


@pytest.mark.parametrize(
    ("mode", "line", "word"),
    [
        ("eng-spa", "The 24oz cup is big.", "24oz"),
        ("eng-cat", "The 24oz cup is big.", "24oz"),
        ("spa-ast", "La copa 24oz es grande.", "24oz"),
        ("spa-ast", "zbrxt\\qzwpfk", "zbrxt\\qzwpfk"),
        ("es-pt", "zbrxt\\qzwpfk", "zbrxt\\qzwpfk"),
    ],
)
def test_mark_within_a_word_is_counted_and_taken_out(mode, line, word):
    (result,) = _real(mode).translate([line])
    assert word in result.text
    assert "*" not in result.text
    assert result.unknown >= 1


def test_marks_of_the_source_stay():
    (result,) = _real("eng-spa").translate(["The house is *big* and #old."])
    assert "*" in result.text
    assert "#" in result.text


def test_empty_lines_stay_empty():
    lines = ["", ENGLISH[0], "   ", "\t", ENGLISH[0], "\r\n"]
    empty, house = Translation(""), Translation("La casa es grande.")
    results = _real("eng-spa").translate(lines)
    assert results == [empty, house, empty, empty, house, empty]


def test_no_lines_are_no_results():
    assert _real("eng-spa").translate([]) == []


@pytest.mark.parametrize("control", ["\n", "\r\n", "\t", "\0", "\x1b", "\n[\n0\n]\n"])
def test_control_characters_do_not_cut_a_line(control):
    results = _real("eng-spa").translate([f"The house{control}is big.", ENGLISH[0]])
    assert len(results) == 2
    assert results[1] == Translation("La casa es grande.")
    assert results[0].text.startswith("La casa")
    assert results[0].text.isprintable()


def test_missing_mode_says_what_to_install():
    with pytest.raises(TranslationError) as caught:
        Apertium("eng-zzz", "apertium-eng-zzz")
    assert "eng-zzz" in str(caught.value)
    assert "apt-get install apertium apertium-eng-zzz" in str(caught.value)


def test_missing_engine_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "eng-spa.mode").touch()
    monkeypatch.setattr(apertium, "_MODES", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TranslationError, match="apt-get install apertium apertium-eng-spa"):
        Apertium("eng-spa", "apertium-eng-spa")


@cache
def _squadshifts() -> list[str]:
    """The contexts of amazon_reviews and reddit, white space normalised; skips without mirror."""
    mirror = mirror_from_environment()
    if mirror is None:
        pytest.skip("HYBRIDBATCH_MIRROR names no mirror with SQuADShifts")
    import yaml

    catalogue = Path(__file__).parents[2] / "config" / "catalogue.yaml"
    pinned = sources(yaml.safe_load(catalogue.read_text(encoding="utf-8")))
    return pinned, mirror
