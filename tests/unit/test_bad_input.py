"""Bad input of every kind of file of others: what is read, what is refused, and by which name.

Every kind has a sample here with a MARK in its texts, which the tests replace by something bad. The
kinds are found in the package, so that a new one has to show that it reads strictly.
"""

import gzip
import io
import json
import pkgutil
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fonts import LATIN, letters

from hybridbatch import benchmarks
from hybridbatch.benchmarks import miracl
from hybridbatch.benchmarks._reading import read_collection
from hybridbatch.benchmarks.base import CANDIDATE_SCHEMA
from hybridbatch.data import readers, records
from hybridbatch.data.hub import DataSet, fetch_data_set
from hybridbatch.data.pairs import pair_batches
from hybridbatch.data.shards import MANIFEST
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.tables.published import TRAINING_DATA, read_figures
from hybridbatch.translation.references import READERS as REFERENCES
from hybridbatch.translation.references import read_references

PACKAGE = Path(readers.__file__).parents[2]
MARK = "Mark"
TEXT = f"Owls sleep. {MARK} asks.\u2028It is late."
MARK_BYTES = MARK.encode()
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Files = dict[str, Path]


class Binary(bytes):
    """The bytes of a file that is no text."""


@dataclass(frozen=True)
class Sample:
    """Right files of one kind, by name, and what reads them.

    files: the bytes of a text file, `Binary`, or the rows of a parquet file. read: the texts with
    their ids. named: whether ids stand in the files, so that they cannot be told apart from file to
    file.
    """

    files: dict[str, bytes | list[dict[str, Any]]]
    read: Callable[[Files], list[tuple]]
    named: bool = True
    several: bool = True  # whether it is read from any number of files
    schema: dict[str, pa.DataType] = field(default_factory=dict)


def _jsonl(*records: dict) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _squad(folder: str = "") -> bytes:
    start = TEXT.index(MARK)
    qas = [
        {"id": "q1", "question": f"{MARK} who?", "answers": [{"text": MARK, "answer_start": start}]}
    ]
    breaks = [[0, 11], [12, 22], [23, 34]]
    paragraph = {"context": TEXT, "sentence_breaks": breaks, "qas": qas}
    article = {"title": "Owls", "paragraphs": [paragraph]}
    return json.dumps({"data": [article]}, ensure_ascii=False, indent=1).encode() + b"\n"


def _pairs(kind: str) -> Callable[[Files], list[tuple]]:
    def read(files: Files) -> list[tuple]:
        counts: Counter = Counter()
        found = readers.read(kind, list(map(str, files.values())), "en", counts)
        batches = pair_batches(found, counts, "corpus a")
        columns = ["id", "question", "passage", "negative"]
        return [tuple(r.values()) for b in batches for r in b.select(columns).to_pylist()]

    return read


def _data_set(columns: dict) -> Callable[[Files], list[tuple]]:
    def read(files: Files) -> list[tuple]:
        first = next(iter(files.values()))
        path, folder = (first, first.parent / "shards")
        if len(files) > 1:  # a folder of files, of which the first is not in it
            path = first.parent.parent
            folder = path.parent / "shards"
        data_set = DataSet(str(path), None, None, "train", columns)
        fetch_data_set(data_set, folder, None, folder.with_name("lock.json"))
        return _pairs("datasets")({"manifest": folder / MANIFEST})

    return read


def _collection(kind: str) -> Callable[[Files], list[tuple]]:
    def read(files: Files) -> list[tuple]:
        found = read_collection(kind, dict(files), "en")
        tables = [found.queries, *([found.candidates] if found.candidates else [])]
        return [tuple(row.values()) for table in tables for row in table.to_pylist()]

    return read


def _images(kind: str) -> Callable[[Files], list[tuple]]:
    """The queries' ids and texts of a kind whose candidates are images, and the candidates' ids."""

    def read(files: Files) -> list[tuple]:
        found = read_collection(kind, dict(files), "en")
        columns = [found.queries[name].to_pylist() for name in ("query_id", "text")]
        queries = zip(*columns, strict=True)
        return [*queries, *((id_,) for id_ in found.candidates["candidate_id"].to_pylist())]

    return read


