"""Translation: one interface for every engine, and the table a translated shard is.

An engine is anything with `translate(lines) -> list[Translation]`, one result a line, in order.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.errors import DataError

TEXT_SCHEMA = pa.schema(
    [
        ("text_id", pa.string()),
        ("text", pa.string()),  # null where the translation failed
        ("words", pa.int32()),
        ("unknown", pa.int32()),  # words the engine did not know and passed on
        ("error", pa.string()),  # null where it did not fail
    ]
)


@dataclass(frozen=True)
class Translation:
    """What became of one line. `text` is None exactly where `error` says why."""

    text: str | None
    unknown: int = 0
    error: str | None = None


class Translator(Protocol):
    """A translation engine for one language pair."""

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """One `Translation` for each line, in order; a line that fails costs that line only."""
        ...


def source_texts(pairs: pa.Table) -> pa.Table:
    """Every text of the pairs once: questions as `q:<question_id>`, passages as `p:<passage_id>`.

    The result is a shard's table in the corpus' own language, the start of every route.
    """
    texts: dict[str, str] = {}
    for row in pairs.to_pylist():
        texts[f"q:{row['question_id']}"] = row["question"]
        texts[f"p:{row['passage_id']}"] = row["passage"]
        if row["negative_id"] is not None:
            texts[f"p:{row['negative_id']}"] = row["negative"]
    return _table(list(texts), [Translation(text) for text in texts.values()])


def shard(texts: pa.Table, number: int, of: int) -> pa.Table:
    """The `number`-th (from 0) of `of` contiguous parts whose sizes differ by at most one."""
    bounds = [len(texts) * i // of for i in range(of + 1)]
    return texts.slice(bounds[number], bounds[number + 1] - bounds[number])


def translate_table(texts: pa.Table, translator: Translator) -> pa.Table:
    """A shard translated: the same ids in the same order.

    A line that failed on the way to the pivot language stays failed, with its first reason.
    """
    ids, lines = texts["text_id"].to_pylist(), texts["text"].to_pylist()
    errors = texts["error"].to_pylist()
    present = [i for i, line in enumerate(lines) if line is not None]
    results = translator.translate([lines[i] for i in present])
    if len(results) != len(present):
        raise DataError(
            f"the translator returned {len(results)} results for {len(present)} lines; an engine "
            "must return one result a line."
        )
    by_row = dict(zip(present, results, strict=True))
    return _table(
        ids,
        [
            by_row[i] if i in by_row else Translation(None, error=f"pivot: {errors[i]}")
            for i in range(len(ids))
        ],
    )


def _table(ids: list[str], results: list[Translation]) -> pa.Table:
    return pa.table(
        {
            "text_id": ids,
            "text": [r.text for r in results],
            "words": [len(r.text.split()) if r.text is not None else 0 for r in results],
            "unknown": [r.unknown for r in results],
            "error": [r.error for r in results],
        },
        schema=TEXT_SCHEMA,
    )


def summary(texts: pa.Table) -> list[dict]:
    """Counts of a translated table: one row in all, and one for each reason of failure."""
    errors = Counter(texts["error"].drop_null().to_pylist())
    words, unknown = pc.sum(texts["words"]).as_py(), pc.sum(texts["unknown"]).as_py()
    share = round(unknown / words, 4) if words else None
    total = {"texts": len(texts), "words": words, "unknown_share": share}
    failed = {"failed": errors.total(), "reason": ""}
    return [total | failed] + [
        total | {"failed": number, "reason": reason} for reason, number in sorted(errors.items())
    ]
