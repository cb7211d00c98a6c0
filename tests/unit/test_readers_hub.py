"""The paper's corpora: each reader on a small file of the published schema, made here."""

import gzip
import json
import logging
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hybridbatch.data import readers
from hybridbatch.data import records as _files
from hybridbatch.data.pairs import Pair
from hybridbatch.experiment import load as conf
from hybridbatch.runtime.errors import DataError

ROOT = Path(__file__).parents[2]
PLOT = "Ada moves to London.  There she meets Edward\nSmith. They build a machine. London burns."


def _read(name: str, *paths: Path) -> tuple[list[Pair], Counter]:
    counts: Counter[str] = Counter()
    return list(readers.read(name, list(map(str, paths)), "en", counts)), counts


def _parquet(path: Path, columns: dict[str, pa.DataType], *rows: tuple) -> Path:
    values = [dict(zip(columns, row, strict=True)) for row in rows]
    pq.write_table(pa.Table.from_pylist(values, schema=pa.schema(columns)), path)
    return path


TEXT, NUMBER = pa.string(), pa.int64()
WIKIQA = {
    "question_id": TEXT,
    "question": TEXT,
    "document_title": TEXT,
    "answer": TEXT,
    "label": NUMBER,
}
DUORC = {
    "plot_id": TEXT,
    "plot": TEXT,
    "title": TEXT,
    "question_id": TEXT,
    "question": TEXT,
    "answers": pa.list_(TEXT),
    "no_answer": pa.bool_(),
}
OFFSETS = pa.list_(NUMBER)
NEWSQA = {
    "context": TEXT,
    "question": TEXT,
    "answers": pa.list_(TEXT),
    "key": TEXT,
    # The order in which the published files have them is not known.
    "labels": pa.list_(pa.struct([("end", OFFSETS), ("start", OFFSETS)])),
}
MFAQ = {
    "domain_id": NUMBER,
    "pair_id": NUMBER,
    "language": TEXT,
    "domain": TEXT,
    "question": TEXT,
    "answer": TEXT,
}
WIKIQA_ROWS = [
    ("Q1", "how  big?", "Size", "It is old.", 0),
    ("Q1", "how  big?", "Size", "It is big.", 1),
    ("Q1", "how  big?", "Size", "It is red.", 0),
    ("Q1", "how  big?", "Size", "It is\nvery big.", 1),
    ("Q2", "how far?", "Way", "It is near.", 1),
    ("Q3", "how deep?", "Sea", "It is blue.", 0),
]


def test_wikiqa_takes_answers_and_the_other_sentences_as_negatives(tmp_path):
    train = _parquet(tmp_path / "train.parquet", WIKIQA, *WIKIQA_ROWS)
    test = _parquet(tmp_path / "test.parquet", WIKIQA, ("Q9", "why?", "Why", "Because.", 1))
    pairs, counts = _read("wikiqa", train, test)
    assert pairs == [
        Pair("Q1-0", "how big?", "It is big.", "Size", "Q1", "It is old."),
        Pair("Q1-1", "how big?", "It is very big.", "Size", "Q1", "It is red."),
        Pair("Q2-0", "how far?", "It is near.", "Way", "Q2", None),
        Pair("Q9-0", "why?", "Because.", "Why", "Q9", None),
    ]
    assert counts == {"unanswered": 1}


