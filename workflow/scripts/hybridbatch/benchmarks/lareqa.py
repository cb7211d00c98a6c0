"""Test collections: queries, candidates and relevance judgements of one benchmark language.

XQuAD-R and MLQA-R (Roy et al. 2020, section 3): a candidate is one slice of a paragraph's context
by `sentence_breaks`; the relevant one is the sentence where the answer starts.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.fields import field
from hybridbatch.runtime.errors import DataError

QUERY_SCHEMA = pa.schema([("query_id", pa.string()), ("text", pa.string())])
CANDIDATE_SCHEMA = pa.schema([("candidate_id", pa.string()), ("text", pa.string())])
QRELS_SCHEMA = pa.schema([("query_id", pa.string()), ("candidate_id", pa.string())])


@dataclass(frozen=True)
class Collection:
    """Tables of QUERY_SCHEMA, CANDIDATE_SCHEMA and QRELS_SCHEMA, in the file's order."""

    queries: pa.Table
    candidates: pa.Table
    qrels: pa.Table


def read_lareqa(path: str | Path, language: str) -> Collection:
    """A file in the format of XQuAD-R, as a collection.

    Query ids are the question ids, the same in every language; a candidate is known by
    `language:article.paragraph:position`. Raises `DataError` naming file, paragraph and id where
    a field is missing, a question id stands twice, or an answer starts outside every sentence.
    The file's `sentences` lists are not read: one of them disagrees with the slices.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not JSON in UTF-8 ({error}).") from error
    queries: dict[str, str] = {}
    candidates: dict[str, str] = {}
    qrels: list[tuple[str, str]] = []
    for article_number, article in enumerate(field(content, "data", list, str(path))):
        where = f"{path}: article {article_number}"
        for number, paragraph in enumerate(field(article, "paragraphs", list, where)):
            name = f"{article_number:03d}.{number:03d}"
            where = f"{path}: article {article_number}, paragraph {number}"
            context = field(paragraph, "context", str, where)
            breaks = _breaks(field(paragraph, "sentence_breaks", list, where), where)
            ids = [f"{language}:{name}:{position:03d}" for position in range(len(breaks))]
            for id_, (start, end) in zip(ids, breaks, strict=True):
                candidates[id_] = context[start:end]
            for qa in field(paragraph, "qas", list, where):
                query_id = field(qa, "id", str, where)
                asked = f"{where}, question {query_id}"
                if query_id in queries:
                    raise DataError(f"{asked}: the id stands twice; ids must be unique.")
                queries[query_id] = field(qa, "question", str, asked)
                answers = field(qa, "answers", list, asked)
                if not answers:
                    raise DataError(f"{asked}: has no answer.")
                start = field(answers[0], "answer_start", int, asked)
                at = [i for i, (a, b) in zip(ids, breaks, strict=True) if a <= start < b]
                if not at:
                    raise DataError(
                        f"{asked}: the answer starts at character {start}, outside every sentence."
                    )
                qrels.append((query_id, at[0]))
    if not queries:
        raise DataError(f"{path}: has no questions.")
    return Collection(
        _table(list(queries.items()), QUERY_SCHEMA),
        _table(list(candidates.items()), CANDIDATE_SCHEMA),
        _table(qrels, QRELS_SCHEMA),
    )


READERS = {"lareqa": read_lareqa}


def _breaks(values: list, where: str) -> list[tuple[int, int]]:
    for value in values:
        if not (isinstance(value, list) and [type(v) for v in value] == [int, int]):
            raise DataError(f"{where}: sentence_breaks has {value!r:.40}, not [start, end].")
    return [(start, end) for start, end in values]


def _table(rows: list[tuple[str, str]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, pa.string()) for c in columns], schema=schema)
