"""Corpora are read into pairs; what gives no pair is counted, what is wrong is named."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from hybridbatch.data import readers
from hybridbatch.data.dedup import FirstTimes, keys
from hybridbatch.data.pairs import (
    PAIR_SCHEMA,
    Pair,
    pair_batches,
    refuse_empty_parts,
    split_validation,
)
from hybridbatch.data.readers import jsonl, squad
from hybridbatch.runtime.errors import ConfigError, DataError

CONTEXT = "Ada Lovelace was born in London.  She wrote\na program. It ran a century later."


def _question(id_: str, start: int | None, text: str = "Ada") -> dict:
    answers = [] if start is None else [{"text": text, "answer_start": start}]
    return {"id": id_, "question": f"What  about\n{id_}?", "answers": answers}


def _squad(tmp_path: Path, questions: list, context: str = CONTEXT) -> Path:
    path = tmp_path / "squad.json"
    paragraphs = [{"context": "One.", "qas": []}, {"context": context, "qas": questions}]
    data = {"data": [{"title": "Ada", "paragraphs": paragraphs}]}
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def _jsonl(tmp_path: Path, *lines: str | dict) -> Path:
    path = tmp_path / "pairs.jsonl"
    text = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("Ada", "Ada Lovelace was born in London."),
        ("London", "Ada Lovelace was born in London."),
        ("program. It ran", "She wrote a program."),  # kept where it starts
        ("later", "It ran a century later."),
    ],
)
def test_squad_gives_the_sentence_that_holds_the_answer(tmp_path, answer, sentence):
    path = _squad(tmp_path, [_question("q1", CONTEXT.index(answer), answer)])
    counts: Counter[str] = Counter()
    assert list(squad.read([path], "en", counts)) == [
        Pair("q1", "What about q1?", sentence, " ".join(CONTEXT.split()))
    ]
    assert counts == {}


def test_squad_counts_what_gives_no_pair(tmp_path):
    between = CONTEXT.index("  She")
    answers = [
        (0, "Ada"), (None, ""), (None, ""), (len(CONTEXT), "Ada"), (between, "  She"),
        (1, "Ada"), (-5, CONTEXT[-5:]), (10**6, "Ada"), (5, ""), (between, "  "),
    ]  # fmt: skip
    path = _squad(tmp_path, [_question(f"q{i}", *answer) for i, answer in enumerate(answers)])
    counts: Counter[str] = Counter()
    assert [pair.id for pair in squad.read([path], "en", counts)] == ["q0"]
    assert counts == {
        "unanswerable": 4,
        "answer_outside_sentences": 1,
        "answer_not_at_start": 4,
    }


@pytest.mark.parametrize("field", ["context", "qas"])
def test_squad_paragraph_without_field_is_named(tmp_path, field):
    path = _squad(tmp_path, [])
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["data"][0]["paragraphs"][1][field]
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(squad.read([path], "en", Counter()))
    for part in (str(path), "'Ada'", "paragraph 1", repr(field)):
        assert part in str(caught.value)


@pytest.mark.parametrize("field", ["id", "question", "answers", "answer_start"])
def test_squad_question_without_field_is_named(tmp_path, field):
    question = _question("q7", 0)
    for holder in (question, question["answers"][0]):
        holder.pop(field, None)
    path = _squad(tmp_path, [question])
    with pytest.raises(DataError) as caught:
        list(squad.read([path], "en", Counter()))
    for part in (str(path), "'Ada'", "paragraph 1", repr(field)):
        assert part in str(caught.value)
    assert "q7" in str(caught.value) or field == "id"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is not an object but list"),
        (b'{"version": "1.1"}', "field 'data' is missing"),
        (b'{"data": "\xff"}', "line 1: is not UTF-8"),
        (b'{"data": {}}', "field 'data' is not a list"),
    ],
)
def test_file_that_is_not_squad_is_named(tmp_path, text, words):
    path = tmp_path / "squad.json"
    path.write_bytes(text)
    with pytest.raises(DataError, match=words) as caught:
        list(squad.read([path], "en", Counter()))
    assert str(path) in str(caught.value)


def test_jsonl_takes_given_ids_and_paragraphs_or_makes_them(tmp_path):
    path = _jsonl(
        tmp_path,
        {"question": " Who\tcame? ", "passage": "Ada  came.", "id": 7, "paragraph": "p1"},
        "",
        {"question": "Who left?", "passage": "Ada left."},
    )
    assert list(jsonl.read([path], "en", Counter())) == [
        Pair("7", "Who came?", "Ada came.", "p1"),
        Pair("3", "Who left?", "Ada left.", "Ada left."),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "is not JSON"),
        ("[1, 2]", "is not a JSON object"),
        ({"passage": "Ada came."}, "'question'"),
        ({"question": "Who came?"}, "'passage'"),
        ({"question": "Who came?", "passage": None}, "'passage'"),
        ({"question": ["Who came?"], "passage": "Ada came."}, "'question'"),
        *(
            (
                {"question": "Who?", "passage": "Bo.", field: value},
                f"field '{field}' is {value!r}; it has to be text or a whole number",
            )
            for field in ("id", "paragraph")
            for value in (True, 1.5, [1], {"a": 1})
        ),
    ],
)
def test_wrong_jsonl_line_is_named(tmp_path, line, reason):
    path = _jsonl(tmp_path, {"question": "Who?", "passage": "Ada."}, "", line)
    with pytest.raises(DataError) as caught:
        list(jsonl.read([path], "en", Counter()))
    assert f"{path}: line 3:" in str(caught.value)
    assert reason in str(caught.value)


def test_jsonl_that_is_not_utf8_is_named(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_bytes('{"question": "Qué?", "passage": "Así."}\n'.encode("latin-1"))
    with pytest.raises(DataError, match="line 1: is not UTF-8") as caught:
        list(jsonl.read([path], "en", Counter()))
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["squad", "jsonl"])
def test_reader_is_found_by_name_and_reads_its_files_in_order(tmp_path, name):
    paths, counts = [], Counter()
    for id_ in ("b", "a"):
        (tmp_path / id_).mkdir()
        question = {"question": f"{id_}?", "passage": f"{id_}.", "id": id_}
        paths.append(
            _squad(tmp_path / id_, [_question(id_, 0), _question(f"no {id_}", None)])
            if name == "squad"
            else _jsonl(tmp_path / id_, question)
        )
    assert [pair.id for pair in readers.read(name, list(map(str, paths)), "en", counts)] == [
        "b",
        "a",
    ]
    assert counts == ({"unanswerable": 2} if name == "squad" else {})
    assert list(readers.read(name, [], "en", Counter())) == []


@pytest.mark.parametrize("name", ["squad", "jsonl"])
def test_wrong_file_among_several_is_named(tmp_path, name):
    pair = {"question": "Who?", "passage": "Ada."}
    right = _squad(tmp_path, []) if name == "squad" else _jsonl(tmp_path, pair)
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        list(readers.read(name, [str(right), str(wrong)], "en", Counter()))
    assert str(caught.value).startswith(f"{wrong}: ")


@pytest.mark.parametrize("name", ["telepathy", "squad.more", "json"])
def test_reader_that_is_not_there_is_named(name):
    # At the call, not at the first pair.
    with pytest.raises(ConfigError, match=f"'{name}' is no module of hybridbatch.data.readers"):
        readers.read(name, [], "en", Counter())


@pytest.mark.parametrize(
    ("statement", "missing"),
    [
        ("import telepathy", "telepathy"),
        ("import hybridbatch.telepathy", "hybridbatch.telepathy"),
        ("from hybridbatch.data.pairs import telepathy", "cannot import name 'telepathy'"),
    ],
)
def test_import_that_fails_in_a_reader_is_not_masked(tmp_path, monkeypatch, statement, missing):
    (tmp_path / "broken.py").write_text(statement, encoding="utf-8")
    monkeypatch.setattr(readers, "__path__", [str(tmp_path)])
    with pytest.raises(ImportError, match=missing):
        readers.read("broken", [], "en", Counter())


def _table(*pairs: Pair, counts: Counter | None = None) -> pa.Table:
    counts = Counter() if counts is None else counts
    return pa.Table.from_batches(pair_batches(iter(pairs), counts, "pairs.jsonl"), PAIR_SCHEMA)


def test_pairs_keep_reading_order():
    table = _table(Pair("b", "B?", "B.", "p"), Pair("a", "A?", "A.", "p"))
    assert table.schema == PAIR_SCHEMA
    assert table["id"].to_pylist() == ["b", "a"]
    assert table["question"].to_pylist() == ["B?", "A?"]
    assert table["passage"].to_pylist() == ["B.", "A."]


def test_schema_has_ids_of_everything_that_is_translated():
    assert PAIR_SCHEMA.names == [
        "id",
        "question_id",
        "question",
        "passage_id",
        "passage",
        "negative_id",
        "negative",
        "paragraph_id",
    ]


def test_question_id_is_the_pairs_own_unless_it_is_given():
    table = _table(
        Pair("a", "A?", "A.", "p"),
        Pair("b1", "B?", "B.", "p", question_id="b"),
        Pair("b2", "B?", "Bb.", "p", question_id="b"),
    )
    assert table["id"].to_pylist() == ["a", "b1", "b2"]
    assert table["question_id"].to_pylist() == ["a", "b", "b"]


def test_negative_has_the_id_of_a_passage_with_its_text():
    table = _table(
        Pair("a", "A?", "A.", "p", negative="B."),
        Pair("b", "B?", "B.", "p", negative="Another."),
        Pair("c", "C?", "C.", "p", negative="Another."),
    )
    passages, negatives = table["passage_id"].to_pylist(), table["negative_id"].to_pylist()
    assert negatives[0] == passages[1]
    assert negatives[1] == negatives[2]
    assert negatives[1] not in passages
    assert table["negative"].to_pylist() == ["B.", "Another.", "Another."]


@pytest.mark.parametrize("negative", [None, ""])
def test_pair_without_negative_has_none(negative):
    row = _table(Pair("a", "A?", "A.", "p", negative=negative)).to_pylist()[0]
    assert row["negative_id"] is None
    assert row["negative"] is None


def test_id_that_stands_twice_is_named():
    with pytest.raises(DataError, match=r"pairs\.jsonl: the id 'a' stands twice"):
        _table(Pair("a", "A?", "A.", "p"), Pair("a", "B?", "B.", "p"))


def test_repeated_and_empty_pairs_are_counted():
    counts: Counter[str] = Counter()
    table = _table(
        Pair("a", "A?", "A.", "p"),
        Pair("b", "A?", "A.", "q"),
        Pair("c", "A?", "", "p"),
        Pair("d", "", "A.", "p"),
        Pair("e", "E?", "A.", "p"),
        counts=counts,
    )
    assert table["id"].to_pylist() == ["a", "e"]
    assert counts == {"read": 5, "empty": 2, "repeated": 1, "kept": 2}


def test_passage_id_is_the_same_exactly_for_the_same_text():
    table = _table(
        Pair("a", "A?", "Same.", "p"), Pair("b", "B?", "Same.", "q"), Pair("c", "C?", "Other.", "p")
    )
    first, second, third = table["passage_id"].to_pylist()
    assert first == second != third
    first, second, third = table["paragraph_id"].to_pylist()
    assert first == third != second


def test_a_corpus_without_pairs_is_refused_with_what_it_has():
    with pytest.raises(DataError, match=r"pairs.jsonl: gives no pair to train on; it has no pair"):
        _table()
    with pytest.raises(DataError, match=r"it has unanswerable 4, read 2, empty 2"):
        _table(Pair("a", "", "A.", "p"), Pair("b", "B?", "", "p"), counts=Counter(unanswerable=4))


@pytest.mark.parametrize(
    ("train", "validation", "holdout", "part"),
    [(0, 3, 0.5, "train"), (3, 0, 0.5, "validation"), (3, 0, 1.0, "validation")],
)
def test_a_part_without_pairs_is_refused(train, validation, holdout, part):
    sizes = {"train": train, "validation": validation}
    with pytest.raises(DataError, match=f"corpus a: its part `{part}` has no pair"):
        refuse_empty_parts(sizes, holdout, "corpus a")


def test_a_part_that_nobody_asks_for_may_be_empty():
    refuse_empty_parts({"train": 3, "validation": 0}, 0.0, "corpus a")
    refuse_empty_parts({"train": 0, "validation": 3}, 1.0, "corpus a")


def _paragraphs(numbers: range) -> pa.Table:
    """Three pairs of each numbered paragraph."""
    pairs = (
        Pair(f"{number}-{i}", f"{number} {i}?", f"{number} {i}.", f"paragraph {number}")
        for number in numbers
        for i in range(3)
    )
    return _table(*pairs)


@pytest.mark.parametrize("holdout", [0.1, 0.2, 0.5])
def test_split_cuts_between_paragraphs_at_about_the_share(holdout):
    pairs = _paragraphs(range(1000))
    train, validation = split_validation(pairs, holdout)
    train_ids, held_ids = (set(part["paragraph_id"].to_pylist()) for part in (train, validation))
    assert not train_ids & held_ids
    assert train_ids | held_ids == set(pairs["paragraph_id"].to_pylist())
    assert len(train) + len(validation) == len(pairs)
    assert len(held_ids) / 1000 == pytest.approx(holdout, abs=0.05)


def test_paragraph_stays_on_its_side_when_others_come():
    few, many = _paragraphs(range(50, 100)), _paragraphs(range(0, 200))
    held_of_few = set(split_validation(few, 0.3)[1]["id"].to_pylist())
    held_of_many = set(split_validation(many, 0.3)[1]["id"].to_pylist())
    assert held_of_few == held_of_many & set(few["id"].to_pylist())
    assert held_of_few


@pytest.mark.parametrize(("holdout", "train", "validation"), [(0, 60, 0), (0.0, 60, 0), (1, 0, 60)])
def test_holdout_may_be_nothing_or_all(holdout, train, validation):
    parts = split_validation(_paragraphs(range(20)), holdout)
    assert tuple(map(len, parts)) == (train, validation)
    assert all(part.schema == PAIR_SCHEMA for part in parts)


def test_first_times_are_those_of_a_set():
    texts = [str(i * i % 97) for i in range(500)]
    first, seen, expected = FirstTimes(), set(), []
    for text in texts:
        expected.append(text not in seen)
        seen.add(text)
    found = [new for i in range(0, 500, 7) for new in first.of(keys(texts[i : i + 7])).tolist()]
    assert found == expected
    assert first.of(keys([])).tolist() == []
