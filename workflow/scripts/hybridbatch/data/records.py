"""Strict readers of text and parquet files; every other module reads files of others through them.

A byte-order mark, CRLF and gzip are read. What would be lost or changed on the way is refused,
with file and line (in a parquet file, with the row): bytes that are not UTF-8, NUL, half of a
surrogate pair, a key that stands twice in a JSON object, a file without records. A small gzipped
file may unzip to more than the memory holds; that is refused, too.
"""

import csv
import gzip
import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import BATCH_ROWS

_GZIP_MAGIC = b"\x1f\x8b"
_CUT_OFF = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile)
_BYTE_ORDER_MARK = "\ufeff"
# Escapes that may stand for no character: NUL, or half of a surrogate pair.
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
# A whole pair, else (as group 1) one of these escapes, else any other escape.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u0000|u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
# A string of JSON, with its colon if it is a key; or the bounds of an object.
_KEYS = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|[{}]')
_NUL = "has the character NUL, which is no text; remove it."
_HALF = "has half of a surrogate pair, which is no character; write the whole one."
MAX_BYTES = 2_000_000_000  # unzipped, of what is read at once: a zipped line or file of JSON
_TOO_MUCH = f"more than {MAX_BYTES:,} bytes. If it is meant to be so large, give it unzipped."
_FIELD_LIMIT = 1 << 30  # characters of a CSV field; Python's own limit is 131,072

Open = Callable[[str | Path], IO[bytes]]


def _open(path: str | Path) -> IO[bytes]:
    return Path(path).open("rb")


def lines(path: str | Path, opened: Open = _open) -> Iterator[tuple[int, str]]:
    """(number from 1, line without its end) of a plain or gzipped file; blank lines are skipped.

    Only a line feed ends a line, since web texts contain Unicode's other line separators. opened:
    opens the file for reading bytes. Raises `DataError` as the module says.
    """
    any_line = False
    for number, line in _all_lines(path, opened):
        if line.strip():
            any_line = True
            yield number, line.rstrip("\r\n")
    if not any_line:
        raise empty(path)


def json_objects(path: str | Path, opened: Open = _open) -> Iterator[tuple[int, dict]]:
    """(line number, object) of a JSON Lines file."""
    for number, line in lines(path, opened):
        record = _json(line, path, number)
        if not isinstance(record, dict):
            raise DataError(f"{path}: line {number}: is not a JSON object.")
        yield number, record


def json_file(path: str | Path, opened: Open = _open) -> Any:
    """The value of a file that is one JSON text, plain or gzipped."""
    try:
        with _unzipped(path, opened) as file:
            # Not by the size in the file's last bytes, which anybody can write.
            data = file.read() if not isinstance(file, gzip.GzipFile) else _whole(file, path)
    except _CUT_OFF as error:
        raise DataError(f"{path}: cannot be unzipped ({error}).") from error
    text = _text(data, path, 1)
    if not text.strip():
        raise empty(path)
    return _json(text, path, 1)


def fields(path: str | Path, count: int) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a file of tab-separated values without quotes or header.

    Extra tabs beyond `count` fields belong to the last field.
    """
    for number, line in lines(path):
        found = line.split("\t", count - 1)
        if len(found) != count or not all(field.strip() for field in found[:-1]):
            raise DataError(
                f"{path}: line {number}: {count} fields separated by tabs are expected, found "
                f"{line[:80]!r}."
            )
        yield number, found


def csv_lines(
    path: str | Path, delimiter: str = ",", opened: Open = _open
) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, fields) of every row of a CSV file, the header included.

    Quoted fields may have line ends. A blank line has no fields.
    """
    csv.field_size_limit(_FIELD_LIMIT)
    text = (line for _, line in _all_lines(path, opened))
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    number, any_line = 1, False
    try:
        for row in reader:
            any_line = any_line or bool(row)
            yield number, row
            number = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}: line {number}: is not CSV ({error}).") from error
    if not any_line:
        raise empty(path)


