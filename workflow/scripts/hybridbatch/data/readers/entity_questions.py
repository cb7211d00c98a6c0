"""EntityQuestions (Sciavolino et al. 2021): princeton-nlp/EntityQuestions, a JSON list a relation.

The data set has questions and answers but no passages, so the passage is the bare answer.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import empty, json_file, need
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Every question with the first of its answers."""
    files = [Path(path) for path in paths]
    names = Counter(file.name for file in files)
    for path in files:
        # The file's name has the relation, as in P106.train.json.
        name = path.name if names[path.name] == 1 else path.as_posix()
        records = json_file(path)
        if not isinstance(records, list):
            raise DataError(f"{path}: is not a JSON list.")
        if not records:
            raise empty(path)
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
            id_ = f"{name.removesuffix('.json')}-{number}"
            yield Pair(id_, clean(question), answer, answer, where=where)
