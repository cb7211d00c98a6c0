"""The papers' published scores and counts, read strictly; errors name file and line."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hybridbatch.data.records import csv_lines
from hybridbatch.runtime.errors import DataError

LAREQA = ("dataset", "model", "sampling", "setting", "metric", "language", "value")
HYBRID_BATCH = ("table", *LAREQA)
EVALUATION_DATA = ("dataset", "language", "queries", "candidates")
TRAINING_DATA = ("dataset", "size_per_language", "languages")
_FIGURES = {"table", "value", "queries", "candidates", "size_per_language"}
_COUNTS = _FIGURES - {"value"}


def read_figures(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a file that has exactly these columns.

    Columns of scores are float64, of counts int64, all others non-empty text. Raises `DataError`,
    naming the line, for other columns, a row of another length, an empty field, a value that is not
    a number, and a key (all fields but the values) that occurs twice.
    """
    (_, header), *numbered = csv_lines(path)
    if header != list(columns):
        raise DataError(
            f"{path}: line 1: columns are {', '.join(header)}; expected {', '.join(columns)}."
        )
    keys = [i for i, name in enumerate(columns) if name == "table" or name not in _FIGURES]
    lines: dict[tuple[str, ...], int] = {}
    for number, row in numbered:
        if len(row) != len(columns):
            raise DataError(f"{path}: line {number}: {len(row)} fields; expected {len(columns)}.")
        for name, field in zip(columns, row, strict=True):
            if name in _FIGURES and not _is_figure(field, name in _COUNTS):
                kind = "a whole number" if name in _COUNTS else "a number"
                raise DataError(f"{path}: line {number}: the {name} {field!r} is not {kind}.")
            if not field:
                raise DataError(f"{path}: line {number}: the {name} is empty.")
        first = lines.setdefault(tuple(row[i] for i in keys), number)
        if first != number:
            raise DataError(f"{path}: line {number} repeats the cell of line {first}.")
    if not numbered:
        raise DataError(f"{path}: has no row below its header.")
    frame = pd.DataFrame([row for _, row in numbered], columns=list(columns), dtype="str")
    types = {name: "int64" if name in _COUNTS else "float64" for name in _FIGURES & set(columns)}
    return frame.astype(types)


def read_published(path: str | Path, columns: Sequence[str] = HYBRID_BATCH) -> pd.DataFrame:
    """The scores of a file with columns HYBRID_BATCH or LAREQA, with our own column names.

    Raises `DataError` as `read_figures` does.
    """
    names = {"dataset": "benchmark", "model": "encoder", "value": "published"}
    return read_figures(path, columns).rename(columns=names)


def _is_figure(field: str, whole: bool) -> bool:
    try:
        return bool(np.isfinite(int(field) if whole else float(field)))
    except ValueError:
        return False
