"""What every benchmark has: tables of queries, of candidates of a modality, and of judgements."""

import pyarrow as pa
import pytest

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
    assert found.queries.to_pydict() == {"query_id": ["q2", "q1"], "text": list(QUERIES.values())}
    assert found.candidates.schema == CANDIDATE_SCHEMAS["text"]
    assert found.candidates["candidate_id"].to_pylist() == ["b", "a"]
    assert found.qrels.schema == QRELS_SCHEMA
    assert found.qrels.to_pydict() == {"query_id": ["q2", "q1"], "candidate_id": ["b", "a"]}


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
