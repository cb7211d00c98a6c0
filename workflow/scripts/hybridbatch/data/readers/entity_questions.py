"""EntityQuestions (Sciavolino et al. 2021): princeton-nlp/EntityQuestions, a JSON list a relation.

The data set has questions and answers but no passages, so the passage is the bare answer.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.pairs import Pair, clean
from hybridbatch.data.records import need
from hybridbatch.runtime.errors import DataError


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Every question with the first of its answers."""
    for path in map(Path, paths):
        try:
            records = json.loads(path.read_text(encoding="utf-8"))
        except json.JSONDecodeError as error:
            raise DataError(f"{path}: line {error.lineno}: is not JSON ({error}).") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path}: is not UTF-8 ({error}).") from error
        if not isinstance(records, list):
            raise DataError(f"{path}: is not a JSON list.")
        for number, record in enumerate(records):
            where = f"{path}: entry {number}"
            if not isinstance(record, dict):
                raise DataError(f"{where}: is not a JSON object.")
            question, answers = need(record, {"question": str, "answers": list}, where)
            if not answers:
                counts["unanswerable"] += 1
                continue
            if not isinstance(answers[0], str):
                raise DataError(f"{where}: the first answer is not text.")
            answer = clean(answers[0])
            # The file's name has the relation, as in P106.train.json.
            yield Pair(
                f"{path.name.removesuffix('.json')}-{number}", clean(question), answer, answer
            )
