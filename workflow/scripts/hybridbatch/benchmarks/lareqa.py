"""XQuAD-R and MLQA-R (Roy et al. 2020, LAReQA, section 3), and other files in their format.

Candidates are the sentences of a paragraph's context, as given by `sentence_breaks`. The sentence
where the answer starts is relevant. Questions are parallel: their ids are the same in every
language.
"""

from collections.abc import Mapping
from pathlib import Path

from hybridbatch.benchmarks.base import Collection, collection
from hybridbatch.data.offsets import stands_at
from hybridbatch.data.squad_format import paragraphs
from hybridbatch.runtime.errors import DataError


def read(files: Mapping[str, str | Path], language: str) -> Collection:
    """The collection of the file `file`.

    Query ids are the question ids; the id of a candidate is `language:article.paragraph:position`.
    A query's article is the title of its article, None without one.
    Raises `DataError` naming file, paragraph and id if a field is missing, a question id occurs
    twice, the text of an answer does not stand at its offset, or starts outside every sentence.
    Offsets are those of the file; the texts are normalised after they were cut.
    """
    queries: dict[str, str] = {}
    candidates: dict[str, str] = {}
    relevant: list[tuple[str, str]] = []
    origins: dict[str, tuple[str | None, str | None]] = {}
    for paragraph in paragraphs(files["file"]):
        breaks = paragraph.sentences()
        name = f"{language}:{paragraph.article:03d}.{paragraph.number:03d}"
        ids = [f"{name}:{position:03d}" for position in range(len(breaks))]
        for id_, (start, end) in zip(ids, breaks, strict=True):
            candidates[id_] = paragraph.context[start:end]
        for question in paragraph.questions():
            if question.id in queries:
                raise DataError(f"{question.where}: the id stands twice; ids must be unique.")
            queries[question.id] = question.text
            origins[question.id] = (paragraph.title, name)
            if question.start is None or not (question.answer or "").strip():
                raise DataError(f"{question.where}: has no answer.")
            if not stands_at(paragraph.context, question.start, question.answer):
                raise DataError(
                    f"{question.where}: the answer {question.answer!r:.60} does not stand at "
                    f"character {question.start} of the context. Offsets count characters, not "
                    "bytes, and the context has to be the one that they were made for."
                )
            spans = zip(ids, breaks, strict=True)
            found = next((id_ for id_, (a, b) in spans if a <= question.start < b), None)
            if found is None:
                raise DataError(
                    f"{question.where}: the answer starts at character {question.start}, outside "
                    "every sentence."
                )
            relevant.append((question.id, found))
    if not queries:
        raise DataError(f"{files['file']}: has no questions.")
    return collection(queries, candidates, relevant, origins=origins)