def _references(kind: str) -> Callable[[Files], list[tuple]]:
    return lambda files: list(read_references(kind, *files.values(), "en").items())


def _passages(files: Files) -> list[tuple]:
    qrels = pa.table({"query_id": ["1"], "candidate_id": ["1#0"], "grade": [1]})
    miracl.survey(list(files.values()), pa.table({"query_id": ["1"]}), qrels)
    return [row for path in files.values() for row in miracl.read_passages(path)]


def _figures(files: Files) -> list[tuple]:
    return list(read_figures(*files.values(), TRAINING_DATA).itertuples(index=False, name=None))


COLUMNS = {"question": "asked", "passage": "text", "id": "key"}
ROW = {"key": "k1", "asked": f"{MARK} asks?", "text": TEXT}
STRING, NUMBER = pa.string(), pa.int64()
OFFSETS = pa.list_(NUMBER)
IMAGE = {"image_id": f"{MARK}1", "image": b"an image"}
IMAGE_TYPES = {"image_id": STRING, "image": pa.binary()}
CAPTION = {"language": "en", "caption": f"{MARK} asks", "split": "test", "group": "owl"}
# The unread key is one of text beside those with a stroke in their names.
XM3600 = {"image/key": f"{MARK}1", "en": {"caption": [f"{MARK} asks"]}, "note": MARK}
TOPIC = {
    "query_id": "t1",
    "query": f"{MARK} asks?",
    "positive_passages": [{"docid": "1#0", "title": "Owls", "text": TEXT}],
    "negative_passages": [],
}
SAMPLES = {
    "readers jsonl": Sample(
        {
            "a.jsonl": _jsonl(
                {"question": f"{MARK}?", "passage": TEXT}, {"question": "Why?", "passage": "B."}
            )
        },
        _pairs("jsonl"),
        named=False,
    ),
    "readers jsonl with ids": Sample(
        {"a.jsonl": _jsonl({"id": "a", "question": f"{MARK}?", "passage": TEXT})}, _pairs("jsonl")
    ),
    "readers squad": Sample({"a.json": _squad()}, _pairs("squad")),
    "readers mr_tydi": Sample({"a.jsonl": _jsonl(TOPIC)}, _pairs("mr_tydi")),
    "readers entity_questions": Sample(
        {"P1.train.json": b'[\n{"question": "Mark?", "answers": ["Owls in trees"]}\n]\n'},
        _pairs("entity_questions"),
        named=False,
    ),
    "readers mmarco": Sample(
        {
            "triples.tsv": b"1\t1\t2\n2\t2\t1\n",
            "queries.tsv": f"1\t{MARK} asks?\n2\tWho else?\n".encode(),
            "collection.tsv": f"1\t{TEXT}\n2\tNobody.\n".encode(),
        },
        _pairs("mmarco"),
        several=False,
    ),
    "readers wikiqa": Sample(
        {
            "a.parquet": [
                {
                    "question_id": "Q1",
                    "question": f"{MARK}?",
                    "document_title": "Owls",
                    "answer": TEXT,
                    "label": 1,
                },
                {
                    "question_id": "Q1",
                    "question": "?",
                    "document_title": "Owls",
                    "answer": "No.",
                    "label": 0,
                },
            ]
        },
        _pairs("wikiqa"),
        schema={
            "question_id": STRING,
            "question": STRING,
            "document_title": STRING,
            "answer": STRING,
            "label": NUMBER,
        },
    ),
    "readers duorc": Sample(
        {
            "a.parquet": [
                {
                    "plot_id": "p",
                    "plot": TEXT,
                    "question_id": "d1",
                    "question": f"{MARK}?",
                    "answers": [MARK],
                    "no_answer": False,
                }
            ]
        },
        _pairs("duorc"),
        schema={
            "plot_id": STRING,
            "plot": STRING,
            "question_id": STRING,
            "question": STRING,
            "answers": pa.list_(STRING),
            "no_answer": pa.bool_(),
        },
    ),
    "readers newsqa": Sample(
        {
            "a.parquet": [
                {
                    "context": TEXT,
                    "question": f"{MARK}?",
                    "answers": [MARK],
                    "labels": [{"start": [12], "end": [15]}],
                }
            ]
        },
        _pairs("newsqa"),
        named=False,
        schema={
            "context": STRING,
            "question": STRING,
            "answers": pa.list_(STRING),
            "labels": pa.list_(pa.struct([("start", OFFSETS), ("end", OFFSETS)])),
        },
    ),
    "readers mfaq": Sample(
        {"a.parquet": [{"domain_id": 4, "question": f"{MARK}?", "answer": TEXT}]},
        _pairs("mfaq"),
        named=False,
        schema={"domain_id": NUMBER, "question": STRING, "answer": STRING},
    ),
    "readers pairs": Sample(
        {"a.parquet": [{"query": f"{MARK}?", "answer": TEXT}]},
        _pairs("pairs"),
        named=False,
        schema={"query": STRING, "answer": STRING},
    ),
    "readers datasets, JSON Lines": Sample({"train-0.jsonl": _jsonl(ROW)}, _data_set(COLUMNS)),
    "readers datasets, a JSON list": Sample(
        {"train-0.json": json.dumps([ROW], ensure_ascii=False, indent=1).encode() + b"\n"},
        _data_set(COLUMNS),
    ),
    "readers datasets, CSV": Sample(
        {"train-0.csv": f'key,asked,text\nk1,{MARK} asks?,"{TEXT}"\n'.encode()}, _data_set(COLUMNS)
    ),
    "readers datasets, TSV": Sample(
        {"train-0.tsv": f"key\tasked\ttext\nk1\t{MARK} asks?\t{TEXT}\n".encode()},
        _data_set(COLUMNS),
    ),
    "readers datasets, parquet": Sample(
        {"train-0.parquet": [ROW]}, _data_set(COLUMNS), schema=dict.fromkeys(ROW, STRING)
    ),
    "benchmarks lareqa": Sample({"file": _squad()}, _collection("lareqa"), several=False),
    "benchmarks miracl": Sample(
        {"topics": f"1\t{MARK} asks?\n".encode(), "qrels": b"1\tQ0\t1#0\t1\n1\tQ0\t2#0\t0\n"},
        _collection("miracl"),
        several=False,
    ),
    "benchmarks emoji": Sample(
        {"captions": [{"image_id": f"{MARK}1", **CAPTION}], "images": [IMAGE]},
        _images("emoji"),
        several=False,
        schema=IMAGE_TYPES | dict.fromkeys(CAPTION, STRING),
    ),
    "benchmarks xtd10": Sample(
        {
            "captions": f"{MARK} asks\nNobody\n".encode(),
            "names": f"COCO_{MARK}1.jpg\nCOCO_2.jpg\n".encode(),
            "images": [
                {"image_id": "COCO_2", "image": b"two"},
                {"image_id": f"COCO_{MARK}1", "image": b"one"},
            ],
        },
        _images("xtd10"),
        several=False,
        schema=IMAGE_TYPES,
    ),
    "benchmarks xm3600": Sample(
        {"captions": _jsonl(XM3600), "images": [IMAGE]},
        _images("xm3600"),
        several=False,
        schema=IMAGE_TYPES,
    ),
    "benchmarks rendered": Sample(
        {"file": _squad(), "font": Binary(letters(io.BytesIO(), LATIN).getvalue())},
        _images("rendered"),
        several=False,
    ),
    "passages, JSON Lines": Sample(
        {"a.jsonl": _jsonl({"docid": "1#0", "title": "Owls", "text": TEXT})}, _passages
    ),
    "passages, parquet": Sample(
        {"a.parquet": [{"candidate_id": "1#0", "text": " ".join(TEXT.split())}]},
        _passages,
        schema={f.name: f.type for f in CANDIDATE_SCHEMA},
    ),
    "references questions": Sample({"a.json": _squad()}, _references("questions"), several=False),
    "references parallel": Sample({"a.json": _squad()}, _references("parallel"), several=False),
    "published figures": Sample(
        {"a.csv": f"{','.join(TRAINING_DATA)}\n{MARK},7,3\nSQuAD,5,3\n".encode()},
        _figures,
        several=False,
    ),
}
FILES = [(name, file) for name, sample in SAMPLES.items() for file in sample.files]
TEXTS = [(name, file) for name, file in FILES if type(SAMPLES[name].files[file]) is bytes]
PARQUET = [(name, file) for name, file in FILES if isinstance(SAMPLES[name].files[file], list)]
JSON = [(n, f) for n, f in TEXTS if SAMPLES[n].files[f].lstrip()[:1] in (b"{", b"[")]
MARKED = [(n, f) for n, f in TEXTS if MARK_BYTES in SAMPLES[n].files[f]]
WHERE = r": (line|row|entry|article) \d+"


