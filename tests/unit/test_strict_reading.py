"""Strict reading names the line of a fault, and every reader of others' files uses it."""

import re
from pathlib import Path

import pytest
from samples import BYTE_ORDER_MARK

from hybridbatch.data import readers, records
from hybridbatch.runtime.errors import DataError

PACKAGE = Path(readers.__file__).parents[2]


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
