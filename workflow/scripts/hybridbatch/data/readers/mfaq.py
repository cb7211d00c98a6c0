"""MFAQ (De Bruyn et al. 2021) as parquet with a pair a row: clips/mfaq, `en_flat`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import parquet_rows
from hybridbatch.data.texts import clean

COLUMNS = {"domain_id": pa.int64(), "question": pa.string(), "answer": pa.string()}


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Every question with its answer; the pairs of a page are one paragraph."""
    numbers = 0
    for path in paths:
        for number, row in parquet_rows(path, COLUMNS):
            numbers += 1
            yield Pair(
                # The row number is the id, since pair_id may restart on every page.
                str(numbers),
                clean(row["question"] or ""),
                clean(row["answer"] or ""),
                str(row["domain_id"]),
                where=f"{path}: row {number}",
            )
