"""The page of translation quality: scores, signatures, and texts side by side."""

from collections.abc import Sequence

import pandas as pd

from hybridbatch.render.grid import Grid, Page, of_frame
from hybridbatch.render.markdown import grid
from hybridbatch.translation.quality import COLUMNS, Part, texts_by_id

_DECIMALS = {
    "bleu": 1, "chrf++": 1, "round_trip_chrf": 1,
    "failed_share": 4, "unknown_share": 4,
}  # fmt: skip


def samples(parts: Sequence[Part], number: int) -> list[tuple[str, str | None, str | None]]:
    """(source, output, reference) of `number` texts, evenly spread over all parts' texts."""
    texts = []
    for part in parts:
        expected = texts_by_id(part.reference) if part.reference is not None else {}
        columns = (part.source["text"], part.output["text"], part.output["text_id"])
        for source, output, id_ in zip(*(c.to_pylist() for c in columns), strict=True):
            texts.append((source, output, expected.get(id_)))
    number = min(number, len(texts))
    return [texts[i * len(texts) // number] for i in range(number)]


def quality_page(frame: pd.DataFrame, parts: Sequence[Part], number: int) -> Page:
    """The scores, the signatures once, and `number` texts of each language side by side.

    Only Markdown shows signatures and texts, since LaTeX cannot set every script.
    """
    shown = [name for name in COLUMNS if not name.endswith("_signature")]
    what = (
        "BLEU and chrF++ by sacrebleu against human translations; a failed text counts as an empty "
        "output. Neither: nobody translated these texts into the language."
    )
    back = _round_trips(parts)
    figures = of_frame(" ".join([what, *back]), frame[shown], _DECIMALS)
    blocks: list[str | Grid] = [what, *back, figures]
    names = [name for name in COLUMNS if name.endswith("_signature")]
    used = [value for name in names for value in frame[name].dropna().unique()]
    blocks += ["\n".join(["Signatures:", "", *(f"- `{value}`" for value in used)])] if used else []
    for language in dict.fromkeys(part.language for part in parts):
        chosen = samples([part for part in parts if part.language == language], number)
        blocks += [f"## {language}", grid(["source", "output", "reference"], chosen)]
    return Page("translation_quality", "Translation quality", blocks)


def _round_trips(parts: Sequence[Part]) -> list[str]:
    """A paragraph on the round trip: its routes, and why languages lack one; none if unused."""
    ways = dict.fromkeys("-".join(part.way_back) for part in parts if part.way_back)
    missing = dict.fromkeys((p.translator, p.language) for p in parts if not p.way_back)
    said = []
    if ways:
        said.append(
            "Round-trip chrF is by sacrebleu, too: the translations, translated back, against the "
            "English texts. It needs no reference, but it measures both ways at once, and errors "
            f"that undo each other count as none. Ways back: {', '.join(ways)}."
        )
    said += [
        f"No round trip from {language}: {translator} has no way back to English in the "
        "configuration (`back`)."
        for translator, language in missing
    ]
    return [" ".join(said)] if said else []
