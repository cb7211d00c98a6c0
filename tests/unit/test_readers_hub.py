"""The paper's corpora: each reader on a small file of the published schema, made here."""

import gzip
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import filter_pairs
import read_corpus
import read_parallel
import shard_texts
from hybridbatch.data import readers
from hybridbatch.data import records as _files
from hybridbatch.data.dedup import FirstTimes, keys
from hybridbatch.data.pairs import Pair, pair_batches
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import lookups
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime import files
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.runtime.files import read_json, read_table, table_writer

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


# mMARCO: ids of queries and passages overlap, as they do in MS MARCO.
QUERIES = {"en": {1: "who came?", 2: "who left?", 3: "unused?"}}
PASSAGES = {"en": {1: "Ada came.", 2: "Bob left.", 3: "Eve stayed.", 4: "Unused."}}
QUERIES["xx"] = {key: text.upper() for key, text in QUERIES["en"].items()}
PASSAGES["xx"] = {key: text.upper() for key, text in PASSAGES["en"].items()}
TRIPLES = [(1, 1, 2), (1, 1, 3), (2, 2, 3), (1, 1, 2)]


def _tsv(path: Path, rows: Iterator[tuple]) -> Path:
    lines = ["\t".join(map(str, row)) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def _mmarco(folder: Path, language: str = "en") -> list[Path]:
    """Queries and collection of a language, not in the order of their ids."""
    return [
        _tsv(folder / f"{name}.{language}.tsv", reversed(texts[language].items()))
        for name, texts in (("queries", QUERIES), ("collection", PASSAGES))
    ]


def test_mmarco_joins_triples_with_texts(tmp_path):
    triples = _tsv(tmp_path / "triples.tsv", TRIPLES)
    pairs, counts = _read("mmarco", triples, *_mmarco(tmp_path))
    ada = ("who came?", "Ada came.", "1", "1")
    assert pairs == [
        Pair("1", *ada, negative="Bob left.", passage_id="1", negative_id="2"),
        Pair("2", *ada, negative="Eve stayed.", passage_id="1", negative_id="3"),
        Pair("3", "who left?", "Bob left.", "2", "2", "Eve stayed.", "2", "3"),
        Pair("4", *ada, negative="Bob left.", passage_id="1", negative_id="2"),
    ]
    assert counts == {}
    rows = [
        row for batch in pair_batches(iter(pairs), counts, "mmarco") for row in batch.to_pylist()
    ]
    # The same pair with another negative is another pair; the ids are the collection's own.
    assert counts == {"read": 4, "kept": 3, "repeated": 1}
    ids = [(row["question_id"], row["passage_id"], row["negative_id"]) for row in rows]
    assert ids == [("1", "1", "2"), ("1", "1", "3"), ("2", "2", "3")]


@pytest.mark.parametrize(
    ("triple", "file", "id_"),
    [((9, 1, 2), "queries", 9), ((1, 8, 2), "collection", 8), ((1, 1, 7), "collection", 7)],
)
def test_mmarco_names_an_id_without_text(tmp_path, triple, file, id_):
    triples = _tsv(tmp_path / "triples.tsv", [*TRIPLES, triple])
    with pytest.raises(DataError) as caught:
        _read("mmarco", triples, *_mmarco(tmp_path))
    message = f"{triples}: line 5: the id {id_} is not in {tmp_path / file}.en.tsv"
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("triples", b"1\t2\n", "3 fields"),
        ("triples", b"1 2 3\n", "3 fields"),
        ("queries.en", b"no tab\n", "2 fields"),
        ("collection.en", b"\tno id\n", "2 fields"),
        ("collection.en", b"5\t\xff\n", "is not UTF-8"),
        ("collection.en", b"2\tAgain.\n", "the id 2 stands twice"),
    ],
)
def test_wrong_line_of_mmarco_is_named(tmp_path, file, line, message):
    paths = [_tsv(tmp_path / "triples.tsv", TRIPLES), *_mmarco(tmp_path)]
    path = tmp_path / f"{file}.tsv"
    number = path.read_bytes().count(b"\n") + 2
    path.write_bytes(path.read_bytes() + b"\n" + line)  # empty lines are skipped, but counted
    with pytest.raises(DataError, match=message) as caught:
        _read("mmarco", *paths)
    assert str(caught.value).startswith(f"{path}: line {number}: ")