def csv_rows(
    path: str | Path, delimiter: str = ",", opened: Open = _open
) -> Iterator[tuple[int, dict[str, str]]]:
    """(number of its first line, text by column) of the rows of a CSV file with a header.

    Blank lines are skipped.
    """
    rows = (found for found in csv_lines(path, delimiter, opened) if found[1])
    first, header = next(rows)
    if repeated := [name for name, number in Counter(header).items() if number > 1]:
        raise DataError(f"{path}: line {first}: the column {repeated[0]!r} stands twice.")
    number = None
    for number, row in rows:
        if len(row) != len(header):
            raise DataError(
                f"{path}: line {number}: has {len(row)} fields, and the header {len(header)}."
            )
        yield number, dict(zip(header, row, strict=True))
    if number is None:
        raise DataError(f"{path}: has no row below its header.")


def parquet_rows(path: str | Path, columns: dict[str, pa.DataType]) -> Iterator[tuple[int, dict]]:
    """(row number from 0, values) of the given `columns` of a parquet file; others are ignored.

    Raises DataError that names the missing and the found columns (fields of structs with a dot), or
    the row and the column whose value cannot be cast to the type given.
    """
    with open_parquet(path) as file:
        found = file.schema_arrow
        wanted = pa.schema(columns)
        if missing := sorted(set(_names(wanted)) - set(_names(found))):
            raise DataError(
                f"{path}: lacks the columns {', '.join(missing)}; it has "
                f"{', '.join(_names(found))}. The data set has changed: pin the commit that the "
                "catalogue names, or mend the reader."
            )
        if repeated := [name for name in columns if found.names.count(name) > 1]:
            raise DataError(f"{path}: the column {repeated[0]!r} stands twice.")
        number = 0
        for batch in _batches(path, file, list(columns)):
            values = [
                _values(path, number, name, batch[name], type_) for name, type_ in columns.items()
            ]
            for row in zip(*values, strict=True):
                yield number, dict(zip(columns, row, strict=True))
                number += 1
    if not number:
        raise DataError(f"{path}: has no row.")


def open_parquet(path: str | Path) -> pq.ParquetFile:
    """Open a parquet file without reading its rows; DataError if it is not a parquet file."""
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: is not a parquet file ({error}).") from error


def need(record: dict, names: dict[str, type], where: str) -> list:
    """The fields `names` of a JSON object; DataError names the missing and the found ones."""
    if missing := [name for name in names if not isinstance(record.get(name), names[name])]:
        raise DataError(
            f"{where}: lacks {', '.join(missing)} (or with another type); it has "
            f"{', '.join(sorted(map(str, record)))}."
        )
    return [record[name] for name in names]


def has_nul(value: Any) -> bool:
    """Whether a text in `value`, which may be nested, has the character NUL."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(has_nul, value.values()))
    return isinstance(value, list) and any(map(has_nul, value))


@contextmanager
def _unzipped(path: str | Path, opened: Open) -> Iterator[IO[bytes]]:
    with opened(path) as file:
        zipped = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        yield gzip.GzipFile(fileobj=file) if zipped else file


def _whole(file: gzip.GzipFile, path: str | Path) -> bytearray:
    data = bytearray()
    while block := file.read(1 << 20):
        data += block
        if len(data) > MAX_BYTES:
            raise DataError(f"{path}: unzips to {_TOO_MUCH}")
    return data


def _lines_of(file: IO[bytes], path: str | Path) -> Iterator[bytes]:
    if not isinstance(file, gzip.GzipFile):
        # Its size is known to whoever gave it, and files of the hub cannot read a part of a line.
        yield from file
        return
    for number, line in enumerate(iter(lambda: file.readline(MAX_BYTES + 1), b""), 1):
        if len(line) > MAX_BYTES:
            raise DataError(f"{path}: line {number}: unzips to {_TOO_MUCH}")
        yield line


def _all_lines(path: str | Path, opened: Open) -> Iterator[tuple[int, str]]:
    """(number from 1, line with its end) of every line; a file may be several joined ones."""
    number = 0
    try:
        with _unzipped(path, opened) as file:
            for number, line in enumerate(_lines_of(file, path), 1):
                yield number, _text(line, path, number)
    except _CUT_OFF as error:
        raise DataError(f"{path}: after line {number}: cannot be unzipped ({error}).") from error


def _text(data: bytes | bytearray, path: str | Path, number: int) -> str:
    """Decode bytes that begin at a line of a file."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        number += data.count(b"\n", 0, error.start)
        raise DataError(
            f"{path}: line {number}: is not UTF-8 ({error}); save the file as UTF-8."
        ) from error
    if (place := text.find("\0")) >= 0:
        number += text.count("\n", 0, place)
        raise DataError(f"{path}: line {number}: {_NUL}")
    # At the start of every line, since joined files have theirs inside.
    return text.removeprefix(_BYTE_ORDER_MARK)