def _jsonl(path: Path, *records: dict | str) -> Path:
    text = "".join(
        (record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records
    )
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def _passage(docid: str, title: str, text: str) -> dict:
    return {"docid": docid, "title": title, "text": text}


def _topic(id_: str, positives: list, negatives: list) -> dict:
    return {
        "query_id": id_,
        "query": "Where  is it?",
        "positive_passages": positives,
        "negative_passages": negatives,
    }


@pytest.mark.parametrize("name", ["train.jsonl.gz", "train.jsonl"])
def test_mr_tydi_takes_the_first_passages_with_their_titles(tmp_path, name):
    here, there = _passage("7#2", "Here", "It is here."), _passage("8#0", "There", "It is\tthere.")
    path = _jsonl(
        tmp_path / name,
        _topic("1", [here, there], [there, here]),
        _topic("2", [], [there]),
        _topic("3", [there], []),
    )
    pairs, counts = _read("mr_tydi", path)
    assert pairs == [
        Pair("1", "Where is it?", "Here It is here.", "7", negative="There It is there."),
        Pair("3", "Where is it?", "There It is there.", "8"),
    ]
    assert counts == {"without_positive": 1}


def test_mr_tydi_that_is_cut_short_is_named(tmp_path):
    path = _jsonl(tmp_path / "train.jsonl.gz", *(_topic(str(i), [], []) for i in range(5000)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be unzipped") as caught:
        _read("mr_tydi", path)
    assert str(caught.value).startswith(f"{path}: after line ")


@pytest.mark.parametrize(
    ("record", "parts"),
    [
        ("{", ["is not JSON"]),
        ("[]", ["is not a JSON object"]),
        ({"query_id": "2", "text": "?"}, ["lacks query, positive_passages", "has query_id, text"]),
        (_topic("2", [{"docid": "1#1", "body": ""}], []), ["lacks title, text", "has body, docid"]),
        (_topic("2", ["1#1"], []), ["first positive passage", "lacks docid"]),
        (
            {k: v for k, v in _topic("2", [], []).items() if k != "negative_passages"},
            ["lacks negative_passages"],
        ),
    ],
)
def test_wrong_line_of_mr_tydi_is_named(tmp_path, record, parts):
    path = _jsonl(tmp_path / "train.jsonl.gz", _topic("1", [], []), record)
    with pytest.raises(DataError) as caught:
        _read("mr_tydi", path)
    for part in (f"{path}: line 2", *parts):
        assert part in str(caught.value)


def _duorc(tmp_path: Path, *rows: tuple[list[str], bool]) -> Path:
    full = [("p1", PLOT, "Ada", f"q{i}", f"What  is {i}?", *row) for i, row in enumerate(rows)]
    return _parquet(tmp_path / "duorc.parquet", DUORC, *full)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("London", "Ada moves to London."),  # the first of two
        ("Edward Smith", "There she meets Edward Smith."),  # over a line's end
        ("a machine", "They build a machine."),
        ("burns.", "London burns."),
    ],
)
def test_duorc_takes_the_sentence_with_the_first_answer(tmp_path, answer, sentence):
    pairs, counts = _read("duorc", _duorc(tmp_path, ([answer, "Ada"], False)))
    assert pairs == [Pair("q0", "What is 0?", sentence, "p1")]
    assert counts == {}


def test_duorc_counts_what_gives_no_pair(tmp_path):
    path = _duorc(
        tmp_path, ([], True), (["Ada"], True), ([], False), ([" "], False), (["Ed"], False)
    )
    pairs, counts = _read("duorc", path)
    assert pairs == []
    assert counts == {"unanswerable": 4, "answer_not_in_text": 1}


def test_newsqa_takes_the_sentence_in_which_the_first_answer_starts(tmp_path):
    def label(*starts: int) -> dict:
        return {"start": list(starts), "end": [start + 3 for start in starts]}

    at = PLOT.index
    rows = [
        [label(at("There"), at("burns")), label(0)],
        [label(len(PLOT))],
        [],
        [label()],
        [label(at("machine"))],
        [label(at("machine") + 1)],
        [label(at("EDWARD".title()))],
        [label(-3)],
    ]
    answers = [["x", "There"], ["x"], ["x"], ["x"], ["machine"], ["machine"], ["EDWARD Smith"]]
    answers += [["ns."]]
    path = _parquet(
        tmp_path / "newsqa.parquet",
        NEWSQA,
        *(
            (PLOT, f"What  is {i}?", texts, "key", labels)
            for i, (texts, labels) in enumerate(zip(answers, rows, strict=True))
        ),
    )
    pairs, counts = _read("newsqa", path)
    context = " ".join(PLOT.split())
    assert pairs == [
        Pair("1", "What is 0?", "There she meets Edward Smith.", context),
        Pair("5", "What is 4?", "They build a machine.", context),
        # Neither case nor blanks of the answers are known to be the article's.
        Pair("7", "What is 6?", "There she meets Edward Smith.", context),
    ]
    assert counts == {"answer_not_at_start": 3, "unanswerable": 2}


@pytest.mark.parametrize("text_type", [pa.string(), pa.large_string()])
def test_pairs_go_by_the_order_of_text_columns_and_log_their_names(tmp_path, caplog, text_type):
    columns = {"row": NUMBER, "query": text_type, "answer": text_type}
    first = _parquet(tmp_path / "0.parquet", columns, (9, "who  came?", "Ada\n came."), (8, "", ""))
    second = _parquet(tmp_path / "1.parquet", columns, (9, None, "Ada."))
    with caplog.at_level(logging.INFO, "hybridbatch"):
        pairs, _ = _read("pairs", first, second)
    assert pairs == [
        Pair("1", "who came?", "Ada came.", "Ada came."),
        Pair("2", "", "", ""),
        Pair("3", "", "Ada.", "Ada."),
    ]
    assert f"{first}: question is column 'query', answer is column 'answer'" in caplog.text


def test_pairs_need_two_text_columns_the_same_in_all_files(tmp_path):
    one = _parquet(tmp_path / "0.parquet", {"answer": TEXT, "id": NUMBER}, ("Ada.", 1))
    with pytest.raises(DataError, match=r"two columns of text; it has answer \(string\), id \(int"):
        _read("pairs", one)
    good = _parquet(tmp_path / "1.parquet", {"a": TEXT, "b": TEXT}, ("Who?", "Ada."))
    other = _parquet(tmp_path / "2.parquet", {"b": TEXT, "a": TEXT}, ("Ada.", "Who?"))
    with pytest.raises(DataError, match=r"2\.parquet: the text columns are \['b', 'a'\]"):
        _read("pairs", good, other)


def test_entity_questions_take_the_first_answer_as_passage(tmp_path):
    paths = [tmp_path / "P106.train.json", tmp_path / "P17.train.json"]
    records = [
        {"question": "What does  X do?", "answers": ["science fiction  writer", "writer"]},
        {"question": "What does Y do?", "answers": []},
    ]
    for path in paths:
        path.write_text(json.dumps(records), encoding="utf-8")
    pairs, counts = _read("entity_questions", *paths)
    answer = "science fiction writer"
    assert pairs == [
        Pair("P106.train-0", "What does X do?", answer, answer),
        Pair("P17.train-0", "What does X do?", answer, answer),
    ]
    assert counts == {"unanswerable": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"question": "?",\n "answers": }]', "line 2: is not JSON"),
        ("{}", "is not a JSON list"),
        ('[{"question": "?", "answers": []}, {"question": "?"}]', "entry 1: lacks answers"),
        ('["?"]', "entry 0: is not a JSON object"),
        ('[{"question": "?", "answers": [["a"]]}]', "entry 0: the first answer is not text"),
    ],
)
def test_wrong_entity_questions_are_named(tmp_path, text, message):
    path = tmp_path / "P106.train.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        _read("entity_questions", path)
    assert f"{path}: {message}" in str(caught.value)


