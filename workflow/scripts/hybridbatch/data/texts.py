"""The one normalisation of texts: of corpora, benchmarks, topics, passages and references."""


def clean(text: str) -> str:
    """`text` on one line, with white space collapsed and stripped.

    White space is what Unicode and `str.split` call so. Offsets into a text are right only before
    this: cut first, then clean.
    """
    return " ".join(text.split())
