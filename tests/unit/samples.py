"""A right sample of every kind of file of others, and what reads it.

Every sample has a MARK in its texts, which the tests replace by something bad. `test_bad_input.py`
demands one of every kind that it finds in the package.
"""

import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from fonts import LATIN, letters

from hybridbatch.benchmarks import miracl
from hybridbatch.benchmarks._reading import read_collection
from hybridbatch.benchmarks.base import CANDIDATE_SCHEMA
from hybridbatch.data import readers
from hybridbatch.data.hub import DataSet, fetch_data_set
from hybridbatch.data.pairs import pair_batches
from hybridbatch.data.shards import MANIFEST
from hybridbatch.tables.published import TRAINING_DATA, read_figures
from hybridbatch.translation.references import read_references

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
    "benchmarks captions": Sample(
        {"captions": [{"image_id": f"{MARK}1", **CAPTION}], "images": [IMAGE]},
        _images("captions"),
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