def test_mfaq_takes_every_pair_of_every_file(tmp_path):
    paths = [
        _parquet(tmp_path / f"{i}.parquet", MFAQ, (4, 1, "en", "a.org", f"Who  {i}?", "Ada.\n"))
        for i in range(2)
    ]
    pairs, counts = _read("mfaq", *paths)
    assert pairs == [Pair("1", "Who 0?", "Ada.", "4"), Pair("2", "Who 1?", "Ada.", "4")]
    assert counts == {}


def _without(columns: dict, *missing: str) -> dict:
    return {name: type_ for name, type_ in columns.items() if name not in missing}


@pytest.mark.parametrize(
    ("name", "columns", "missing"),
    [
        ("wikiqa", _without(WIKIQA, "label", "answer"), "answer, label"),
        ("duorc", _without(DUORC, "no_answer"), "no_answer"),
        ("newsqa", _without(NEWSQA, "labels"), "labels, labels.end, labels.start"),
        (
            "newsqa",
            NEWSQA | {"labels": pa.list_(pa.struct([("from", OFFSETS), ("end", OFFSETS)]))},
            "labels.start",
        ),
        ("newsqa", NEWSQA | {"labels": pa.list_(OFFSETS)}, "labels.end, labels.start"),
        ("mfaq", _without(MFAQ, "question"), "question"),
    ],
)
def test_missing_columns_are_named_beside_the_found_ones(tmp_path, name, columns, missing):
    path = _parquet(tmp_path / "data.parquet", columns)
    with pytest.raises(DataError) as caught:
        _read(name, path)
    assert f"{path}: lacks the columns {missing}; it has {', '.join(columns)[:20]}" in str(
        caught.value
    )


def test_column_of_another_type_is_named(tmp_path):
    rows = [(*row[:-1], "yes" if row[-1] else "no") for row in WIKIQA_ROWS]
    path = _parquet(tmp_path / "data.parquet", WIKIQA | {"label": TEXT}, *rows)
    with pytest.raises(DataError, match="column label is string, expected int64"):
        _read("wikiqa", path)


@pytest.mark.parametrize("name", ["wikiqa", "duorc", "newsqa", "pairs", "mfaq"])
def test_file_that_is_not_parquet_is_named(tmp_path, name):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"<html>Not found</html>")
    with pytest.raises(DataError, match="is not a parquet file") as caught:
        _read(name, path)
    assert str(caught.value).startswith(f"{path}: ")


def test_parquet_with_a_damaged_footer_is_named(tmp_path):
    """For which pyarrow raises another error than for a file without a footer."""
    path = _parquet(tmp_path / "data.parquet", WIKIQA, *WIKIQA_ROWS)
    content = bytearray(path.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    content[footer] = 0xFF
    path.write_bytes(content)
    with pytest.raises(OSError, match="thrift"):
        pq.ParquetFile(path)
    with pytest.raises(DataError, match=r"data\.parquet: is not a parquet file \("):
        _read("wikiqa", path)


def test_nothing_is_read_by_pandas_and_nothing_as_a_whole(tmp_path, monkeypatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("read as a whole")

    for module, name in ((pd, "read_parquet"), (pd, "read_csv"), (pd, "read_json")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(pq.ParquetFile, "read", refuse)
    monkeypatch.setattr(_files, "BATCH_ROWS", 2)
    path = _parquet(tmp_path / "data.parquet", MFAQ, *[(1, 1, "en", "a", "Q?", "A.")] * 5)
    rows = readers.read("mfaq", [str(path)], "en", Counter())
    assert next(rows).id == "1"
    assert len(list(rows)) == 4


def test_every_reader_of_the_paper_s_configuration_is_there():
    corpora = conf.read([ROOT / "config/paper.yaml"])["catalogue"]["corpora"].values()
    names = {corpus["kind"] for corpus in corpora}
    assert {"wikiqa", "mr_tydi", "duorc", "newsqa", "pairs", "mfaq", "mmarco", "squad"} <= names
    for name in names:
        readers.read(name, [], "en", Counter())
