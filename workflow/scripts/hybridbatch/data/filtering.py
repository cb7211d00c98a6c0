"""Quality filters for translated pairs, and counts of the dropped pairs by reason."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.data.dedup import FirstTimes, keys, normalize
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import BATCH_ROWS, Rows, batches
from hybridbatch.runtime.logs import Progress

# `negative` is null where the pair has none, or where its translation did not pass.
TRAIN_SCHEMA = pa.schema([(n, pa.string()) for n in ("id", "question", "passage", "negative")])

# In the order in which they are checked; a pair is counted under the first reason that applies.
REASONS = ("failed", "empty", "unknown_words", "unchanged", "length_ratio", "duplicate")
GOOD = len(REASONS)  # the verdict on a text that no reason applies to
# Odd multipliers, so that the key of a pair distinguishes its question, passage and negative.
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


@dataclass(frozen=True)
class FilterConfig:
    """Limits for a translated question or passage."""

    max_unknown_share: float  # fraction of the translation's words that the engine did not know
    # Characters of the translation over those of the source, divided by the median of that ratio
    # over all texts of the language, since Chinese needs a third of the characters of English.
    min_length_ratio: float
    max_length_ratio: float


def filter_batches(
    pairs: Rows,
    source: pa.Table,
    translated: pa.Table,
    config: FilterConfig,
    same_language: bool,
    name: str,
    counts: dict[str, int],
) -> Iterator[pa.RecordBatch]:
    """The pairs of one corpus in one language that pass the filters, in batches of TRAIN_SCHEMA.

    source, translated: tables of texts (translation.translate.TEXT_SCHEMA) with the same ids in the
    same order. same_language: the two are the same, so that only duplicates can be dropped. A pair
    passes if its question and its passage both pass. counts is filled with `pairs`, `kept` and one
    entry for each of REASONS; the latter and `kept` add up to `pairs`.

    Raises DataError, naming `name`, if a text is missing or no pair is left.
    """
    counts.update(pairs=0, kept=0, **dict.fromkeys(REASONS, 0))
    if not source["text_id"].equals(translated["text_id"]):
        raise DataError(f"{name}: source and translation have other texts; rerun the translation.")
    of_texts = verdicts(source, translated, config, same_language)
    row_of = {id_: row for row, id_ in enumerate(translated["text_id"].to_pylist())}
    # large_string: the texts of a language can exceed the 2 GB of an array of strings.
    texts = translated["text"].cast(pa.large_string()).combine_chunks()
    text_keys = _keys(translated["text"])
    first = FirstTimes()
    progress = Progress(None, "pairs")
    for batch in batches(pairs):
        rows = np.stack(
            [
                _rows(row_of, "q", batch["question_id"], name),
                _rows(row_of, "p", batch["passage_id"], name),
                _rows(row_of, "p", batch["negative_id"], name),
            ]
        )
        verdict = np.minimum(of_texts[rows[0]], of_texts[rows[1]])
        usable = (rows[2] >= 0) & (of_texts[rows[2]] == GOOD)
        good = np.flatnonzero(verdict == GOOD)
        parts = text_keys[rows[:, good]] * _MIX[:, None]
        parts[2, ~usable[good]] = 0
        repeated = good[~first.of(parts.sum(axis=0, dtype=np.uint64))]
        verdict[repeated] = REASONS.index("duplicate")
        counts["pairs"] += len(batch)
        progress.add(len(batch))
        for number, reason in enumerate(REASONS):
            counts[reason] += int((verdict == number).sum())
        kept = np.flatnonzero(verdict == GOOD)
        counts["kept"] += len(kept)
        negatives = pa.array(rows[2, kept], mask=~usable[kept])
        yield pa.record_batch(
            [
                batch["id"].take(kept),
                *(texts.take(r).cast(pa.string()) for r in (rows[0, kept], rows[1, kept])),
                texts.take(negatives).cast(pa.string()),
            ],
            schema=TRAIN_SCHEMA,
        )
    if not counts["kept"]:
        dropped = {reason: counts[reason] for reason in REASONS}
        raise DataError(
            f"{name}: no pair is left of {counts['pairs']} after filtering ({dropped}). Look at "
            "the translations, loosen `filtering`, or take the language out of target_languages."
        )


def filter_pairs(
    pairs: pa.Table,
    source: pa.Table,
    translated: pa.Table,
    config: FilterConfig,
    same_language: bool,
    name: str,
) -> tuple[pa.Table, dict[str, int]]:
    """`filter_batches` for a corpus that fits in memory: the pairs that pass, and the counts."""
    counts: dict[str, int] = {}
    found = filter_batches(pairs, source, translated, config, same_language, name, counts)
    return pa.Table.from_batches(found, TRAIN_SCHEMA), counts


def _rows(row_of: dict[str, int], kind: str, ids: pa.Array, name: str) -> np.ndarray:
    """int64 [n]: the row of each text `<kind>:<id>`; -1 where the id is null."""
    try:
        rows = [-1 if i is None else row_of[f"{kind}:{i}"] for i in ids.to_pylist()]
    except KeyError as error:
        missing = error.args[0]
        raise DataError(
            f"{name}: the text {missing} is in no shard; rerun its translation."
        ) from error
    return np.array(rows, dtype=np.int64)


def _keys(texts: pa.ChunkedArray) -> np.ndarray:
    """uint64 [n]: keys that are equal where the normalized texts are."""
    parts, progress = [], Progress(len(texts), "texts", last=False)
    for start in range(
        0, len(texts), BATCH_ROWS
    ):  # in slices, since Python strings take much memory
        part = texts.slice(start, BATCH_ROWS)
        parts.append(keys(normalize(t or "") for t in part.to_pylist()))
        progress.add(len(part))
    return np.concatenate([*parts, np.empty(0, np.uint64)])


def verdicts(
    source: pa.Table, translated: pa.Table, config: FilterConfig, same_language: bool
) -> np.ndarray:
    """int8 [n]: for each text, the index in REASONS of the first that applies, or GOOD."""
    failed = translated["text"].is_null().to_numpy()
    lengths, originals = (
        pc.fill_null(pc.utf8_length(table["text"]), 0).to_numpy() for table in (translated, source)
    )
    found = np.full(len(failed), GOOD, dtype=np.int8)
    if not same_language:
        ratios = lengths / np.maximum(originals, 1)
        present = ratios[lengths > 0]
        ratios /= np.median(present) if len(present) else 1.0
        unchanged = pc.fill_null(pc.equal(translated["text"], source["text"]), False).to_numpy()
        unknown, words = translated["unknown"].to_numpy(), translated["words"].to_numpy()
        # Written in reverse order, so that the first reason that applies is the one that stays.
        wrong = (ratios < config.min_length_ratio) | (ratios > config.max_length_ratio)
        found[wrong] = REASONS.index("length_ratio")
        found[unchanged] = REASONS.index("unchanged")
        too_many = unknown > config.max_unknown_share * words
        found[too_many] = REASONS.index("unknown_words")
    found[lengths == 0] = REASONS.index("empty")
    found[failed] = REASONS.index("failed")
    return found
