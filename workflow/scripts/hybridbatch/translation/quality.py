"""How good the translations are: BLEU and chrF++ against texts that people translated, and chrF of
the translations' translations back into English against the English texts.

All by sacrebleu (Post 2018), whose signatures stand beside the figures and say how they were made.
The round trip needs no reference, but it measures both ways: a bad way back lowers the score, and
words that neither way translates raise it. Somers (2005) found it a poor predictor of quality.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sacrebleu.metrics import BLEU, CHRF

from hybridbatch.render.grid import Grid, Page, of_frame
from hybridbatch.render.markdown import grid
from hybridbatch.runtime.errors import DataError

COLUMNS = [
    "translator",
    "references",
    "texts",
    "language",
    "route",
    "n",
    "bleu",
    "chrf++",
    "round_trip_chrf",
    "failed_share",
    "unknown_share",
    "words_per_second",
    "bleu_signature",
    "chrf++_signature",
    "round_trip_chrf_signature",
]
KINDS = {"q": "questions", "s": "sentences"}
# Without spaces between words, sacrebleu's usual tokenizer takes a clause for a word.
_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char"}
_DECIMALS = {
    "bleu": 1, "chrf++": 1, "round_trip_chrf": 1,
    "failed_share": 4, "unknown_share": 4, "words_per_second": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One reference set in one language; every table of `translation.TEXT_SCHEMA`."""

    translator: str
    references: str  # the set's name
    route: Sequence[str]  # from English to the language, pivots between
    source: pa.Table  # English
    output: pa.Table
    reference: pa.Table | None  # None where nobody translated the set into the language
    seconds: float  # that all steps of the route took, start of the engines included
    returned: pa.Table | None = None  # the output, back in English; None without a way back
    way_back: Sequence[str] = ()  # from the language to English, pivots between

    @property
    def language(self) -> str:
        return self.route[-1]


def scores(outputs: Sequence[str], references: Sequence[str], language: str) -> dict:
    """Corpus BLEU and chrF++ (both 0 to 100) and their signatures."""
    bleu, chrf = BLEU(tokenize=_TOKENIZERS.get(language, "13a")), CHRF(word_order=2)
    return {
        "bleu": bleu.corpus_score(outputs, [references]).score,
        "chrf++": chrf.corpus_score(outputs, [references]).score,
        "bleu_signature": str(bleu.get_signature()),
        "chrf++_signature": str(chrf.get_signature()),
    }


def round_trip_score(returned: Sequence[str], sources: Sequence[str]) -> dict:
    """Corpus chrF (0 to 100) of texts that came back against those that went out; its signature."""
    chrf = CHRF()
    return {
        "round_trip_chrf": chrf.corpus_score(returned, [sources]).score,
        "round_trip_chrf_signature": str(chrf.get_signature()),
    }


def quality_rows(part: Part) -> list[dict]:
    """A row of COLUMNS for the questions and for the sentences of a set, in one language.

    A text that failed counts as an empty output, so that failing does not pay. Speed is in words
    of the English texts and is the set's as a whole; the way back does not count. Raises
    `DataError` where source, output, reference and what came back do not have the same texts.
    """
    ids = part.output["text_id"].to_pylist()
    if part.source["text_id"].to_pylist() != ids:
        raise DataError(f"{part.references}, {part.language}: source and output differ in ids.")
    if part.returned is not None and part.returned["text_id"].to_pylist() != ids:
        raise DataError(
            f"{part.references}, {part.language}: output and what came back of it differ in ids."
        )
    english = _by_id(part.source)
    returned = _by_id(part.returned) if part.returned is not None else {}
    expected = _by_id(part.reference) if part.reference is not None else {}
    if part.reference is not None and set(expected) != set(ids):
        raise DataError(
            f"references {part.references}: the ids in en and {part.language} differ; parallel "
            "texts must have the same ids."
        )
    speed = pc.sum(part.source["words"]).as_py() / part.seconds if part.seconds else None
    rows = []
    for mark, kind in KINDS.items():
        output = part.output.filter(pc.starts_with(part.output["text_id"], f"{mark}:"))
        if not len(output):
            continue
        words, unknown = (pc.sum(output[name]).as_py() for name in ("words", "unknown"))
        row = {
            "translator": part.translator,
            "references": part.references,
            "texts": kind,
            "language": part.language,
            "route": "-".join(part.route),
            "n": len(output),
            "failed_share": output["error"].is_valid().to_pylist().count(True) / len(output),
            "unknown_share": unknown / words if words else None,
            "words_per_second": speed,
        }
        kept = output["text_id"].to_pylist()
        if part.returned is not None:
            row |= round_trip_score([returned[i] or "" for i in kept], [english[i] for i in kept])
        if part.reference is not None:
            wanted = [expected[i] for i in kept]
            row |= scores([t or "" for t in output["text"].to_pylist()], wanted, part.language)
        rows.append(row)
    return rows


def quality_table(parts: Sequence[Part]) -> pd.DataFrame:
    """COLUMNS rows of all parts; a score is absent without a reference, or without a way back."""
    return pd.DataFrame([r for part in parts for r in quality_rows(part)], columns=COLUMNS)


def samples(parts: Sequence[Part], number: int) -> list[tuple[str, str | None, str | None]]:
    """(source, output, reference) of `number` texts, evenly spread over all parts' texts."""
    texts = []
    for part in parts:
        expected = _by_id(part.reference) if part.reference is not None else {}
        columns = (part.source["text"], part.output["text"], part.output["text_id"])
        for source, output, id_ in zip(*(c.to_pylist() for c in columns), strict=True):
            texts.append((source, output, expected.get(id_)))
    number = min(number, len(texts))
    return [texts[i * len(texts) // number] for i in range(number)]


def quality_page(frame: pd.DataFrame, parts: Sequence[Part], number: int) -> Page:
    """The figures, the signatures once, and `number` texts of each language side by side.

    Signatures and texts, which may be of any script, are for Markdown alone.
    """
    shown = [name for name in COLUMNS if not name.endswith("_signature")]
    what = (
        "BLEU and chrF++ by sacrebleu against human translations; a failed text counts as an empty "
        "output. Neither: nobody translated these texts into the language. Words a second are "
        "English words over the time of all steps of the route, start of the engines included."
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
    """What the round trip is, the ways back, and why a language has none: a paragraph, if any."""
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


def _by_id(texts: pa.Table) -> dict[str, str]:
    return dict(zip(texts["text_id"].to_pylist(), texts["text"].to_pylist(), strict=True))
