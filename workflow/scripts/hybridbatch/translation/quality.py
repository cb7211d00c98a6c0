"""Translation quality: BLEU and chrF++ against human references, and round-trip chrF.

Round-trip chrF compares the English texts with the translations translated back into English. All
scores are from sacrebleu (Post 2018), and its signatures are reported beside them. The round trip
needs no reference, but it measures both directions: a bad back-translation lowers the score, and
words that neither direction translates raise it. Somers (2005) found it a poor predictor of
quality.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sacrebleu.metrics import BLEU, CHRF

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
    "bleu_signature",
    "chrf++_signature",
    "round_trip_chrf_signature",
]
KINDS = {"q": "questions", "s": "sentences"}
# For scripts without spaces, sacrebleu's default tokenizer would take a clause for a word.
_TOKENIZERS = {"zh": "zh", "ja": "char", "th": "char"}


@dataclass(frozen=True)
class Part:
    """One reference set in one language; all tables have translate.TEXT_SCHEMA."""

    translator: str
    references: str  # the set's name
    route: Sequence[str]  # languages from English over any pivots to the language
    source: pa.Table  # English
    output: pa.Table
    reference: pa.Table | None  # None if the set does not have the language
    returned: pa.Table | None = None  # the output translated back to English, if possible
    way_back: Sequence[str] = ()  # languages from this one over any pivots to English

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
    """Corpus chrF (0 to 100) of back-translated texts against their sources, and its signature."""
    chrf = CHRF()
    return {
        "round_trip_chrf": chrf.corpus_score(returned, [sources]).score,
        "round_trip_chrf_signature": str(chrf.get_signature()),
    }


def quality_rows(part: Part) -> list[dict]:
    """Rows of COLUMNS, one for the questions and one for the sentences of a set in one language.

    A failed text counts as an empty output, so that failures lower the score. Raises `DataError`
    if source, output, reference and back-translation differ in their texts.
    """
    ids = part.output["text_id"].to_pylist()
    if part.source["text_id"].to_pylist() != ids:
        raise DataError(f"{part.references}, {part.language}: source and output differ in ids.")
    if part.returned is not None and part.returned["text_id"].to_pylist() != ids:
        raise DataError(
            f"{part.references}, {part.language}: output and what came back of it differ in ids."
        )
    english = texts_by_id(part.source)
    returned = texts_by_id(part.returned) if part.returned is not None else {}
    expected = texts_by_id(part.reference) if part.reference is not None else {}
    if part.reference is not None and set(expected) != set(ids):
        raise DataError(
            f"references {part.references}: the ids in en and {part.language} differ; parallel "
            "texts must have the same ids."
        )
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
    """Rows of COLUMNS of all parts; scores without a reference or way back are missing."""
    return pd.DataFrame([r for part in parts for r in quality_rows(part)], columns=COLUMNS)


def texts_by_id(texts: pa.Table) -> dict[str, str]:
    """The texts of a table of translate.TEXT_SCHEMA, by id."""
    return dict(zip(texts["text_id"].to_pylist(), texts["text"].to_pylist(), strict=True))
