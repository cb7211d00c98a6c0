"""The sentence of a context in which an answer starts."""

from collections import Counter
from functools import lru_cache

from hybridbatch.data.offsets import stands_at
from hybridbatch.data.sentences import sentence_spans


class Sentences:
    """The sentences of contexts in one language in which answers start.

    What gives no sentence is counted by reason. An answer that crosses a sentence boundary belongs
    to the sentence where it starts, as in LAReQA.
    """

    def __init__(self, language: str, counts: Counter) -> None:
        self._counts = counts
        # A context is split once for its questions, which follow each other.
        self._spans = lru_cache(maxsize=16)(lambda context: sentence_spans(context, language))

    def with_answer(self, context: str, start: int | None, answer: str | None) -> str | None:
        """The sentence of `context` at `start`, with its blanks as they are; or None.

        start: None without an answer. answer: its text, which has to stand at `start`; None where
        the data set has no texts of answers.
        """
        if start is None or (answer is not None and not answer.strip()):
            self._counts["unanswerable"] += 1
            return None
        if not stands_at(context, start, answer or ""):
            self._counts["answer_not_at_start"] += 1
            return None
        for first, end in self._spans(context):
            if first <= start < end:
                return context[first:end]
        self._counts["answer_outside_sentences"] += 1
        return None
