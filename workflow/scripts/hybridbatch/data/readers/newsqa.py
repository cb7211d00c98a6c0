"""NewsQA (Trischler et al. 2017) as MRQA 2019 formats it, in parquet: lucadiliello/newsqa."""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.pairs import Pair, clean
from hybridbatch.data.records import parquet_rows
from hybridbatch.data.sentences import sentence_spans

_OFFSETS = pa.list_(pa.int64())
COLUMNS = {
    "context": pa.string(),
    "question": pa.string(),
    # Character offsets of each answer in the context.
    "labels": pa.list_(pa.struct([("start", _OFFSETS), ("end", _OFFSETS)])),
}


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The question and the sentence of the article in which its first answer first starts."""
    numbers = 0
    for path in paths:
        spans_of = lru_cache(maxsize=16)(lambda text: sentence_spans(text, language))
        for _, row in parquet_rows(path, COLUMNS):
            numbers += 1
            labels, context = row["labels"] or [], row["context"] or ""
            if not labels or not labels[0] or not labels[0]["start"]:
                counts["unanswerable"] += 1
                continue
            start = labels[0]["start"][0]
            passage = next((context[a:b] for a, b in spans_of(context) if a <= start < b), None)
            if passage is None:
                counts["answer_outside_sentences"] += 1
                continue
            # The row number is the id, since nothing states that `key` is unique.
            yield Pair(str(numbers), clean(row["question"] or ""), clean(passage), clean(context))
