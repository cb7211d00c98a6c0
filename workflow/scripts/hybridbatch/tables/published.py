"""The papers' printed figures, read strictly: every file names its line when it is wrong."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from hybridbatch.runtime.errors import DataError

LAREQA = ("dataset", "model", "sampling", "setting", "metric", "language", "value")
HYBRID_BATCH = ("table", *LAREQA)
EVALUATION_DATA = ("dataset", "language", "queries", "candidates")
TRAINING_DATA = ("dataset", "size_per_language", "languages")
_FIGURES = {"table", "value", "queries", "candidates", "size_per_language"}
_COUNTS = _FIGURES - {"value"}


def read_figures(path: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """The rows of a file that has exactly these columns.

    Columns of figures are float64, of counts int64, the others text that is never empty. Raises
    `DataError`, naming the line, for other columns, a row of another length, an empty field, a
    figure that is no number, and a cell (all fields but the figures) that stands twice.
    """
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    if header != list(columns):
        raise DataError(
            f"{path}: line 1: columns are {', '.join(header)}; expected {', '.join(columns)}."
        )
    keys = [i for i, name in enumerate(columns) if name == "table" or name not in _FIGURES]
    lines: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, 2):
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
    frame = pd.DataFrame(rows, columns=list(columns), dtype="str")
    types = {name: "int64" if name in _COUNTS else "float64" for name in _FIGURES & set(columns)}
    return frame.astype(types)


def read_published(path: str | Path, columns: Sequence[str] = HYBRID_BATCH) -> pd.DataFrame:
    """The cells of a file of scores (HYBRID_BATCH or LAREQA) under the names of our own columns.

    Raises `DataError` as `read_figures` does.
    """
    names = {"dataset": "benchmark", "model": "encoder", "value": "published"}
    return read_figures(path, columns).rename(columns=names)


def _is_figure(field: str, whole: bool) -> bool:
    try:
        return bool(np.isfinite(int(field) if whole else float(field)))
    except ValueError:
        return False
