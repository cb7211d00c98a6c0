"""Runs and relevance judgements in TREC's formats, for trec_eval and similar tools.

A line of a run is `query Q0 document rank score tag`, one of judgements `query 0 document grade`,
with fields separated by spaces: https://github.com/usnistgov/trec_eval. trec_eval ignores the ranks
and sorts by descending score, then descending document id. The ranks written here have that order.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import whole


def write_run(path: str | Path, rows: Iterable[tuple[str, str, float]], tag: str) -> None:
    """Write rows (query id, document id, score) as a run, atomically; rank 1 is the best.

    The rows of a query must be adjacent, in any order; they are streamed query by query. Scores are
    written without loss. Raises DataError for an id or tag that is empty or has white space, a
    score that is not finite, a document that a query has twice, and a query whose rows are not
    adjacent.
    """
    _check(path, "the tag", tag)
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for query, of_query in _by_query(path, rows):
            scores = {document: float(score) for _, document, score in of_query}
            for document, score in scores.items():
                if not math.isfinite(score):
                    raise DataError(
                        f"{path}: query {query}, document {document}: the score is {score}."
                    )
            ranked = sorted(scores, key=lambda document: (scores[document], document), reverse=True)
            for rank, document in enumerate(ranked, 1):
                file.write(f"{query} Q0 {document} {rank} {scores[document]!r} {tag}\n")


def write_qrels(path: str | Path, rows: Iterable[tuple[str, str, int]]) -> None:
    """Write rows (query id, document id, grade) as judgements, atomically, in their order.

    Grade 0 means judged as not relevant. The rows of a query must be adjacent. Raises DataError as
    `write_run` does, and for a grade that is not an integer.
    """
    with whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for query, of_query in _by_query(path, rows):
            for _, document, grade in of_query:
                if grade != int(grade):
                    raise DataError(
                        f"{path}: query {query}, document {document}: the grade is {grade}."
                    )
                file.write(f"{query} 0 {document} {int(grade)}\n")


def _by_query(path: str | Path, rows: Iterable[tuple]) -> Iterator[tuple[str, list[tuple]]]:
    """Group adjacent rows by query, and check the ids."""
    done: set[str] = set()
    for query, group in groupby(rows, key=itemgetter(0)):
        of_query = list(group)
        _check(path, "a query id", query)
        if query in done:
            raise DataError(f"{path}: the rows of query {query} do not stand together.")
        done.add(query)
        seen: set[str] = set()
        for _, document, _ in of_query:
            _check(path, "a document id", document)
            if document in seen:
                raise DataError(f"{path}: query {query} has document {document} twice.")
            seen.add(document)
        yield query, of_query


def _check(path: str | Path, what: str, text: str) -> None:
    if text.split() != [text]:
        raise DataError(
            f"{path}: {what} is {text!r}; the format separates fields by white space, so it can "
            "be neither empty nor have any."
        )
