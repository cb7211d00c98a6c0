"""Parallel texts that people translated: what machine translation is measured against.

Each reader gives the texts of one language by an id that is the same in every language:
`q:<question id>` for questions, `s:<article.paragraph:position>` for sentences.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from hybridbatch.benchmarks.lareqa import read_lareqa
from hybridbatch.data.pairs import clean
from hybridbatch.runtime.errors import DataError
from hybridbatch.translation.translate import TEXT_SCHEMA


def read_questions(path: str | Path, language: str) -> dict[str, str]:
    """The questions of a file in SQuAD's format, such as XQuAD's (Artetxe et al. 2020).

    Raises `DataError` where a field is missing or an id stands twice. XQuAD's paragraphs are
    parallel too, but no longer sentence by sentence.
    """
    path, texts = Path(path), {}
    try:
        articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        asked = [
            (qa["id"], qa["question"])
            for article in articles
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is not a SQuAD file ({error!r}).") from error
    for id_, question in asked:
        if f"q:{id_}" in texts:
            raise DataError(f"{path}: question {id_}: the id stands twice; ids must be unique.")
        texts[f"q:{id_}"] = clean(question)
    return texts


def read_parallel(path: str | Path, language: str) -> dict[str, str]:
    """Questions and sentences of a benchmark file whose sentences are parallel in every language.

    The bundled benchmark's are; those of XQuAD-R and MLQA-R are not.
    """
    collection = read_lareqa(path, language)
    texts = {f"q:{row['query_id']}": clean(row["text"]) for row in collection.queries.to_pylist()}
    for row in collection.candidates.to_pylist():
        place = row["candidate_id"].removeprefix(f"{language}:")
        texts[f"s:{place}"] = clean(row["text"])
    return texts


READERS: dict[str, Callable[[str | Path, str], dict[str, str]]] = {
    "questions": read_questions,
    "parallel": read_parallel,
}


def texts_table(texts: dict[str, str]) -> pa.Table:
    """The table that a shard of a corpus' texts is, so that the same rule can translate it."""
    lines = list(texts.values())
    columns = {
        "text_id": list(texts),
        "text": lines,
        "words": [len(line.split()) for line in lines],
        "unknown": [0] * len(lines),
        "error": [None] * len(lines),
    }
    return pa.table(columns, schema=TEXT_SCHEMA)
