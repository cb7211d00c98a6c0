"""QA pairs as the workflow keeps them, and the validation split. `readers` brings them in.

A *pair* is a question and the sentence (or passage) that answers it, known by an id that is the
same in every language. Pairs that share a passage carry the same `passage_id`, so that a batch
can keep a passage from standing in it twice.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.errors import DataError

PAIR_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("question_id", pa.string()),
        ("question", pa.string()),
        ("passage_id", pa.string()),
        ("passage", pa.string()),
        ("negative_id", pa.string()),  # of the pair's own hard negative; null where it has none
        ("negative", pa.string()),
        ("paragraph_id", pa.string()),
    ]
)


@dataclass(frozen=True)
class Pair:
    """One question and the text that answers it."""

    id: str
    question: str
    passage: str
    paragraph: str  # identity of the paragraph: its text, or a name the corpus gives it
    question_id: str = ""  # where questions have several passages; else the pair's own id
    negative: str | None = None  # a passage that does not answer the question but looks like it


def clean(text: str) -> str:
    """`text` on one line: every run of white space is one space, none at the ends."""
    return " ".join(text.split())


def pairs_table(pairs: Iterator[Pair], counts: Counter, name: str) -> pa.Table:
    """Pairs as a table of `PAIR_SCHEMA`, in reading order; empty and repeated ones are counted.

    Passages are the same when their texts are: `passage_id` is a hash of the text.
    """
    columns: dict[str, list[str]] = {field: [] for field in PAIR_SCHEMA.names}
    ids: set[str] = set()
    texts: set[tuple[str, str]] = set()
    for pair in pairs:
        counts["read"] += 1
        if not pair.question or not pair.passage:
            counts["empty"] += 1
            continue
        if pair.id in ids:
            raise DataError(f"{name}: the id {pair.id!r} stands twice; ids must be unique.")
        ids.add(pair.id)
        if (pair.question, pair.passage) in texts:
            counts["repeated"] += 1
            continue
        texts.add((pair.question, pair.passage))
        counts["kept"] += 1
        row = {
            "id": pair.id,
            "question_id": pair.question_id or pair.id,
            "question": pair.question,
            "passage_id": _hash(pair.passage),
            "passage": pair.passage,
            "negative_id": _hash(pair.negative) if pair.negative else None,
            "negative": pair.negative or None,
            "paragraph_id": _hash(pair.paragraph),
        }
        for name_, value in row.items():
            columns[name_].append(value)
    return pa.table(columns, schema=PAIR_SCHEMA)


def split_validation(pairs: pa.Table, holdout: float) -> tuple[pa.Table, pa.Table]:
    """(train, validation): whole paragraphs, about the share `holdout` of them, held out.

    Which paragraphs is decided by their hash, so that it depends neither on a seed nor on the
    order, and a paragraph never changes sides when others come or go.
    """
    held = [int(i[:8], 16) < holdout * 2**32 for i in pairs["paragraph_id"].to_pylist()]
    mask = pa.array(held, type=pa.bool_())
    return pairs.filter(pc.invert(mask)), pairs.filter(mask)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
