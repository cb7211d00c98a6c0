"""Scores are sacrebleu's own, absent where there is no reference, and no text breaks the table."""

import json
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pandas as pd
import pyarrow as pa
import pytest
import sacrebleu

from hybridbatch.benchmarks.lareqa import read
from hybridbatch.experiment.references import References
from hybridbatch.render.markdown import escape, grid, render
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.translation_quality import quality_page, samples
from hybridbatch.translation.quality import (
    COLUMNS,
    Part,
    quality_rows,
    quality_table,
    round_trip_score,
    scores,
)
from hybridbatch.translation.references import (
    READERS,
    read_parallel,
    read_questions,
    read_references,
)
from hybridbatch.translation.translate import COUNTS, TEXT_SCHEMA, original_texts

BUNDLED = Path(__file__).parents[2] / "resources" / "bundled" / "benchmark"
OUTPUTS = ["el gato duerme en la casa", "¿Quién escribió el libro verde?", "No lo sé."]
SOURCES = ["The cat sleeps at home.", "Who wrote the green book?", "I do not know it."]
RETURNED = ["the cat sleeps in the house", "Who wrote the green book?", "I don't know it."]
WANTED = ["El gato duerme en casa.", "¿Quién escribió el libro verde?", "No sé nada."]


def _texts(*lines: str | None, mark: str = "q", unknown: int = 0) -> pa.Table:
    """A table of TEXT_SCHEMA with ids q:0, q:1, ...; None is a text that failed."""
    rows = [
        {
            "text_id": f"{mark}:{i}",
            "text": line,
            "words": len(line.split()) if line else 0,
            "unknown": unknown if line else 0,
            "error": None if line is not None else "crash",
            **dict.fromkeys(COUNTS, 0),
        }
        for i, line in enumerate(lines)
    ]
    return pa.Table.from_pylist(rows, schema=TEXT_SCHEMA)


def _part(output: pa.Table, reference: pa.Table | None, **values) -> Part:
    source = values.pop("source", None) or _texts(*["a b c d"] * len(output))
    default = {
        "translator": "t",
        "references": "set",
        "route": ["en", "es"],
    }
    return Part(source=source, output=output, reference=reference, **{**default, **values})


# Scores.


def test_scores_are_those_of_a_direct_call():
    found = scores(OUTPUTS, WANTED, "es")
    assert found["bleu"] == sacrebleu.corpus_bleu(OUTPUTS, [WANTED]).score
    assert found["chrf++"] == sacrebleu.corpus_chrf(OUTPUTS, [WANTED], word_order=2).score
    assert 0 < found["bleu"] < 100
    assert found["bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|")
    assert "nc:6|nw:2|" in found["chrf++_signature"]
    for name in ("bleu", "chrf++"):
        assert found[f"{name}_signature"].endswith(f"version:{sacrebleu.__version__}")


def test_equal_texts_score_100():
    found = scores(WANTED, WANTED, "es")
    assert (found["bleu"], found["chrf++"]) == (pytest.approx(100), pytest.approx(100))


def test_round_trip_is_a_direct_call_s_chrf_without_words():
    found = round_trip_score(RETURNED, SOURCES)
    assert found["round_trip_chrf"] == sacrebleu.corpus_chrf(RETURNED, [SOURCES]).score
    assert found["round_trip_chrf"] != sacrebleu.corpus_chrf(SOURCES, [RETURNED]).score
    assert "nc:6|nw:0|" in found["round_trip_chrf_signature"]
    assert found["round_trip_chrf_signature"].endswith(f"version:{sacrebleu.__version__}")


@pytest.mark.parametrize(
    ("language", "tokenizer", "output", "wanted"),
    [
        ("zh", "zh", "谁写了这本绿色的书?", "谁写了那本绿色的书?"),
        ("th", "char", "ใครเขียนหนังสือเล่มนี้", "ใครเขียนหนังสือเล่มนั้น"),
    ],
)
def test_scripts_without_spaces_are_not_one_word(language, tokenizer, output, wanted):
    found = scores([output], [wanted], language)
    assert found["bleu"] == sacrebleu.corpus_bleu([output], [[wanted]], tokenize=tokenizer).score
    assert found["bleu"] > 30
    assert f"tok:{tokenizer}|" in found["bleu_signature"]


