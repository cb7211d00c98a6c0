"""Files in SQuAD's format: articles of paragraphs, each with a context and its questions.

SQuADShifts and XQuAD use it. XQuAD-R and MLQA-R (Roy et al. 2020, LAReQA) add `sentence_breaks`.
Every error begins with its location: file, article, paragraph and question.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridbatch.data.fields import field
from hybridbatch.data.records import json_file
from hybridbatch.runtime.errors import DataError


@dataclass(frozen=True)
class Question:
    """One question. `answer`, `start`: its first answer and its offset; None without answers."""

    id: str
    text: str
    answer: str | None
    start: int | None
    where: str


@dataclass(frozen=True)
class Paragraph:
    """One paragraph, identified by the numbers of its article and paragraph, both from 0.

    title: of its article; None where it has none.
    """

    article: int
    number: int
    context: str
    record: dict[str, Any]
    where: str
    title: str | None = None

    def questions(self) -> Iterator[Question]:
        """The questions in the file's order; `DataError` where a field is missing."""
        for qa in field(self.record, "qas", list, self.where):
            id_ = field(qa, "id", str, self.where)
            where = f"{self.where}, question {id_}"
            text = field(qa, "question", str, where)
            answers = field(qa, "answers", list, where)
            answer = field(answers[0], "text", str, where) if answers else None
            start = field(answers[0], "answer_start", int, where) if answers else None
            yield Question(id_, text, answer, start, where)

    def sentences(self) -> list[tuple[int, int]]:
        """Half-open (start, end) offsets of every sentence, from `sentence_breaks`, in characters.

        The files' `sentences` lists are not used: one of them disagrees with these offsets. Raises
        `DataError` for offsets outside the context or in another order, and for blank sentences.
        """
        values = field(self.record, "sentence_breaks", list, self.where)
        last = 0
        for value in values:
            if not (isinstance(value, list) and [type(v) for v in value] == [int, int]):
                raise DataError(
                    f"{self.where}: sentence_breaks has {value!r:.40}, not [start, end]."
                )
            start, end = value
            if not last <= start < end <= len(self.context):
                raise DataError(
                    f"{self.where}: sentence_breaks has {value} after {last} in a context of "
                    f"{len(self.context)} characters: sentences follow each other, do not overlap "
                    "and are not empty. Offsets count characters."
                )
            if not self.context[start:end].strip():
                raise DataError(f"{self.where}: sentence_breaks has {value}, a blank sentence.")
            last = end
        return [(start, end) for start, end in values]


def paragraphs(path: str | Path) -> Iterator[Paragraph]:
    """The paragraphs of a file, in order; raises `DataError` if it has another format or none."""
    content = json_file(path)
    any_paragraph = False
    for article_number, article in enumerate(field(content, "data", list, str(path))):
        of_article = f"{path}: article {article_number}"
        title = article.get("title") if isinstance(article, dict) else None
        title = title if isinstance(title, str) and title else None
        if title:
            of_article += f" {title!r}"
        for number, record in enumerate(field(article, "paragraphs", list, of_article)):
            where = f"{of_article}, paragraph {number}"
            context = field(record, "context", str, where)
            any_paragraph = True
            yield Paragraph(article_number, number, context, record, where, title)
    if not any_paragraph:
        raise DataError(f"{path}: has no paragraphs.")
