"""QA pairs as the workflow keeps them, and the validation split. `readers` brings them in.

A *pair* is a question and the sentence (or passage) that answers it, known by an id that is the
same in every language. Pairs that share a passage carry the same `passage_id`, so that a batch
can keep a passage from standing in it twice.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.data.dedup import FirstTimes, keys
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import BATCH_ROWS
from hybridbatch.runtime.logs import Progress

Table = TypeVar("Table", pa.Table, pa.RecordBatch)
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


@dataclass(frozen=True, slots=True)
class Pair:
    """One question and the text that answers it."""

    id: str
    question: str
    passage: str
    paragraph: str  # identity of the paragraph: its text, or a name the corpus gives it
    question_id: str = ""  # where questions have several passages; else the pair's own id
    negative: str | None = None  # a passage that does not answer the question but looks like it
    passage_id: str = ""  # the corpus' own name of the passage; else a hash of its text
    negative_id: str = ""  # the same of `negative`


def clean(text: str) -> str:
    """`text` on one line: every run of white space is one space, none at the ends."""
    return " ".join(text.split())


def pair_batches(pairs: Iterable[Pair], counts: Counter, name: str) -> Iterator[pa.RecordBatch]:
    """Pairs as record batches of `PAIR_SCHEMA`, in reading order, for corpora of any size.

    Empty and repeated pairs are counted and left out. Pairs with different negatives are
    different. Passages are the same when their texts are, `passage_id` being a hash of the text,
    unless the corpus names them itself.
    """
    first_ids, first_pairs = FirstTimes(), FirstTimes()
    progress = Progress(None, "pairs")
    for batch in _chunks(pairs):
        full = [pair for pair in batch if pair.question and pair.passage]
        unique = first_ids.of(keys(pair.id for pair in full))
        if not unique.all():
            id_ = full[unique.argmin()].id
            raise DataError(f"{name}: the id {id_!r} stands twice; ids must be unique.")
        texts = ("\0".join((p.question, p.passage, p.negative or "")) for p in full)
        new = first_pairs.of(keys(texts))
        kept = [pair for pair, is_new in zip(full, new, strict=True) if is_new]
        counts += Counter(  # which keeps no zeros
            read=len(batch),
            empty=len(batch) - len(full),
            repeated=len(full) - len(kept),
            kept=len(kept),
        )
        progress.add(len(batch))
        yield pa.RecordBatch.from_pylist(list(map(_row, kept)), PAIR_SCHEMA)


def split_validation(pairs: Table, holdout: float) -> tuple[Table, Table]:
    """(train, validation): whole paragraphs, about the share `holdout` of them, held out.

    Which paragraphs is decided by their hash, so that it depends neither on a seed nor on the
    order, and a paragraph never changes sides when others come or go.
    """
    held = [int(i[:8], 16) < holdout * 2**32 for i in pairs["paragraph_id"].to_pylist()]
    mask = pa.array(held, type=pa.bool_())
    return pairs.filter(pc.invert(mask)), pairs.filter(mask)


def _row(pair: Pair) -> dict[str, str | None]:
    negative = pair.negative or None
    return {
        "id": pair.id,
        "question_id": pair.question_id or pair.id,
        "question": pair.question,
        "passage_id": pair.passage_id or _hash(pair.passage),
        "passage": pair.passage,
        "negative_id": (pair.negative_id or _hash(negative)) if negative else None,
        "negative": negative,
        "paragraph_id": _hash(pair.paragraph),
    }


def _chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    rest = iter(pairs)
    while chunk := list(islice(rest, BATCH_ROWS)):
        yield chunk


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
