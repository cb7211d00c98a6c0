"""Every line comes out of Apertium as one line; characters and unknown words are counted."""

import pytest
from engines import ENGLISH, MODES, real

from hybridbatch.runtime.errors import TranslationError
from hybridbatch.translation.engines import apertium
from hybridbatch.translation.engines.apertium import Apertium
from hybridbatch.translation.translate import Translation

SYMBOLS = [*"[]{}^$/\\@<>*#", "[[", "]]", "[]", "^$", "{}", "😀", "𝔘", "\\[", "^a<n>$"]
IN_WORDS = [
    "a [b] c",
    "a {b} c",
    "it costs $5",
    "and/or",
    "me@here.org",
    "a < b > c",
    "back\\slash",
]
IN_WORDS += [
    "#tag",
    "*star",
    "x*y",
    "[\\n3\\n]",
    "[7]",
    ".[]",
    "a.[] b",
    "a^b$c@d",
    "<b>",
    "&#34;a",
]


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_lines_come_out_one_for_one(mode, sentences, first):
    engine = real(mode)
    results = engine.translate(sentences * 5)
    assert len(results) == 15
    assert results[0] == Translation(first)
    assert results == results[:3] * 5
    assert len({result.text for result in results}) == 3
    assert all(result.text and result.error is None for result in results)


def test_many_lines_come_out_in_order():
    engine = real("eng-spa")
    results = engine.translate([f"{number} houses." for number in range(2, 303)])
    assert [result.text for result in results] == [f"{n} casas." for n in range(2, 303)]


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_special_characters_leave_neighbours_alone(mode, sentences, first):
    engine = real(mode)
    lines = [part for line in SYMBOLS + IN_WORDS for part in (line, sentences[0])]
    results = engine.translate(lines)
    assert [result.text for result in results[1::2]] == [first] * (len(lines) // 2)
    assert all(result.text for result in results)


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_special_characters_come_through(mode, sentences, first):
    engine = real(mode)
    symbols = [symbol for symbol in SYMBOLS if not any(c.isascii() and c.isalpha() for c in symbol)]
    assert [result.text for result in engine.translate(symbols)] == symbols


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_unknown_words_are_counted_and_unmarked(mode, sentences, first):
    engine = real(mode)
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
    (result,) = real(mode).translate([line])
    assert word in result.text
    assert "*" not in result.text
    assert result.unknown >= 1


@pytest.mark.parametrize(("mode", "sentences", "first"), MODES)
def test_characters_of_the_engine_survive_and_hide_no_unknown_word(mode, sentences, first):
    characters = "*#@~^$/\\[]{}<>"
    lines = [
        line
        for c in characters
        for line in (
            f"zbrxt {c} qzwpfk.",
            f"zbrxt {c}a{c} qzwpfk.",
            f"{sentences[0]} {c}{c} zbrxt qzwpfk",
        )
    ]
    results = real(mode).translate(lines)
    for line, character, result in zip(
        lines, (c for c in characters for _ in range(3)), results, strict=True
    ):
        assert result.text.count(character) == line.count(character), line
        assert not (set("*#@") - {character}) & set(result.text), line
        assert result.unknown >= 2, line
        assert result.lost == 0, line


def test_marks_of_unknown_words_beside_an_asterisk_of_the_source():
    product, stars = real("eng-spa").translate(
        [
            "The value of a*b is the blorptic product of zyxwoo.",
            "2 * 3 = 6 and *star* and frobnicators",
        ]
    )
    assert product.unknown >= 2
    assert product.text.count("*") == 1
    assert "blorptic" in product.text
    assert "zyxwoo" in product.text
    assert (stars.unknown, stars.text.count("*")) == (1, 3)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("*a \\@b #c", Translation("a b c", 3)),
        ("24*oz \\\\*d", Translation("24oz \\d", 2)),
        ("does #move# away", Translation("does move away", 1)),
        ("a\\/b \\[c\\]", Translation("a/b [c]")),
    ],
)
def test_marks_are_taken_out(answer, expected):
    assert apertium._read("", answer) == expected


def test_lost_characters_are_counted():
    source = "a ~ b [c] ~"
    found = apertium._read(source, "a b \\[c \\].[]")
    assert found == Translation("a b [c ]", lost=2)


def test_characters_of_private_use_survive():
    line = "The house \ue02a\ue100 is * big\uf8ff."
    (result,) = real("eng-spa").translate([line])
    assert all(c in result.text for c in "\ue02a\ue100*\uf8ff")


def test_empty_lines_stay_empty():
    lines = ["", ENGLISH[0], "   ", "\t", ENGLISH[0], "\r\n"]
    empty, house = Translation(""), Translation("La casa es grande.")
    results = real("eng-spa").translate(lines)
    assert results == [empty, house, empty, empty, house, empty]


def test_no_lines_are_no_results():
    assert real("eng-spa").translate([]) == []


@pytest.mark.parametrize("control", ["\n", "\r\n", "\t", "\0", "\x1b", "\n[\n0\n]\n"])
def test_control_characters_do_not_cut_a_line(control):
    results = real("eng-spa").translate([f"The house{control}is big.", ENGLISH[0]])
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