class _RepeatedKeyError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedKeyError
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


# Made once: `json.loads` with hooks would make one for every line.
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)


def _json(text: str, path: str | Path, number: int) -> Any:
    """The value of a JSON text that begins at a line of a file."""

    def where(place: int) -> str:
        return f"{path}: line {number + text.count(chr(10), 0, place)}"

    try:
        value = _DECODER.decode(text)
    except _RepeatedKeyError as error:
        place, key = _repeated_key(text)
        raise DataError(f"{where(place)}: the key {key} stands twice in one object.") from error
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where(error.pos)}: is not JSON ({error.msg}, column {error.colno})."
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where(0)}: is not JSON ({error}).") from error
    if _SUSPECT.search(text):
        for escape in _ESCAPE.finditer(text):
            if escape[1]:
                fault = _NUL if escape[1] == "u0000" else _HALF
                raise DataError(f"{where(escape.start())}, \\{escape[1]}: {fault}")
    return value


def _repeated_key(text: str) -> tuple[int, str]:
    """(position, key) of the first key that its object of a JSON text has already."""
    keys: list[set[str]] = []
    for token in _KEYS.finditer(text):
        if token[0] == "{":
            keys.append(set())
        elif token[0] == "}":
            keys.pop()
        elif token[2]:
            key = json.loads(token[1])
            if key in keys[-1]:
                return token.start(), token[1]
            keys[-1].add(key)
    raise AssertionError("no key stands twice")


def empty(path: str | Path) -> DataError:
    """The error of a file that has nothing to read."""
    return DataError(f"{path}: is empty; give a file with content, or leave it out.")


def _batches(path: str | Path, file: pq.ParquetFile, columns: list[str]):
    rows = 0
    try:
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            yield batch
            rows += len(batch)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path}: cannot be read from row {rows} on ({error}).") from error


def _values(
    path: str | Path, first: int, name: str, column: pa.Array, type_: pa.DataType
) -> list[Any]:
    """The values of a column of a batch that begins at row `first`."""
    try:
        values = column.cast(type_).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        if len(column) > 1:  # to find the row
            half = len(column) // 2
            return _values(path, first, name, column[:half], type_) + _values(
                path, first + half, name, column[half:], type_
            )
        if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
            raise DataError(f"{path}: row {first}: column {name} is not UTF-8.") from error
        raise DataError(
            f"{path}: row {first}: column {name} is {column.type}, expected {type_} ({error})."
        ) from error
    if not pa.types.is_integer(type_):
        for number, value in enumerate(values, first):
            if has_nul(value):
                raise DataError(f"{path}: row {number}: column {name} {_NUL}")
    return values


def _names(fields: Sequence[pa.Field], prefix: str = "") -> list[str]:
    """The names of columns and, dotted, of the fields of structs in them, also inside lists."""
    names = []
    for field in fields:
        names.append(prefix + field.name)
        inner = field.type
        while pa.types.is_list(inner) or pa.types.is_large_list(inner):
            inner = inner.value_type
        if pa.types.is_struct(inner):
            names += _names(list(inner), f"{prefix}{field.name}.")
    return names
