"""JSON Lines: the way to bring your own pairs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import json_objects
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The pairs of JSON Lines files with `question`, `passage` and optionally `id`, `paragraph`.

    `id` defaults to the line number, counted on from file to file; `paragraph` to the passage.
    """
    before = 0  # lines of the files before this one
    for path in paths:
        number = 0
        for number, record in json_objects(path):
            for field in ("question", "passage"):
                if not isinstance(record.get(field), str):
                    raise DataError(
                        f"{path}: line {number}: field {field!r} is missing or is not text."
                    )
            for field in ("id", "paragraph"):
                value = record.get(field)
                if isinstance(value, bool) or not isinstance(value, str | int | None):
                    raise DataError(
                        f"{path}: line {number}: field {field!r} is {value!r:.40}; it has to be "
                        "text or a whole number."
                    )
            passage = clean(record["passage"])
            yield Pair(
                str(before + number if record.get("id") is None else record["id"]),
                clean(record["question"]),
                passage,
                str(passage if record.get("paragraph") is None else record["paragraph"]),
                where=f"{path}: line {number}",
            )
        before += number
