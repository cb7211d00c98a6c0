"""Offsets of answers, as data sets state them."""


def stands_at(context: str, start: int, answer: str) -> bool:
    """Whether `context` has `answer` at `start`, an offset in characters.

    Where it has not, the offset counts bytes or UTF-16 units, or the context was changed after the
    answers were marked: the sentence at `start` is then not the answer's.
    """
    return start >= 0 and context.startswith(answer, start)
