"""English QA pairs: readers for SQuAD files and for JSON Lines, and the validation split.

A *pair* is a question and the sentence (or passage) that answers it, known by an id that is the
same in every language. Pairs that share a passage carry the same `passage_id`, so that a batch
can keep a passage from standing in it twice.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.errors import DataError
from hybridbatch.sentences import sentence_spans

PAIR_SCHEMA = pa.schema(
    [(n, pa.string()) for n in ("id", "question", "passage_id", "passage", "paragraph_id")]
)


@dataclass(frozen=True)
class Pair:
    """One question, the text that answers it, and the paragraph the text comes from."""

    id: str
    question: str
    passage: str
    paragraph: str  # identity of the paragraph: its text, or a name the corpus gives it


def read_squad(path: str | Path, language: str, counts: Counter) -> Iterator[Pair]:
    """Pairs of a file in SQuAD's format: the question and the sentence its first answer starts in.

    Questions that cannot give a pair are counted by reason, never dropped silently. An answer
    that runs over a sentence's end is kept with the sentence where it starts, as in LAReQA.
    """
    path = Path(path)
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is not a SQuAD file ({error!r}).") from error
    for article in articles:
        for number, paragraph in enumerate(article.get("paragraphs", [])):
            where = f"{path}: article {article.get('title')!r}, paragraph {number}"
            try:
                context, questions = paragraph["context"], paragraph["qas"]
            except KeyError as error:
                raise DataError(f"{where}: field {error} is missing.") from error
            spans = sentence_spans(context, language)
            for qa in questions:
                try:
                    id_, question, answers = qa["id"], qa["question"], qa["answers"]
                    start = answers[0]["answer_start"] if answers else None
                except KeyError as error:
                    raise DataError(f"{where}: question {qa.get('id')!r} lacks {error}.") from error
                if start is None:
                    counts["unanswerable"] += 1
                    continue
                passage = next((context[a:b] for a, b in spans if a <= start < b), None)
                if passage is None:
                    counts["answer_outside_sentences"] += 1
                    continue
                yield Pair(id_, clean(question), clean(passage), clean(context))


def read_jsonl(path: str | Path, language: str, counts: Counter) -> Iterator[Pair]:
    """Pairs of a JSON Lines file: `question` and `passage`, and if you like `id` and `paragraph`.

    Without `id`, the line's number is the id; without `paragraph`, the passage is its own.
    """
    path = Path(path)
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            where = f"{path}: line {number}"
            try:
                record = json.loads(line.decode("utf-8"))
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise DataError(f"{where}: is not JSON in UTF-8 ({error}).") from error
            if not isinstance(record, dict):
                raise DataError(f"{where}: is not a JSON object.")
            for field in ("question", "passage"):
                if not isinstance(record.get(field), str):
                    raise DataError(f"{where}: field {field!r} is missing or is not text.")
            passage = clean(record["passage"])
            yield Pair(
                str(record.get("id", number)),
                clean(record["question"]),
                passage,
                str(record.get("paragraph", passage)),
            )


READERS: dict[str, Callable[[str | Path, str, Counter], Iterator[Pair]]] = {
    "squad": read_squad,
    "jsonl": read_jsonl,
}


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
        row = (pair.id, pair.question, _hash(pair.passage), pair.passage, _hash(pair.paragraph))
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
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
