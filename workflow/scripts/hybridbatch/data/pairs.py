"""The workflow's format of question-answer pairs, and the validation split. See also `readers`.

A *pair* is a question and the sentence or passage that answers it. Its id is the same in every
language. The ids of questions and passages say which texts are translated once; batches tell pairs
apart by their texts (`encoders.pairs`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.data.dedup import FirstTimes, keys, normalize
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
        ("negative_id", pa.string()),  # id of the pair's hard negative; null if it has none
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
    paragraph: str  # identifies the paragraph: its text, or the corpus' name of it
    question_id: str = ""  # set where a question has several passages; default: the pair's id
    negative: str | None = None  # hard negative: a similar passage that does not answer
    passage_id: str = ""  # the corpus' id of the passage; default: a hash of its text
    negative_id: str = ""  # the same for `negative`
    where: str = field(default="", compare=False)  # file and line or row, for messages


def pair_batches(pairs: Iterable[Pair], counts: Counter, name: str) -> Iterator[pa.RecordBatch]:
    """Pairs as record batches of `PAIR_SCHEMA`, in reading order, for corpora of any size.

    Empty and duplicate pairs are counted and left out; texts are compared as `dedup.normalize`
    leaves them. Pairs that differ only in their negatives are kept. By default `passage_id` is a
    hash of the text; a corpus may give its own ids. name: the corpus and its files, for messages.
    Raises `DataError` for an id that occurs twice, and at the end if no pair was kept.
    """
    first_ids, first_pairs = FirstTimes(), FirstTimes()
    progress = Progress(None, "pairs")
    for batch in _chunks(pairs):
        full = [pair for pair in batch if pair.question and pair.passage]
        for pair in full:
            if not pair.id:
                raise DataError(f"{pair.where or name}: has no id; give it one of its own.")
        unique = first_ids.of(keys(pair.id for pair in full))
        if not unique.all():
            pair = full[unique.argmin()]
            raise DataError(
                f"{pair.where or name}: the id {pair.id!r} stands twice in {name}; ids must be "
                "unique. Mend the file, or leave the ids out."
            )
        texts = ("\0".join(map(normalize, (p.question, p.passage, p.negative or ""))) for p in full)
        new = first_pairs.of(keys(texts))
        kept = [pair for pair, is_new in zip(full, new, strict=True) if is_new]
        counts += Counter(  # `+` drops zero counts
            read=len(batch),
            empty=len(batch) - len(full),
            repeated=len(full) - len(kept),
            kept=len(kept),
        )
        progress.add(len(batch))
        yield pa.RecordBatch.from_pylist(list(map(_row, kept)), PAIR_SCHEMA)
    if not counts["kept"]:
        found = ", ".join(f"{reason} {number}" for reason, number in counts.items()) or "no pair"
        raise DataError(f"{name}: gives no pair to train on; it has {found}.")


def split_validation(pairs: Table, holdout: float) -> tuple[Table, Table]:
    """Split into (train, validation): about a fraction `holdout` of the paragraphs is held out.

    A paragraph's hash decides its side. The split therefore depends neither on a seed nor on the
    order, and a paragraph stays on its side when others are added or removed.
    """
    held = [int(i[:8], 16) < holdout * 2**32 for i in pairs["paragraph_id"].to_pylist()]
    mask = pa.array(held, type=pa.bool_())
    return pairs.filter(pc.invert(mask)), pairs.filter(mask)


def refuse_empty_parts(sizes: Mapping[str, int], holdout: float, name: str) -> None:
    """Raise `DataError` if `split_validation` left nothing of a part that `holdout` asks for."""
    for part, share in (("train", 1 - holdout), ("validation", holdout)):
        if share > 0 and not sizes[part]:
            raise DataError(
                f"{name}: its part `{part}` has no pair with holdout {holdout}, since paragraphs "
                "stay whole and it has too few; change `holdout`, or give more pairs."
            )


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