def test_text_may_hold_tabs_and_other_line_ends(tmp_path):
    triples = _tsv(tmp_path / "triples.tsv", TRIPLES[:1])
    queries, collection = _mmarco(tmp_path)
    collection.write_bytes("1\ta\tb\u2028c\x0bd\r\n2\te\r\n".encode())
    pairs, _ = _read("mmarco", triples, queries, collection)
    assert pairs[0].passage == "a b c d"
    assert pairs[0].negative == "e"


@pytest.mark.parametrize("paths", [["a"], ["a", "b"], ["a", "b", "c", "d"]])
def test_mmarco_wants_three_files(paths):
    with pytest.raises(ConfigError, match=f"gives {len(paths)}"):
        _read("mmarco", *map(Path, paths))
    if len(paths) != 2:
        with pytest.raises(ConfigError, match=f"gives {len(paths)}"):
            readers.read_parallel("mmarco", paths, [])


def test_parallel_texts_line_up_by_id(tmp_path):
    paths = list(map(str, _mmarco(tmp_path, "xx")))
    texts = readers.read_parallel("mmarco", paths, ["q:2", "p:3", "q:1", "p:1"])
    assert texts == ["WHO LEFT?", "EVE STAYED.", "WHO CAME?", "ADA CAME."]


@pytest.mark.parametrize(("text_id", "file"), [("q:4", "queries"), ("p:9", "collection")])
def test_parallel_text_that_is_not_there_is_named(tmp_path, text_id, file):
    paths = list(map(str, _mmarco(tmp_path, "xx")))
    with pytest.raises(DataError) as caught:
        readers.read_parallel("mmarco", paths, ["q:1", text_id, "p:1"])
    message = f"{tmp_path / file}.xx.tsv: the id {text_id[2:]} is not there"
    assert str(caught.value).startswith(message)


def test_parallel_text_that_stands_twice_is_named(tmp_path):
    queries, collection = _mmarco(tmp_path, "xx")
    queries.write_text(queries.read_text() + "1\tagain\n")
    with pytest.raises(DataError, match="line 4: the id 1 stands twice"):
        readers.read_parallel("mmarco", [str(queries), str(collection)], ["q:1"])


def test_reader_without_parallel_languages_is_named():
    with pytest.raises(ConfigError, match="'wikiqa' knows no `parallel`"):
        readers.read_parallel("wikiqa", [], [])


def _job(input: dict, output: dict | list, params: dict) -> SimpleNamespace:
    return SimpleNamespace(
        input=SimpleNamespace(**input),
        output=SimpleNamespace(**output) if isinstance(output, dict) else output,
        params=SimpleNamespace(**params),
        wildcards=SimpleNamespace(corpus="mmarco", language="xx"),
    )


def _run_stages(folder: Path) -> dict[str, list[dict]]:
    """The train set of each language, of a corpus in two languages and two shards."""
    pairs = folder / "train.parquet"
    output = {"train": pairs, "validation": folder / "v.parquet", "counts": folder / "c.json"}
    triples = _tsv(folder / "triples.tsv", TRIPLES)
    params = {"reader": "mmarco", "language": "en", "holdout": 0.0}
    read_corpus.main(_job({"files": [triples, *_mmarco(folder)]}, output, params))
    shards = {code: [folder / f"{code}.{n}.parquet" for n in range(2)] for code in ("en", "xx")}
    files_ = _mmarco(folder, "xx")
    for number, (own, other) in enumerate(zip(*shards.values(), strict=True)):
        shard_texts.main(_job({"pairs": pairs}, [own], {"number": number, "of": 2}))
        input = {"texts": own, "files": files_}
        read_parallel.main(_job(input, [other], {"reader": "mmarco"}))
    train = {}
    for code in shards:
        input = {"pairs": pairs, "source": shards["en"], "translated": shards[code]}
        output = {"train": folder / f"train.{code}.parquet", "counts": folder / f"{code}.json"}
        limits = {"max_unknown_share": 0.5, "min_length_ratio": 0.5, "max_length_ratio": 2.0}
        of = {"corpus": "mmarco", "language": code}
        params = {"filtering": limits, "same_language": code == "en", "of": of}
        filter_pairs.main(_job(input, output, params))
        table = read_table(output["train"])
        assert files.keys_of(table, output["train"]) == of
        train[code] = table.to_pylist()
    return train


