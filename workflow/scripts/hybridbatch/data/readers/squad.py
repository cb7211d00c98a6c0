"""SQuAD's format: articles, paragraphs, questions with answer spans."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.answers import Sentences
from hybridbatch.data.pairs import Pair
from hybridbatch.data.squad_format import paragraphs
from hybridbatch.data.texts import clean


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Each question with the sentence in which its first answer starts, in SQuAD's format.

    Questions that give no pair are counted by reason. An answer that crosses a sentence boundary is
    paired with the sentence where it starts, as in LAReQA.
    """
    sentences = Sentences(language, counts)
    for path in paths:
        for paragraph in paragraphs(path):
            context = paragraph.context
            for question in paragraph.questions():
                passage = sentences.with_answer(context, question.start, question.answer)
                if passage is None:
                    continue
                yield Pair(
                    question.id,
                    clean(question.text),
                    clean(passage),
                    clean(context),
                    where=question.where,
                )
