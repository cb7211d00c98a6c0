"""Outputs appear whole or not at all."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hybridbatch.runtime.errors import DataError, HybridBatchError
from hybridbatch.runtime.files import (
    checked,
    keys_of,
    read_json,
    read_table,
    table_writer,
    whole,
    write_json,
    write_table,
    write_text,
)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _fill(folder: Path, *names: str) -> None:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(name, encoding="utf-8")


def _fail_in(path: Path, make_folder: bool) -> None:
    """Write a part of the output, then raise."""
    with whole(path) as temporary:
        if make_folder:
            _fill(temporary, "part")
        else:
            temporary.write_text("part", encoding="utf-8")
        raise ValueError("on the way")


def test_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "output.txt"
    with whole(path) as temporary:
        temporary.write_text("all", encoding="utf-8")
        assert not path.exists()
        assert temporary.parent == path.parent
    assert path.read_text(encoding="utf-8") == "all"
    assert _names(path.parent) == [".output.txt.xxh128", "output.txt"]


def test_file_replaces_an_older_one(tmp_path):
    path = tmp_path / "output.txt"
    path.write_text("old", encoding="utf-8")
    with whole(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("older", [False, True])
def test_folder_appears_and_replaces_an_older_one(tmp_path, older):
    path = tmp_path / "model"
    if older:
        _fill(path, "old", "both")
    with whole(path) as temporary:
        _fill(temporary, "new", "both")
    assert _names(path) == [".xxh128", "both", "new"]
    assert _names(tmp_path) == ["model"]


@pytest.mark.parametrize("make_folder", [False, True])
def test_failure_leaves_nothing(tmp_path, make_folder):
    with pytest.raises(ValueError, match="on the way"):
        _fail_in(tmp_path / "output", make_folder)
    assert _names(tmp_path) == []


@pytest.mark.parametrize("make_folder", [False, True])
def test_failure_keeps_the_older_file(tmp_path, make_folder):
    path = tmp_path / "output"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ValueError, match="on the way"):
        _fail_in(path, make_folder)
    assert path.read_text(encoding="utf-8") == "old"
    assert _names(tmp_path) == ["output"]


@pytest.mark.parametrize("make_folder", [False, True])
def test_failure_keeps_the_older_folder(tmp_path, make_folder):
    path = tmp_path / "output"
    _fill(path, "old")
    with pytest.raises(ValueError, match="on the way"):
        _fail_in(path, make_folder)
    assert _names(path) == ["old"]
    assert _names(tmp_path) == ["output"]


@pytest.mark.parametrize("make_folder", [False, True])
def test_block_that_made_nothing_fails_and_keeps_the_older(tmp_path, make_folder):
    path = tmp_path / "output"
    if make_folder:
        _fill(path, "old")
    else:
        path.write_text("old", encoding="utf-8")
    with pytest.raises(FileNotFoundError), whole(path):
        pass
    assert path.exists()
    assert _names(path) == ["old"] if make_folder else path.read_text(encoding="utf-8") == "old"


def _write_without_room(path: Path) -> None:
    with whole(path) as temporary:
        temporary.symlink_to("/dev/full")  # a disk without room
        pq.write_table(pa.table({"x": [1, 2, 3]}), temporary)


def test_a_full_disk_is_named_with_the_output_and_leaves_nothing(tmp_path):
    path = tmp_path / "table.parquet"
    with pytest.raises(HybridBatchError, match=r"table\.parquet: cannot be written: No space left"):
        _write_without_room(path)
    assert _names(tmp_path) == []


def test_two_writers_do_not_share_a_temporary(tmp_path):
    path = tmp_path / "output"
    with whole(path) as first, whole(path) as second:
        assert first != second
        first.write_text("first", encoding="utf-8")
        second.write_text("second", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "first"
    assert checked(path) == path
    assert _names(tmp_path) == [".output.xxh128", "output"]


def test_text_is_utf8(tmp_path):
    write_text(tmp_path / "text", "año 😀")
    assert (tmp_path / "text").read_bytes() == "año 😀".encode()


def test_json_is_sorted_readable_and_comes_back(tmp_path):
    value = {"b": [1, None], "a": {"ñ": 0.1}}
    write_json(tmp_path / "value.json", value)
    text = (tmp_path / "value.json").read_text(encoding="utf-8")
    assert text.index('"a"') < text.index('"b"')
    assert "ñ" in text
    assert text.endswith("}\n")
    assert read_json(tmp_path / "value.json") == value == json.loads(text)


def test_json_refuses_nan_and_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "value.json", {"a": float("nan")})
    assert _names(tmp_path) == []


def test_table_comes_back_whole_or_by_column(tmp_path):
    table = pa.table({"a": [1, 2], "b": ["x", None]})
    write_table(tmp_path / "table.parquet", table)
    assert read_table(tmp_path / "table.parquet").equals(table)
    assert read_table(tmp_path / "table.parquet", ["b"]).column_names == ["b"]
    assert read_table(tmp_path / "table.parquet", ["b", "a"]).column_names == ["b", "a"]


def test_a_missing_column_is_named_with_the_file(tmp_path):
    write_table(tmp_path / "table.parquet", pa.table({"a": [1]}))
    with pytest.raises(DataError, match=r"table\.parquet has no column 'c'"):
        read_table(tmp_path / "table.parquet", ["a", "c"])


def test_a_parquet_file_says_what_it_is_of(tmp_path):
    path = tmp_path / "metrics.parquet"
    keys = {"encoder": "static", "seed": 0, "language": "es"}
    write_table(path, pa.table({"map": [0.5]}), keys)
    table = read_table(path)
    assert keys_of(table, path) == keys
    assert table.to_pylist() == [{"map": 0.5}]


def test_a_file_without_keys_is_named(tmp_path):
    path = tmp_path / "metrics.parquet"
    write_table(path, pa.table({"map": [0.5]}))
    with pytest.raises(DataError, match=r"metrics\.parquet: does not say what it is of"):
        keys_of(read_table(path), path)


def test_streamed_table_appears_whole_or_not_at_all(tmp_path):
    path, schema = tmp_path / "table.parquet", pa.schema([("n", pa.int64())])

    def fill(fail: bool) -> None:
        with table_writer(path, schema) as write:
            for n in ([], [1, 2], [3]):
                write(pa.record_batch([pa.array(n, pa.int64())], schema=schema))
            if fail:
                raise ValueError("on the way")

    with pytest.raises(ValueError, match="on the way"):
        fill(True)
    assert list(tmp_path.iterdir()) == []
    fill(False)
    assert read_table(path)["n"].to_pylist() == [1, 2, 3]
    assert sorted(tmp_path.iterdir()) == [path.with_name(".table.parquet.xxh128"), path]
