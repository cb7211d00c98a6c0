"""DuoRC (Saha et al. 2018) as parquet: ibm-research/duorc."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import parquet_rows
from hybridbatch.data.sentences import sentence_spans
from hybridbatch.data.texts import clean

COLUMNS = {
    "plot_id": pa.string(),
    "plot": pa.string(),
    "question_id": pa.string(),
    "question": pa.string(),
    "answers": pa.list_(pa.string()),
    "no_answer": pa.bool_(),
}


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The question and the first sentence of the plot that has its first answer.

    Answers are written by annotators and have no position in the plot. A question gives a pair only
    if its answer stands in the plot literally, as whole words. Plots are too long for a passage.
    """
    for path in paths:
        spans_of = lru_cache(maxsize=16)(lambda plot: sentence_spans(plot, language))
        for number, row in parquet_rows(path, COLUMNS):
            answers, plot = row["answers"] or [], row["plot"] or ""
            answer = clean(answers[0] or "") if answers else ""
            if row["no_answer"] or not answer:
                counts["unanswerable"] += 1
                continue
            # Any white space matches any other; "Ed" does not match in "Edward".
            words = r"\s+".join(map(re.escape, answer.split()))
            place = re.search(rf"(?<!\w){words}(?!\w)", plot)
            if place is None:
                counts["answer_not_in_text"] += 1
                continue
            spans = spans_of(plot)
            passage = next((plot[a:b] for a, b in spans if a <= place.start() < b), None)
            if passage is None:
                counts["answer_outside_sentences"] += 1
                continue
            yield Pair(
                row["question_id"] or "",
                clean(row["question"] or ""),
                clean(passage),
                row["plot_id"] or "",
                where=f"{path}: row {number}",
            )