def _kinds() -> set[str]:
    """The kinds of the package that read files of others."""
    found = {f"readers {m.name}" for m in pkgutil.iter_modules(readers.__path__)}
    found |= {f"benchmarks {m.name}" for m in pkgutil.iter_modules(benchmarks.__path__)}
    found |= {f"references {name}" for name in REFERENCES}
    return {name for name in found if name != "benchmarks base" and " _" not in name}


def test_every_kind_has_a_sample():
    named = {name.split(",")[0] for name in SAMPLES}
    assert _kinds() <= named, "a new kind of reader, benchmark or reference needs a Sample"


def _write(folder: Path, sample: Sample, **changed: Any) -> Files:
    """The files of a sample in `folder`, some with other content."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, content in (sample.files | changed).items():
        paths[name] = folder / name
        if isinstance(content, list):
            table = pa.Table.from_pylist(content, schema=pa.schema(sample.schema))
            content = _parquet(table)
        paths[name].write_bytes(content)
    return paths


def _parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def _read(folder: Path, name: str, **changed: Any) -> list[tuple]:
    return SAMPLES[name].read(_write(folder, SAMPLES[name], **changed))


def _refused(folder: Path, name: str, file: str, content: Any) -> str:
    """The message, which has to name the file."""
    with pytest.raises((DataError, SourceError)) as caught:
        _read(folder, name, **{file: content})
    message = str(caught.value)
    assert str(folder / file) in message
    return message


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_read_and_has_its_mark(tmp_path, name):
    found = _read(tmp_path, name)
    assert found
    assert any(MARK in str(value) for row in found for value in row)


@pytest.mark.parametrize(("name", "file"), TEXTS)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: BYTE_ORDER_MARK + data, id="byte-order mark"),
        pytest.param(lambda data: data.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(lambda data: data.rstrip(b"\n"), id="no last line feed"),
        pytest.param(lambda data: gzip.compress(data), id="gzip"),
    ],
)
def test_what_changes_no_text_is_read(tmp_path, name, file, change):
    right = _read(tmp_path / "right", name)
    assert _read(tmp_path, name, **{file: change(SAMPLES[name].files[file])}) == right


@pytest.mark.parametrize(("name", "file"), MARKED)
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"Ma\xffrk", "is not UTF-8"),
        (b"Ma\xed\xa0\x80rk", "is not UTF-8"),  # half of a surrogate pair, as CESU-8 has it
        (b"Ma\0rk", "NUL"),
    ],
    ids=["not UTF-8", "surrogate", "NUL"],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path, name, file, bad, words):
    data = SAMPLES[name].files[file]
    line = data[: data.index(MARK_BYTES)].count(b"\n") + 1
    message = _refused(tmp_path, name, file, data.replace(MARK_BYTES, bad, 1))
    assert words in message
    assert f": line {line}" in message


@pytest.mark.parametrize(("name", "file"), JSON)
@pytest.mark.parametrize("escape", [r"\ud83d", r"\uDE00", r"\u0000", r"\ude00\ud83d"])
def test_an_escape_that_is_no_character_is_refused_with_its_line(tmp_path, name, file, escape):
    data = SAMPLES[name].files[file]
    line = data[: data.index(MARK_BYTES)].count(b"\n") + 1
    message = _refused(tmp_path, name, file, data.replace(MARK_BYTES, escape.encode(), 1))
    assert f"{tmp_path / file}: line {line}" in message


@pytest.mark.parametrize("name", [n for n, _ in JSON if "jsonl" in n or "JSON Lines" in n])
def test_escapes_of_characters_are_read(tmp_path, name):
    (file,) = SAMPLES[name].files
    data = SAMPLES[name].files[file].replace(b"Mark", rb"M\ud83d\ude00rk \\ud83d", 1)
    texts = [str(value) for row in _read(tmp_path, name, **{file: data}) for value in row]
    assert any("M😀rk \\ud83d" in text for text in texts)


@pytest.mark.parametrize(("name", "file"), JSON)
def test_a_key_that_stands_twice_in_an_object_is_refused(tmp_path, name, file):
    text = SAMPLES[name].files[file].decode()
    data = re.sub(r'("\w+"): ("[^"]*Mark[^"]*")', r'\1: \2, \1: "Other"', text, count=1).encode()
    message = _refused(tmp_path, name, file, data)
    assert "stands twice in one object" in message
    assert re.search(WHERE, message)


@pytest.mark.parametrize(("name", "file"), TEXTS)
@pytest.mark.parametrize(
    "data", [b"", b"\n \r\n", BYTE_ORDER_MARK, gzip.compress(b"")], ids=range(4)
)
def test_an_empty_text_file_is_refused(tmp_path, name, file, data):
    _refused(tmp_path, name, file, data)


@pytest.mark.parametrize(("name", "file"), JSON)
@pytest.mark.parametrize(
    "data", [b"[]", b"{}\n", b"null", b"[" * 99_999, b'{"a": NaN}'], ids=range(5)
)
def test_json_of_another_shape_is_refused(tmp_path, name, file, data):
    _refused(tmp_path, name, file, data)


@pytest.mark.parametrize(("name", "file"), PARQUET)
def test_a_parquet_file_without_rows_is_refused(tmp_path, name, file):
    _refused(tmp_path, name, file, [])


def _marked(sample: Sample, file: str, mark: str) -> list[dict]:
    """The rows of a sample's parquet file with another mark, in the last row."""
    first, last = sample.files[file][:-1], sample.files[file][-1]
    if MARK not in str(last):
        first, last = [], sample.files[file][0]
    changed = {k: v.replace(MARK, mark) if isinstance(v, str) else v for k, v in last.items()}
    return [*first, changed]