# Rows.


def test_row_has_scores_and_shares():
    sides = {"source": _texts(*["a b c d"] * 3), "returned": _texts(*RETURNED)}
    (row,) = quality_rows(_part(_texts(*OUTPUTS, unknown=2), _texts(*WANTED), **sides))
    assert row | scores(OUTPUTS, WANTED, "es") == row
    assert row | round_trip_score(RETURNED, ["a b c d"] * 3) == row
    assert set(row) == set(COLUMNS)
    assert (row["translator"], row["references"], row["texts"]) == ("t", "set", "questions")
    assert (row["language"], row["route"], row["n"]) == ("es", "en-es", 3)
    assert (row["failed_share"], row["unknown_share"]) == (0, 6 / 14)


def test_failed_text_counts_as_empty_output():
    (row,) = quality_rows(_part(_texts(*OUTPUTS[:2], None), _texts(*WANTED)))
    assert row["bleu"] == sacrebleu.corpus_bleu([*OUTPUTS[:2], ""], [WANTED]).score
    assert (row["n"], row["failed_share"]) == (3, 1 / 3)


def test_round_trip_needs_no_reference_and_changes_no_other_score():
    sides = {"source": _texts(*SOURCES), "returned": _texts(*RETURNED)}
    (without,) = quality_rows(_part(_texts(*OUTPUTS), None, **sides))
    assert without["round_trip_chrf"] == sacrebleu.corpus_chrf(RETURNED, [SOURCES]).score
    assert "bleu" not in without
    (both,) = quality_rows(_part(_texts(*OUTPUTS), _texts(*WANTED), **sides))
    (plain,) = quality_rows(_part(_texts(*OUTPUTS), _texts(*WANTED), source=_texts(*SOURCES)))
    assert both == plain | round_trip_score(RETURNED, SOURCES)


def test_text_that_did_not_come_back_counts_as_empty():
    sides = {"source": _texts(*SOURCES), "returned": _texts(*RETURNED[:2], None)}
    (row,) = quality_rows(_part(_texts(*OUTPUTS[:2], None), None, **sides))
    direct = sacrebleu.corpus_chrf([*RETURNED[:2], ""], [SOURCES]).score
    assert row["round_trip_chrf"] == direct < round_trip_score(RETURNED, SOURCES)["round_trip_chrf"]
    (row,) = quality_rows(_part(_texts(None), None, source=_texts("a"), returned=_texts(None)))
    assert (row["round_trip_chrf"], row["failed_share"]) == (0, 1)


def test_without_reference_scores_are_absent_and_failures_are_not():
    part = _part(_texts("uno", None), None, route=["en", "es", "ast"])
    frame = quality_table([part])
    assert list(frame.columns) == COLUMNS
    (row,) = frame.to_dict("records")
    absent = [name for name in COLUMNS if "bleu" in name or "chrf" in name]
    assert len(absent) == 6
    assert frame[absent].isna().all(axis=None)
    assert (row["failed_share"], row["route"]) == (0.5, "en-es-ast")
    assert frame.to_csv(index=False).splitlines()[1] == (
        "t,set,questions,ast,en-es-ast,2,,,,0.5,0.0,,,"
    )


def test_all_failed_has_no_share_of_unknown_words():
    (row,) = quality_rows(_part(_texts(None, None), None))
    assert (row["failed_share"], row["unknown_share"]) == (1, None)


