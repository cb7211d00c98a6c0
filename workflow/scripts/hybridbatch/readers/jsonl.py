"""JSON Lines: the way to bring your own pairs."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.corpora import Pair, clean
from hybridbatch.errors import DataError


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Pairs of a JSON Lines file: `question` and `passage`, and if you like `id` and `paragraph`.

    Without `id`, the line's number is the id; without `paragraph`, the passage is its own.
    """
    for path in map(Path, paths):
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