@pytest.mark.parametrize("batch_rows", [1, 2, 50_000])
def test_corpus_in_two_languages_goes_through(tmp_path, monkeypatch, batch_rows):
    for module in (files, _files, sys.modules["hybridbatch.data.pairs"]):
        monkeypatch.setattr(module, "BATCH_ROWS", batch_rows)
    train = _run_stages(tmp_path)
    assert train["en"] == [
        {"id": "1", "question": "who came?", "passage": "Ada came.", "negative": "Bob left."},
        {"id": "2", "question": "who came?", "passage": "Ada came.", "negative": "Eve stayed."},
        {"id": "3", "question": "who left?", "passage": "Bob left.", "negative": "Eve stayed."},
    ]
    upper = [{k: v.upper() for k, v in row.items()} for row in train["en"]]
    assert train["xx"] == upper
    assert read_json(tmp_path / "c.json") == {
        "corpus": "mmarco",
        "language": "en",
        "read": 4,
        "kept": 3,
        "repeated": 1,
        "train": 3,
        "validation": 0,
    }


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


def test_streamed_table_appears_whole_or_not_at_all(tmp_path):
    path, schema = tmp_path / "table.parquet", pa.schema([("n", NUMBER)])

    def fill(fail: bool) -> None:
        with table_writer(path, schema) as write:
            for n in ([], [1, 2], [3]):
                write(pa.record_batch([pa.array(n, NUMBER)], schema=schema))
            if fail:
                raise ValueError("on the way")

    with pytest.raises(ValueError, match="on the way"):
        fill(True)
    assert list(tmp_path.iterdir()) == []
    fill(False)
    assert read_table(path)["n"].to_pylist() == [1, 2, 3]
    assert sorted(tmp_path.iterdir()) == [path.with_name(".table.parquet.xxh128"), path]


def test_first_times_are_those_of_a_set():
    texts = [str(i * i % 97) for i in range(500)]
    first, seen, expected = FirstTimes(), set(), []
    for text in texts:
        expected.append(text not in seen)
        seen.add(text)
    found = [new for i in range(0, 500, 7) for new in first.of(keys(texts[i : i + 7])).tolist()]
    assert found == expected
    assert first.of(keys([])).tolist() == []


def _paper() -> dict:
    return conf.read([ROOT / "config/paper.yaml"])


def test_every_reader_of_the_paper_s_configuration_is_there():
    corpora = _paper()["catalogue"]["corpora"].values()
    names = {corpus["kind"] for corpus in corpora}
    assert {"wikiqa", "mr_tydi", "duorc", "newsqa", "pairs", "mfaq", "mmarco", "squad"} <= names
    for name in names:
        readers.read(name, [], "en", Counter())


def test_corpus_in_several_languages_is_trained_on_in_those_and_not_translated():
    config = _paper()
    languages = lookups.corpus_languages(conf.validate(config), "mmarco")
    assert languages == ["en", "ar", "zh", "de", "es", "ru", "hi"]
    config["target_languages"] = ["th", "hi"]
    config["catalogue"]["translators"][config["translator"]]["routes"]["hi"]["source"] = "th"
    config = Experiment.model_validate(config)
    assert lookups.corpus_languages(config, "mmarco") == ["en", "hi"]
    assert lookups.translated_languages(config, "mmarco") == ["hi"]
    assert lookups.translated_languages(config, "wikiqa") == ["th", "hi"]
    files_ = lookups.parallel_files(config, "mmarco", "hi")
    assert [Path(file).name for file in files_] == [
        "hindi_queries.train.tsv",
        "hindi_collection.tsv",
    ]
    assert set(files_) <= {f"downloads/{place}" for place in lookups.sources(config)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"parallel": {"hi": ["hindi.tsv"]}}, "parallel.hi: 'hindi.tsv' is not among the source"),
        (
            {"parallel": {"en": ["triples.train.ids.small.tsv"]}},
            "parallel: 'en' is the corpus' own",
        ),
        ({"languages": ["th"]}, "languages: 'th' is not among the languages of `parallel`"),
        ({"parallel": {}}, "parallel: {} must not be empty"),
        ({"parallel": {"hi": []}}, r"parallel.hi: [] must not be empty"),
    ],
)
def test_wrong_parallel_languages_are_named(values, message):
    config = _paper()
    config["catalogue"]["corpora"]["mmarco"] |= values
    with pytest.raises(ConfigError) as caught:
        conf.validate(config)
    assert f"catalogue.corpora.mmarco.{message}" in str(caught.value)


def test_parallel_files_need_a_source():
    config = _paper()
    config["catalogue"]["corpora"]["bundled"]["parallel"] = {"es": ["es.jsonl"]}
    with pytest.raises(ConfigError, match=r"bundled\.parallel: names files of a `source`"):
        conf.validate(config)
