"""Benchmarks as every kind has to read them: whole, with ids that are unique and known."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from hybridbatch.benchmarks.base import Collection
from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import DataError


def read_collection(
    kind: str,
    files: Mapping[str, str | Path],
    language: str,
    values: Mapping[str, Any] | None = None,
) -> Collection:
    """Read one language of a benchmark by its kind; values: what its `read` takes beside these.

    Raises `DataError`, naming the files, if there are no queries, candidates or judgements, an id
    is missing or occurs twice, a text is blank, or a judgement names an unknown id.
    """
    found = kinds.load("benchmarks", kind).read(files, language, **(values or {}))
    where = ", ".join(map(str, files.values()))
    sides = {"query": found.queries, "candidate": found.candidates}
    judged = {side: found.qrels[f"{side}_id"].to_pylist() for side in sides}
    for side, table in sides.items():
        if table is None:  # its candidates stay in their files
            continue
        known = _checked_ids(table, side, where)
        if unknown := set(judged[side]) - known:
            raise DataError(f"{where}: judges the {side} {min(unknown)}, which is not there.")
    pairs = list(zip(*judged.values(), strict=True))
    if not pairs:
        raise DataError(f"{where}: has no judgements.")
    if len(set(pairs)) < len(pairs):
        query, candidate = next(p for p, number in Counter(pairs).items() if number > 1)
        raise DataError(f"{where}: query {query} and candidate {candidate} are judged twice.")
    return found


def _checked_ids(table: pa.Table, side: str, where: str) -> set[str]:
    """The ids of queries or candidates, none missing or twice, each with a text or an image."""
    ids, items = (column.to_pylist() for column in table.columns[:2])
    if not ids:
        raise DataError(f"{where}: has no {'queries' if side == 'query' else 'candidates'}.")
    for id_, number in Counter(ids).items():
        if number > 1:
            raise DataError(f"{where}: the {side} {id_} stands twice; ids must be unique.")
    for id_, item in zip(ids, items, strict=True):
        if not id_ or not item:
            raise DataError(f"{where}: the {side} {id_!r} has no id, no text or no image.")
    return set(ids)
