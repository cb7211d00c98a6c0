"""Fields of nested JSON, with errors that locate a missing field or a wrong type."""

from typing import Any

from hybridbatch.runtime.errors import DataError

_NAMES = {str: "text", list: "a list", int: "a whole number", dict: "an object"}


def field(record: Any, name: str, kind: type, where: str) -> Any:
    """`record[name]`; raises `DataError`, beginning with `where`, unless it has type `kind`."""
    if not isinstance(record, dict):
        raise DataError(f"{where}: is not an object but {type(record).__name__}.")
    if name not in record:
        raise DataError(f"{where}: field {name!r} is missing.")
    value = record[name]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise DataError(f"{where}: field {name!r} is not {_NAMES[kind]} but {value!r:.40}.")
    return value
