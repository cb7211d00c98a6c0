"""Files say what they are of, so that no reader depends on the order or names of its inputs."""

import pyarrow as pa
import pytest

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import keys_of, read_keyed, read_table, write_table


def test_files_are_ordered_by_their_keys_whatever_the_order_of_paths(tmp_path):
    paths = []
    for corpus, language in (("wiki", "en"), ("faq", "es"), ("faq", "en")):
        paths.append(tmp_path / f"{len(paths)}.parquet")
        table = pa.table({"text": [f"{corpus} {language}"], "other": [1]})
        write_table(paths[-1], table, {"language": language, "corpus": corpus, "seed": 3})
    found = read_keyed(paths, ["text"])
    assert [tuple(keys.values()) for keys, _ in found] == [
        ("faq", "en", 3), ("faq", "es", 3), ("wiki", "en", 3),
    ]  # fmt: skip
    assert [t.to_pydict() for _, t in found] == [
        {"text": ["faq en"]}, {"text": ["faq es"]}, {"text": ["wiki en"]},
    ]  # fmt: skip
    assert [t for _, t in read_keyed(paths[::-1], ["text"])] == [t for _, t in found]


def test_a_table_that_does_not_say_what_it_is_of_is_named(tmp_path):
    write_table(tmp_path / "old.parquet", pa.table({"text": ["x"]}))
    with pytest.raises(DataError, match=r"old.parquet: does not say what it is of; delete it"):
        read_keyed([tmp_path / "old.parquet"])


def test_keys_stand_beside_the_metadata_that_a_table_has(tmp_path):
    table = pa.table({"text": ["x"]}).replace_schema_metadata({"made": "by hand"})
    write_table(tmp_path / "x.parquet", table, {"language": "en"})
    found = read_table(tmp_path / "x.parquet")
    assert found.schema.metadata[b"made"] == b"by hand"
    assert keys_of(found, "x") == {"language": "en"}