def test_questions_and_sentences_are_scored_apart():
    both = pa.concat_tables([_texts(*OUTPUTS), _texts("Hola.", mark="s")])
    wanted = pa.concat_tables([_texts("Adiós.", mark="s"), _texts(*WANTED)])  # in another order
    returned = pa.concat_tables([_texts(*RETURNED), _texts("Hello.", mark="s")])
    sides = {"source": both, "returned": returned}
    first, second = quality_rows(_part(both, wanted, **sides))
    assert (first["texts"], first["n"]) == ("questions", 3)
    assert first["bleu"] == scores(OUTPUTS, WANTED, "es")["bleu"]
    assert (second["texts"], second["n"]) == ("sentences", 1)
    assert second["chrf++"] == scores(["Hola."], ["Adiós."], "es")["chrf++"]
    assert first | round_trip_score(RETURNED, OUTPUTS) == first
    assert second | round_trip_score(["Hello."], ["Hola."]) == second


def test_references_with_other_ids_are_refused():
    with pytest.raises(DataError, match="references set: the ids in en and es differ"):
        quality_rows(_part(_texts("a", "b"), _texts("a")))
    with pytest.raises(DataError, match="source and output differ"):
        quality_rows(_part(_texts("a"), None, source=_texts("a", mark="s")))
    with pytest.raises(DataError, match="set, es: output and what came back of it differ in ids"):
        quality_rows(_part(_texts("a", "b"), None, returned=_texts("a")))


def test_no_parts_make_an_empty_table():
    frame = quality_table([])
    assert list(frame.columns) == COLUMNS
    assert frame.empty
    assert render(quality_page(frame, [], 20)).startswith("# Translation quality\n")


# Samples and Markdown.


@pytest.mark.parametrize("number", [1, 3, 7, 20])
def test_samples_are_spread_over_all_parts(number):
    parts = [
        _part(_texts(*(f"{name}{i}" for i in range(10))), None, references=name) for name in "ab"
    ]
    found = [output for _, output, _ in samples(parts, number)]
    assert len(found) == len(set(found)) == number
    places = [int(text[1]) + 10 * (text[0] == "b") for text in found]
    assert places == sorted(places)
    assert all(abs((b - a) - 20 / number) < 1 for a, b in pairwise(places))


def test_fewer_texts_than_samples_are_all_shown():
    assert samples([_part(_texts("x", None), _texts("y", "z"))], 20) == [
        ("a b c d", "x", "y"),
        ("a b c d", None, "z"),
    ]


def test_markdown_shows_figures_signatures_and_texts_as_they_are():
    part = _part(_texts("a|b <b>*x*</b>\n`c`", None), _texts("[l](u) _e_", "~s~ \\ $1$ &amp;"))
    text = render(quality_page(quality_table([part]), [part], 20))
    assert text.count("nrefs:1|case:mixed|eff:no|tok:13a") == 1
    assert "\n## es\n" in text
    assert r"a\|b \<b\>\*x\*\</b\> \`c\`" in text
    assert r"\[l\](u) \_e\_" in text
    assert r"\~s\~ \\ \$1\$ \&amp;" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    widths = {line.replace(r"\|", "").count("|") for line in tables[-4:]}
    assert widths == {4}  # three columns in every row


def test_markdown_has_the_ways_back_and_says_where_there_is_none():
    there = {"way_back": ["oc", "es", "en"], "route": ["en", "es", "oc"]}
    parts = [
        _part(_texts("a"), None, references=name, returned=_texts("a b c d"), **there)
        for name in ("one", "two")
    ]
    text = render(quality_page(quality_table(parts), parts, 20))
    assert "Ways back: oc-es-en." in text
    assert "No round trip" not in text
    assert text.count("nc:6|nw:0|") == 1
    parts += [_part(_texts("a"), None, references=n, route=["en", "ast"]) for n in ("one", "two")]
    text = render(quality_page(quality_table(parts), parts, 20))
    assert text.count("No round trip from ast: t has no way back to English in the conf") == 1
    assert "100.0" in text


