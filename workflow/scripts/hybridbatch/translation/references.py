"""Human-translated parallel texts: the references for machine translation.

Each reader returns the texts of one language by an id that is the same in every language:
`q:<question id>` for questions, `s:<article.paragraph:position>` for sentences.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from hybridbatch.data.squad_format import Paragraph, paragraphs
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError


def read_questions(path: str | Path, language: str) -> dict[str, str]:
    """The questions of a file in SQuAD's format, such as XQuAD's (Artetxe et al. 2020).

    Raises `DataError` if a field is missing or an id occurs twice. XQuAD's paragraphs are parallel
    too, but not sentence by sentence.
    """
    return _questions(paragraphs(path))


def read_parallel(path: str | Path, language: str) -> dict[str, str]:
    """Questions and sentences of a benchmark file whose sentences are parallel in every language.

    This holds for the bundled benchmark, but not for XQuAD-R and MLQA-R.
    """
    found = list(paragraphs(path))
    texts = _questions(found)
    for paragraph in found:
        name = f"s:{paragraph.article:03d}.{paragraph.number:03d}"
        for position, (start, end) in enumerate(paragraph.sentences()):
            texts[f"{name}:{position:03d}"] = clean(paragraph.context[start:end])
    return texts


def _questions(found: Iterable[Paragraph]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for paragraph in found:
        for question in paragraph.questions():
            if f"q:{question.id}" in texts:
                raise DataError(f"{question.where}: the id stands twice; ids must be unique.")
            texts[f"q:{question.id}"] = clean(question.text)
    return texts


READERS: dict[str, Callable[[str | Path, str], dict[str, str]]] = {
    "questions": read_questions,
    "parallel": read_parallel,
}


def read_references(kind: str, path: str | Path, language: str) -> dict[str, str]:
    """The texts of one language by id; `DataError` if there are none, or one is blank."""
    texts = READERS[kind](path, language)
    if not texts:
        raise DataError(f"{path}: has no texts.")
    for id_, text in texts.items():
        if not text:
            raise DataError(f"{path}: the text {id_} is blank.")
    return texts
