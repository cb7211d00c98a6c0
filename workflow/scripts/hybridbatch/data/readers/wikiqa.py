"""WikiQA (Yang, Yih and Meek 2015) as parquet: microsoft/wiki_qa."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import parquet_rows
from hybridbatch.data.texts import clean

COLUMNS = {
    "question_id": pa.string(),
    "question": pa.string(),
    "document_title": pa.string(),
    "answer": pa.string(),
    "label": pa.int64(),  # 1: the sentence answers the question
}


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """A pair for every sentence that answers a question; its other sentences are hard negatives.

    The sentences of a question are adjacent in the files. Its pairs take its negatives in turn.
    """
    for path in paths:
        rows = parquet_rows(path, COLUMNS)
        for question_id, group in groupby(rows, key=lambda row: row[1]["question_id"]):
            sentences = list(group)
            negatives = [clean(row["answer"] or "") for _, row in sentences if row["label"] == 0]
            positives = [(place, row) for place, row in sentences if row["label"] == 1]
            if not positives:
                counts["unanswered"] += 1
            for number, (place, row) in enumerate(positives):
                yield Pair(
                    f"{question_id}-{number}",
                    clean(row["question"] or ""),
                    clean(row["answer"] or ""),
                    row["document_title"] or "",
                    question_id=question_id,
                    negative=negatives[number % len(negatives)] if negatives else None,
                    where=f"{path}: row {place}",
                )
