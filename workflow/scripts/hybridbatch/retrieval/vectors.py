"""A benchmark's vectors: queries by language, and the candidates of all languages as one pool."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import keys_of, read_table, read_tensors


@dataclass(frozen=True)
class Pool:
    """Vectors of one model on one benchmark.

    queries: by language, unit vectors float32 [q, d]. candidate_ids: by language, in the pool's
    order of languages. candidates: float32 [n, d], grouped by language in that order.
    """

    queries: dict[str, np.ndarray]
    candidate_ids: dict[str, list[str]]
    candidates: np.ndarray

    def of_language(self, language: str) -> np.ndarray:
        """The candidates of one language, float32 [n, d]."""
        start = 0
        for code, ids in self.candidate_ids.items():
            if code == language:
                return self.candidates[start : start + len(ids)]
            start += len(ids)
        raise KeyError(language)


def read_pool(
    languages: Sequence[str], candidates: Iterable[str | Path], embeddings: Iterable[str | Path]
) -> Pool:
    """Read the pool of `languages`, in their order. Each file's keys name its language.

    candidates: parquet files with `candidate_id`. embeddings: files of `write_tensors` with
    `queries` and `candidates`. Files of other languages are ignored. Raises `DataError` if a
    language has no file, ids and vectors differ in number, or vectors differ in dimension.
    """
    ids: dict[str, list[str]] = {}
    for path in candidates:
        table = read_table(path, ["candidate_id"])
        ids[keys_of(table, path)["language"]] = table["candidate_id"].to_pylist()
    queries: dict[str, np.ndarray] = {}
    vectors: dict[str, np.ndarray] = {}
    dimension = None
    for path in embeddings:
        tensors, keys = read_tensors(path)
        if "language" not in keys:
            raise DataError(f"{path}: does not say of which language it is; encode it again.")
        language = keys["language"]
        if language not in languages:
            continue
        if language in ids and len(tensors["candidates"]) != len(ids[language]):
            raise DataError(
                f"{path}: has vectors of {len(tensors['candidates'])} candidates, the benchmark "
                f"has {len(ids[language])}; delete and encode it again."
            )
        for side in ("queries", "candidates"):
            found = tensors[side].shape[1]
            dimension = dimension or found
            if found != dimension:
                raise DataError(
                    f"{path}: its {side} have {found} dimensions, others {dimension}; "
                    "delete the benchmark's embeddings and encode them again."
                )
        queries[language], vectors[language] = tensors["queries"], tensors["candidates"]
    for language in languages:
        if language not in ids or language not in vectors:
            what = "candidates" if language not in ids else "vectors"
            raise DataError(f"no file has the {what} in {language!r}; run again.")
    return Pool(
        {language: queries[language] for language in languages},
        {language: ids[language] for language in languages},
        np.concatenate([vectors[language] for language in languages]),
    )


def check_answers(
    query_ids: Sequence[str], qrels: Mapping[str, Sequence[tuple[str, str]]], where: str | Path
) -> None:
    """Raise `DataError` if no query has a relevant candidate in one of the languages of `qrels`.

    Means over languages would leave such a language out in silence.
    """
    asked = set(query_ids)
    for language, pairs in qrels.items():
        if asked.isdisjoint(query for query, _ in pairs):
            raise DataError(
                f"{where}: none of its {len(asked)} queries has an answer in {language!r}. "
                "Questions have the same id in every language of a benchmark: mend the files, or "
                "take a language out."
            )


def check_queries(query_ids: Sequence[str], queries: np.ndarray, where: str | Path) -> None:
    """Raise `DataError`, beginning with `where`, unless there is one vector for each query."""
    if len(query_ids) != len(queries):
        raise DataError(
            f"{where}: the benchmark has {len(query_ids)} queries, and {len(queries)} have "
            "vectors; delete the embeddings and encode them again."
        )
