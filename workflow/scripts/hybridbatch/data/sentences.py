"""Sentence boundaries as character offsets, by sentencex."""

import sentencex


def sentence_spans(text: str, language: str) -> list[tuple[int, int]]:
    """Half-open (start, end) offsets of the sentences of `text`, without surrounding space."""
    spans = []
    for boundary in sentencex.get_sentence_boundaries(language, text):
        start, end = boundary["start_index"], boundary["end_index"]
        piece = text[start:end]
        start += len(piece) - len(piece.lstrip())
        end = start + len(piece.strip())
        if end > start:
            spans.append((start, end))
    return spans
