"""Runs and relevance judgements in TREC's formats, which trec_eval and its kin read.

A run's line is `query Q0 document rank score tag`, a judgement's `query 0 document grade`, fields
separated by spaces: https://github.com/usnistgov/trec_eval. trec_eval orders a query's documents
itself, by descending score and then descending document id, whatever the rank says; the ranks
written here are in that order.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import whole


def write_run(path: str | Path, rows: Iterable[tuple[str, str, float]], tag: str) -> None:
    """Write rows (query id, document id, score) as a run, whole; rank 1 is the best.

    A query's rows stand together, in any order; rows pass by query by query. Scores are written
    so that they read back the same. Raises DataError for an id or tag that is empty or has white
    space, a score that is not finite, a document that a query has twice, and a query whose rows
    do not stand together.
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
    """Write rows (query id, document id, grade) as judgements, whole, in their order.

    Grade 0 is judged and not relevant. A query's rows stand together. Raises DataError as
    `write_run` does, and for a grade that is not a whole number.
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
    """The rows of one query after the other, with their ids checked."""
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
