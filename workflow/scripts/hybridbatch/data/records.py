"""Streaming readers for text and parquet files; errors name file and line."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import BATCH_ROWS

_GZIP_MAGIC = b"\x1f\x8b"


def lines(path: str | Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1, line without its end) of a plain or gzipped file; empty lines are skipped.

    Only a line feed ends a line, since web texts contain Unicode's other line separators.
    """
    with Path(path).open("rb") as file:
        zipped = file.read(2) == _GZIP_MAGIC
    number = 0
    try:
        with (gzip.open if zipped else open)(path, "rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line.rstrip(b"\r\n")
    except (EOFError, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: after line {number}: cannot be unzipped ({error}).") from error


def json_objects(path: str | Path) -> Iterator[tuple[int, dict]]:
    """(line number, object) of a JSON Lines file."""
    for number, line in lines(path):
        where = f"{path}: line {number}"
        try:
            record = json.loads(line.decode("utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{where}: is not JSON in UTF-8 ({error}).") from error
        if not isinstance(record, dict):
            raise DataError(f"{where}: is not a JSON object.")
        yield number, record


def fields(path: str | Path, count: int) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a file of tab-separated values without quotes or header.

    Extra tabs beyond `count` fields belong to the last field.
    """
    for number, line in lines(path):
        where = f"{path}: line {number}"
        try:
            found = line.decode("utf-8").split("\t", count - 1)
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: is not UTF-8 ({error}).") from error
        if len(found) != count or not all(field.strip() for field in found[:-1]):
            raise DataError(
                f"{where}: {count} fields separated by tabs are expected, found {line[:80]!r}."
            )
        yield number, found


def parquet_rows(path: str | Path, columns: dict[str, pa.DataType]) -> Iterator[tuple[int, dict]]:
    """(row number from 0, values) of the given `columns` of a parquet file; others are ignored.

    Raises DataError that names the missing and the found columns (fields of structs with a dot), or
    the column whose type cannot be cast to the one given.
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
        number = 0
        for batch in file.iter_batches(BATCH_ROWS, columns=list(columns)):
            values = [_cast(path, batch, name, type_) for name, type_ in columns.items()]
            for row in zip(*values, strict=True):
                yield number, dict(zip(columns, row, strict=True))
                number += 1


def open_parquet(path: str | Path) -> pq.ParquetFile:
    """Open a parquet file without reading its rows; DataError if it is not a parquet file."""
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: is not a parquet file ({error}).") from error


def need(record: dict, names: dict[str, type], where: str) -> list:
    """The fields `names` of a JSON object; DataError names the missing and the found ones."""
    if missing := [name for name in names if not isinstance(record.get(name), names[name])]:
        raise DataError(
            f"{where}: lacks {', '.join(missing)} (or with another type); it has "
            f"{', '.join(sorted(map(str, record)))}."
        )
    return [record[name] for name in names]


def _cast(path: str | Path, batch: pa.RecordBatch, name: str, type_: pa.DataType) -> list:
    column = batch[name]
    try:
        return column.cast(type_).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            f"{path}: column {name} is {column.type}, expected {type_} ({error})."
        ) from error


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