def test_escape_leaves_plain_text_of_any_script():
    for plain in ("¿Quién escribió 24.oz?", "谁写了?", "ใครเขียน", "किसने लिखा?"):
        assert escape(plain) == plain
    assert escape("a\r\n\tb\x00c\x85d") == "a b c d"


def test_empty_cell_is_empty():
    assert grid(["a", "b"], [[None, "None"]]).splitlines()[-1] == "|     | None |"


# Reading references.


def test_bundled_references_are_parallel_in_every_language():
    files = sorted(BUNDLED.glob("*.json"))
    tables = {file.stem: read_parallel(file, file.stem) for file in files}
    english = tables["en"]
    assert {"ca", "eo", "es", "gl", "pt"} <= set(tables)
    assert {tuple(texts) for texts in tables.values()} == {tuple(english)}
    collection = read({"file": BUNDLED / "en.json"}, "en")
    assert len(english) == len(collection.queries) + len(collection.candidates)
    assert next(iter(english.values())) == collection.queries["text"][0].as_py()
    assert english["s:000.000:000"] == collection.candidates["text"][0].as_py()


def _squad(path: Path, *asked: tuple[str, str]) -> Path:
    qas = [{"id": id_, "question": question, "answers": []} for id_, question in asked]
    data = [{"title": "t", "paragraphs": [{"context": "c", "qas": qas}]}]
    path.write_text(json.dumps({"data": data}), encoding="utf-8")
    return path


def test_questions_are_read_on_one_line(tmp_path):
    path = _squad(tmp_path / "xquad.en.json", ("a", " Who \n came? "), ("b", "When?"))
    assert read_questions(path, "en") == {"q:a": "Who came?", "q:b": "When?"}


def test_question_id_that_stands_twice_is_named(tmp_path):
    place = "xquad.en.json: article 0 't', paragraph 0, question a"
    with pytest.raises(DataError, match=f"{place}: the id stands twice; ids must be unique"):
        read_questions(_squad(tmp_path / "xquad.en.json", ("a", "x"), ("a", "y")), "en")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("[]", "is not an object"),
        ('{"data": [{}]}', "article 0: field 'paragraphs' is missing"),
        ('{"data": [{"paragraphs": [{}]}]}', "article 0, paragraph 0: field 'context' is missing"),
        (
            '{"data": [{"paragraphs": [{"context": "c"}]}]}',
            "article 0, paragraph 0: field 'qas' is missing",
        ),
    ],
)
def test_file_of_another_format_is_named(tmp_path, text, words):
    path = tmp_path / "xquad.en.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"xquad.en.json: {words}"):
        read_questions(path, "en")


def test_texts_are_a_table_that_can_be_translated():
    table = original_texts({"q:a": "Who came?", "s:0": "Ada."})
    assert table.schema == TEXT_SCHEMA
    assert table.to_pylist()[0] == {
        "text_id": "q:a", "text": "Who came?", "words": 2, "unknown": 0, "error": None,
        **dict.fromkeys(COUNTS, 0),
    }  # fmt: skip


def test_readers_are_the_kinds_of_the_configuration():
    assert set(get_args(References.model_fields["kind"].annotation)) == set(READERS)


def test_signatures_are_kept_by_the_csv(tmp_path):
    frame = quality_table([_part(_texts(*OUTPUTS), _texts(*WANTED))])
    frame.to_csv(tmp_path / "t.csv", index=False)
    again = pd.read_csv(tmp_path / "t.csv")
    assert again["bleu_signature"][0] == scores(OUTPUTS, WANTED, "es")["bleu_signature"]


@pytest.mark.parametrize(
    ("qas", "words"),
    [
        ([], "has no texts"),
        ([{"id": "q1", "question": " \u3000", "answers": []}], "the text q:q1 is blank"),
    ],
)
def test_a_reference_set_without_texts_is_refused_with_its_file(tmp_path, qas, words):
    path = tmp_path / "en.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "A.", "qas": qas}]}]}))
    with pytest.raises(DataError, match=rf"en\.json: {words}"):
        read_references("questions", path, "en")
