"""SQuAD's format: articles, paragraphs, questions with answer spans."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.pairs import Pair, clean
from hybridbatch.data.sentences import sentence_spans
from hybridbatch.data.squad_format import paragraphs


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Each question with the sentence in which its first answer starts, in SQuAD's format.

    Questions that give no pair are counted by reason. An answer that crosses a sentence boundary is
    paired with the sentence where it starts, as in LAReQA.
    """
    for path in paths:
        for paragraph in paragraphs(path):
            context = paragraph.context
            spans = sentence_spans(context, language)
            for question in paragraph.questions():
                if question.start is None:
                    counts["unanswerable"] += 1
                    continue
                found = (context[a:b] for a, b in spans if a <= question.start < b)
                passage = next(found, None)
                if passage is None:
                    counts["answer_outside_sentences"] += 1
                    continue
                yield Pair(question.id, clean(question.text), clean(passage), clean(context))
