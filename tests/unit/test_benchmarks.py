"""What every benchmark has: tables of queries, of candidates of a modality, and of judgements."""

from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

from hybridbatch.benchmarks._reading import read_collection
from hybridbatch.benchmarks.base import (
    CANDIDATE_SCHEMAS,
    QRELS_SCHEMA,
    QUERY_SCHEMA,
    collection,
    modality_of,
)
from hybridbatch.encoders.base import MODALITIES
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import read_table, write_table

QUERIES = {"q2": "Which bird?", "q1": "What is it?"}
PNG = b"\x89PNG\r\n\x1a\n\x00\xff"


def test_a_collection_keeps_the_order_of_its_parts():
    found = collection(QUERIES, {"b": "An owl.", "a": "A stone."}, [("q2", "b"), ("q1", "a")])
    assert found.queries.schema == QUERY_SCHEMA
    assert found.queries.to_pydict() == {
        "query_id": ["q2", "q1"],
        "text": list(QUERIES.values()),
        "article": [None, None],
        "paragraph": [None, None],
    }
    assert found.candidates.schema == CANDIDATE_SCHEMAS["text"]
    assert found.candidates["candidate_id"].to_pylist() == ["b", "a"]
    assert found.qrels.schema == QRELS_SCHEMA
    assert found.qrels.to_pydict() == {"query_id": ["q2", "q1"], "candidate_id": ["b", "a"]}


def test_texts_are_normalised_as_those_of_corpora_are():
    found = collection({"q": "  Where\u00a0 does\tit flow? "}, {"a": "Here.\n "}, [("q", "a")])
    assert found.queries["text"].to_pylist() == ["Where does it flow?"]
    assert found.candidates["text"].to_pylist() == ["Here."]


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        (({}, {"a": "A."}, []), "has no queries"),
        (({"q": "Q?"}, {}, []), "has no candidates"),
        (({"q": "Q?"}, {"a": "A."}, []), "has no judgements"),
        (({"q": " \u2003"}, {"a": "A."}, [("q", "a")]), "the query 'q' has no id, no text"),
        (({"q": "Q?"}, {"a": "\n"}, [("q", "a")]), "the candidate 'a' has no id, no text"),
        (({"": "Q?"}, {"a": "A."}, [("", "a")]), "the query '' has no id, no text"),
        (({"q": "Q?"}, {"a": "A."}, [("p", "a")]), "judges the query p, which is not there"),
        (({"q": "Q?"}, {"a": "A."}, [("q", "b")]), "judges the candidate b, which is not there"),
        (({"q": "Q?"}, {"a": "A."}, [("q", "a")] * 2), "query q and candidate a are judged twice"),
    ],
)
def test_a_kind_that_reads_no_usable_collection_is_refused_with_its_files(
    monkeypatch, parts, words
):
    kind = SimpleNamespace(read=lambda files, language: collection(*parts))
    monkeypatch.setattr("hybridbatch.runtime.kinds.load", lambda room, name: kind)
    with pytest.raises(DataError, match=f"^films/en.json, films/q.tsv: {words}"):
        read_collection("films", {"file": "films/en.json", "qrels": "films/q.tsv"}, "en")


def test_ids_of_a_collection_that_stand_twice_are_refused(monkeypatch):
    twice = pa.table([["q", "q"], ["Q?", "R?"], *([[None] * 2] * 2)], schema=QUERY_SCHEMA)
    right = collection({"q": "Q?"}, {"a": "A."}, [("q", "a")])
    kind = SimpleNamespace(read=lambda *_: replace(right, queries=twice))
    monkeypatch.setattr("hybridbatch.runtime.kinds.load", lambda room, name: kind)
    with pytest.raises(DataError, match=r"films/en\.json: the query q stands twice"):
        read_collection("films", {"file": "films/en.json"}, "en")


def test_candidates_may_be_images_as_a_file_s_bytes(tmp_path):
    found = collection(QUERIES, {"owl": PNG, "empty": b""}, [("q2", "owl")], modality="image")
    assert found.candidates.schema == CANDIDATE_SCHEMAS["image"]
    write_table(tmp_path / "candidates.parquet", found.candidates, {"language": "en"})
    read = read_table(tmp_path / "candidates.parquet")
    assert modality_of(read, "candidates.parquet") == "image"
    assert read["image"].to_pylist() == [PNG, b""]


def test_a_collection_without_judgements_has_empty_ones():
    assert collection(QUERIES, {"a": "A stone."}, []).qrels.equals(QRELS_SCHEMA.empty_table())


def test_the_modality_is_the_column_of_the_candidates():
    assert list(CANDIDATE_SCHEMAS) == list(MODALITIES)
    for modality, schema in CANDIDATE_SCHEMAS.items():
        assert modality_of(schema.empty_table(), "candidates.parquet") == modality


def test_candidates_of_no_known_modality_are_refused():
    table = pa.table({"candidate_id": ["a"], "sound": [b"x"]})
    with pytest.raises(DataError, match=r"films/en.parquet: has no column 'text' or 'image'"):
        modality_of(table, "films/en.parquet")
