"""NewsQA (Trischler et al. 2017) as MRQA 2019 formats it, in parquet: lucadiliello/newsqa."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.answers import Sentences
from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import parquet_rows
from hybridbatch.data.texts import clean

_OFFSETS = pa.list_(pa.int64())
COLUMNS = {
    "context": pa.string(),
    "question": pa.string(),
    "answers": pa.list_(pa.string()),
    # Character offsets of each answer in the context.
    "labels": pa.list_(pa.struct([("start", _OFFSETS), ("end", _OFFSETS)])),
}


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The question and the sentence of the article in which its first answer first starts."""
    sentences = Sentences(language, counts)
    numbers = 0
    for path in paths:
        for number, row in parquet_rows(path, COLUMNS):
            numbers += 1
            labels, context = row["labels"] or [], row["context"] or ""
            starts = (labels[0] or {}).get("start") if labels else None
            start = starts[0] if starts else None
            answer = _there(context, start, row["answers"] or [])
            passage = sentences.with_answer(context, start, answer)
            if passage is None:
                continue
            yield Pair(
                # The row number is the id, since nothing states that `key` is unique.
                str(numbers),
                clean(row["question"] or ""),
                clean(passage),
                clean(context),
                where=f"{path}: row {number}",
            )


def _there(context: str, start: int | None, answers: Sequence[str | None]) -> str:
    """What the context has at `start`, if it is one of the answers; else the first answer.

    Neither their order nor whether they keep the article's case and blanks is documented.
    """
    known = [answer for answer in answers if answer]
    for answer in known if start is not None and start >= 0 else []:
        found = context[start : start + len(answer)]
        if clean(found).casefold() == clean(answer).casefold():
            return found
    return known[0] if known else ""