@pytest.mark.parametrize(("name", "file"), PARQUET)
def test_nul_in_a_parquet_file_is_refused_with_its_row(tmp_path, name, file):
    rows = _marked(SAMPLES[name], file, "Ma\0rk")
    message = _refused(tmp_path, name, file, rows)
    assert f"row {len(rows) - 1}" in message
    assert "NUL" in message


@pytest.mark.parametrize(("name", "file"), PARQUET)
def test_bytes_in_a_parquet_file_that_are_no_text_are_refused_with_their_row(tmp_path, name, file):
    sample, rows = SAMPLES[name], _marked(SAMPLES[name], file, "Ma?rk")
    column = next(k for k, v in rows[-1].items() if isinstance(v, str) and "Ma?rk" in v)
    table = pa.Table.from_pylist(rows, schema=pa.schema(sample.schema))
    binary = [row[column].encode().replace(b"Ma?rk", b"Ma\xffrk") for row in rows]
    place = table.column_names.index(column)
    text = pa.array(binary, pa.binary()).view(pa.string())
    message = _refused(tmp_path, name, file, _parquet(table.set_column(place, column, text)))
    assert f"row {len(rows) - 1}" in message


# Neither are the fields of published figures texts, nor does the workflow write odd passages.
NORMALISED = [name for name in SAMPLES if name not in ("published figures", "passages, parquet")]


