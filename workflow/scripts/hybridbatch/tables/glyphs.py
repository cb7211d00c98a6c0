"""The note on sentences whose images have boxes for characters that the fonts lack."""

from collections.abc import Iterable, Mapping
from typing import Any

_NAMED = 3  # sentences of a language that are named


def glyph_notes(counted: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for the rendered benchmarks that have such sentences, one for all with the same.

    Several renderings of one benchmark mostly use the same fonts, and so lack the same characters.
    counted: `benchmark`, and in `languages`, by code, the number of `sentences` and in `missing`
    the characters that the font lacks, by the id of the sentence.
    """
    benchmarks: dict[str, list[str]] = {}
    for of in counted:
        parts = [
            f"{language} {len(found['missing'])} of {found['sentences']:,} "
            f"({_named(found['missing'])})"
            for language, found in of["languages"].items()
            if found["missing"]
        ]
        if parts:
            benchmarks.setdefault(", ".join(parts), []).append(of["benchmark"])
    return [
        f"Sentences of {', '.join(names)} with characters that the fonts lack, which their images "
        f"show as boxes: {parts}."
        for parts, names in benchmarks.items()
    ]


def _named(missing: Mapping[str, str]) -> str:
    """`ar:000.001:002 lacks U+2020`, and how many more there are."""
    shown = [
        f"{id_} lacks {' '.join(f'U+{ord(c):04X}' for c in characters)}"
        for id_, characters in list(missing.items())[:_NAMED]
    ]
    more = len(missing) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")
