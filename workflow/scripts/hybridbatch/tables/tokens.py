"""The table of what tokenizers make of texts."""

from collections.abc import Iterable, Mapping

import pandas as pd

from hybridbatch.encoders.tokens import COUNTS
from hybridbatch.render.grid import Page, of_frame

TOKENS_COLUMNS = ["encoder", "of", "name", "language", *COUNTS]


def tokens_table(rows: Iterable[tuple[str, str, str, str, Mapping[str, int]]]) -> pd.DataFrame:
    """A row for each encoder, corpus or benchmark, and language; columns TOKENS_COLUMNS.

    rows: encoder, `corpus` or `benchmark`, its name, language, counts of `tokens.counted`. Encoders
    whose kind counts nothing have no row.
    """
    counted = [
        [*of, *(counts[name] for name in COUNTS)] for *of, counts in rows if counts.get("texts")
    ]
    return pd.DataFrame(counted, columns=TOKENS_COLUMNS)


def tokens_page(frame: pd.DataFrame) -> Page:
    """The counts as they are."""
    caption = (
        "Tokens: different texts of corpora and texts of benchmarks, their tokens with prefixes, "
        "those unknown to the tokenizer, texts cut at `max_tokens`, texts with the sign ▁, which "
        "is read as a blank, and texts with a special token, which is broken by a blank."
    )
    return Page("tokens", "Tokens", [of_frame(caption, frame)])