@pytest.mark.parametrize("name", NORMALISED)
def test_blanks_are_normalised_alike(tmp_path, name):
    """Also Unicode's others; where offsets are given, they are those of the text in the file."""
    sample, odd = SAMPLES[name], "Ma  \u00a0\u3000rk"
    changed = {
        file: _marked(sample, file, odd)
        if isinstance(content, list)
        else type(content)(content.replace(MARK_BYTES, odd.encode()))
        for file, content in sample.files.items()
    }
    if name in SPANS:
        changed = {file: _longer(content) for file, content in changed.items()}
    found = _read(tmp_path, name, **changed)
    texts = [value for row in found for value in row[1:] if value]
    assert any("Ma rk" in text for text in texts)
    assert all(text == " ".join(text.split()) for text in texts)


SPANS = ["readers squad", "readers duorc", "readers newsqa", "benchmarks lareqa"]
SPANS += ["benchmarks rendered"]
SPANS += ["references questions", "references parallel"]


def _longer(content: Any) -> Any:
    """Sentence breaks and answers of `_squad` and of the parquet samples after a longer mark."""
    if isinstance(content, Binary):
        return content
    if isinstance(content, bytes):
        found = json.loads(content)
        (paragraph,) = found["data"][0]["paragraphs"]
        paragraph["sentence_breaks"] = [[0, 11], [12, 26], [27, 38]]
        return json.dumps(found, ensure_ascii=False).encode()
    return [{**row, "answers": ["Ma  \u00a0\u3000rk"]} for row in content]


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.several])
def test_ids_of_several_files_restart_or_are_refused_with_their_place(tmp_path, name):
    """A file's numbers restart in the next file; ids that files give may not."""
    sample = SAMPLES[name]
    (file,) = sample.files
    paths = {}
    for folder in ("data/one", "data/two"):
        # Names that are the same in both folders; `train-0` and `train-1` make one data set.
        (path,) = _write(tmp_path / folder, sample).values()
        paths[folder] = path
    if sample.named:
        with pytest.raises(DataError, match="stands twice") as caught:
            sample.read(paths)
        assert re.search(WHERE, str(caught.value))
        return
    changed = _other_texts(sample.files[file])
    second = _write(tmp_path / "data/two", sample, **{file: changed})
    paths["data/two"] = second[file]
    found = sample.read(paths)
    assert len(found) == 2 * len(_read(tmp_path / "alone", name))
    assert len({row[0] for row in found}) == len(found)


