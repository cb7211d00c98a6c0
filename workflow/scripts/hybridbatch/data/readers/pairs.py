"""Question-answer pairs as two text columns of parquet files.

Such as the data sets natural-questions and yahoo-answers of sentence-transformers. Columns are
taken by position, since their names differ and not all are documented. The log says which ones.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import open_parquet, parquet_rows
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import log


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The first column of text is the question, the second the answer."""
    columns: list[str] | None = None
    numbers = 0
    for path in paths:
        found = _text_columns(path)
        if columns not in (None, found):
            raise DataError(f"{path}: the text columns are {found}, in the file before {columns}.")
        columns = found
        log.info("%s: question is column %r, answer is column %r", path, *columns)
        question, answer = columns
        for number, row in parquet_rows(path, dict.fromkeys(columns, pa.string())):
            numbers += 1
            passage = clean(row[answer] or "")
            yield Pair(
                str(numbers),
                clean(row[question] or ""),
                passage,
                passage,
                where=f"{path}: row {number}",
            )


def _text_columns(path: str | Path) -> list[str]:
    with open_parquet(path) as file:
        schema = file.schema_arrow
    names = [
        f.name for f in schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)
    ]
    if len(names) < 2:
        found = ", ".join(f"{field.name} ({field.type})" for field in schema)
        raise DataError(f"{path}: lacks two columns of text; it has {found}.")
    return names[:2]
