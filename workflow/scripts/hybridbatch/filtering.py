"""Which translated pairs are good enough to train on, and how many were not, and why."""

import statistics
from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from hybridbatch.errors import DataError

# `negative` is null where the pair has none, or where its translation did not pass.
TRAIN_SCHEMA = pa.schema([(n, pa.string()) for n in ("id", "question", "passage", "negative")])

# In the order in which they are tried; a pair is counted under the first that applies.
REASONS = ("failed", "empty", "unknown_words", "unchanged", "length_ratio", "duplicate")


@dataclass(frozen=True)
class FilterConfig:
    """Limits a translated question or passage has to keep."""

    max_unknown_share: float  # of the words of the translation that the engine did not know
    # Characters of the translation over those of the source, divided by the median of that ratio
    # over all texts of the language: Chinese takes a third of the characters of English.
    min_length_ratio: float
    max_length_ratio: float


def filter_pairs(
    pairs: pa.Table,
    source: pa.Table,
    translated: pa.Table,
    config: FilterConfig,
    same_language: bool,
    name: str,
) -> tuple[pa.Table, dict[str, int]]:
    """The pairs of one corpus in one language that pass, and the counts.

    `source` and `translated` are tables of texts (translation.TEXT_SCHEMA) with the same ids;
    `same_language` says that they are one and the same, so that only repeats can be dropped.
    A pair passes if both its question and its passage do. The counts have `pairs`, `kept` and
    one entry for each of REASONS; the latter and `kept` add up to `pairs`.
    """
    verdicts = _verdicts(source, translated, config, same_language)
    texts = dict(
        zip(translated["text_id"].to_pylist(), translated["text"].to_pylist(), strict=True)
    )
    counts = Counter(dict.fromkeys(REASONS, 0))
    rows: list[tuple[str, str, str, str | None]] = []
    seen: set[tuple[str, str]] = set()
    for pair in pairs.select(["id", "question_id", "passage_id", "negative_id"]).to_pylist():
        ids = f"q:{pair['question_id']}", f"p:{pair['passage_id']}"
        if missing := [i for i in ids if i not in texts]:
            raise DataError(f"{name}: the text {missing[0]} is in no shard; rerun its translation.")
        reason = min((verdicts[i] for i in ids), key=_order)
        question, passage = (texts[i] for i in ids)
        if reason is None and (question, passage) in seen:
            reason = "duplicate"
        if reason is not None:
            counts[reason] += 1
            continue
        seen.add((question, passage))
        negative = f"p:{pair['negative_id']}" if pair["negative_id"] else None
        usable = negative in texts and verdicts[negative] is None
        rows.append((pair["id"], question, passage, texts[negative] if usable else None))
    if not rows:
        raise DataError(
            f"{name}: no pair is left of {len(pairs)} after filtering ({dict(counts)}). Look at "
            "the translations, loosen `filtering`, or take the language out of target_languages."
        )
    columns = list(zip(*rows, strict=True))
    table = pa.table([pa.array(c, pa.string()) for c in columns], schema=TRAIN_SCHEMA)
    return table, {"pairs": len(pairs), "kept": len(rows), **counts}


def _order(reason: str | None) -> int:
    return REASONS.index(reason) if reason else len(REASONS)


def _verdicts(
    source: pa.Table, translated: pa.Table, config: FilterConfig, same_language: bool
) -> dict[str, str | None]:
    originals = dict(zip(source["text_id"].to_pylist(), source["text"].to_pylist(), strict=True))
    verdicts: dict[str, str | None] = {}
    ratios = [
        len(row["text"]) / len(originals[row["text_id"]])
        for row in translated.to_pylist()
        if row["text"]
    ]
    usual = statistics.median(ratios) if ratios else 1.0
    for row in translated.to_pylist():
        original, text = originals[row["text_id"]], row["text"]
        if text is None:
            reason = "failed"
        elif not text:
            reason = "empty"
        elif same_language:
            reason = None
        elif row["unknown"] > config.max_unknown_share * row["words"]:
            reason = "unknown_words"
        elif text == original:
            reason = "unchanged"
        elif not (
            config.min_length_ratio <= len(text) / len(original) / usual <= config.max_length_ratio
        ):
            reason = "length_ratio"
        else:
            reason = None
        verdicts[row["text_id"]] = reason
    return verdicts