def _other_texts(content: Any) -> Any:
    if isinstance(content, bytes):
        return content.replace(b"?", b" then?")
    return [{**row, "question": "Other?", "query": "Other?"} for row in content]


def test_joined_files_may_each_have_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"".join(BYTE_ORDER_MARK + b"%d\tb\r\n" % number for number in range(3)))
    assert list(records.fields(path, 2)) == [(n + 1, [str(n), "b"]) for n in range(3)]


def test_the_line_of_a_fault_in_one_long_json_text_is_named(tmp_path):
    path = tmp_path / "a.json"
    for text, message in {
        '{"a": {"x": 1, "y": {"x": 2}},\n"b": {"z": "{\\"z\\": 1", "\\u007a": 2}}': (
            'line 2: the key "\\u007a" stands twice in one object.'
        ),
        '["\\\\ud83d", "\\ud83d\\ude00",\n\n"\\ud83d\\u0041"]': r"line 3, \ud83d: has half of",
        '["a",\n\u2028"b\n"]': "line 2: is not JSON",
        "[1,\n2,\n\n": "line 4: is not JSON",
    }.items():
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError) as caught:
            records.json_file(path)
        assert str(caught.value).startswith(f"{path}: {message}")


def test_rows_of_quoted_tables_have_the_number_of_their_first_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n\n"x\ny",""\n"say ""no""",' + "z" * 200_000 + "\n")
    rows = list(records.csv_rows(path))
    assert rows[0] == (3, {"a": "x\ny", "b": ""})
    assert rows[1] == (5, {"a": 'say "no"', "b": "z" * 200_000})


# What every reader has to use, so that a new one cannot forget it.

STRICT = ["data/readers", "benchmarks", "translation/references.py", "tables/published.py"]
STRICT += ["data/squad_format.py", "data/shards.py", "data/caption_files.py", "data/cldr.py"]
OWN_WAYS = r"(?<![\w.])open\(|\.open\(|read_text|read_bytes|json\.load|csv\.reader|DictReader|ParquetFile|read_csv|\.decode\("  # noqa: E501


def _sources() -> list[Path]:
    found = [PACKAGE / place for place in STRICT]
    return [file for path in found for file in ([path] if path.is_file() else path.glob("*.py"))]


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_of_others_are_read_by_the_strict_module(path):
    assert [line for line in path.read_text().split("\n") if re.search(OWN_WAYS, line)] == []


def test_nothing_is_replaced_in_silence():
    """Only what is shown and never kept is decoded with replacements."""
    shown = {"runtime/files.py", "runtime/usage.py", "runtime/logs.py"}
    replacing = re.compile(r"""errors=["'](replace|ignore)|,\s*["'](replace|ignore)["']\)""")
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if replacing.search(path.read_text())
    }
    assert found - shown <= {"translation/engines/_chain.py"}
