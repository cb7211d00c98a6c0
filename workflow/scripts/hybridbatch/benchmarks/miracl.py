"""Collections with too many passages to rank them all: queries, judgements, shards of passages.

MIRACL (Zhang et al. 2023, "MIRACL: A Multilingual Retrieval Dataset Covering 18 Diverse
Languages", TACL 11) has topics as `id, tab, text`, judgements in TREC's format, and passages as
JSON Lines with docid, title and text, in shards of half a million.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from hybridbatch.benchmarks.base import (
    CANDIDATE_SCHEMA,
    GRADED_SCHEMA,
    Collection,
    query_table,
)
from hybridbatch.data.dedup import FirstTimes, keys
from hybridbatch.data.records import fields, json_objects, lines, need, parquet_rows
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import BATCH_ROWS, checked
from hybridbatch.runtime.logs import Progress, log


@dataclass(frozen=True)
class Survey:
    """The counts of one language, and its judged passages.

    counts: `queries`; `judgements` and the `relevant` among them; `passages`; `judged`, the
    distinct judged passages in the collection; `absent_judgements` and `absent_relevant`, those
    whose passage is not in the collection. judged: a table of CANDIDATE_SCHEMA.
    """

    counts: dict[str, int]
    judged: pa.Table


def read(files: Mapping[str, str | Path], language: str) -> Collection:
    """The judged queries of the file `topics` and the judgements of `qrels`.

    The passages stay in their files: see `read_passages`.
    """
    qrels = read_qrels(files["qrels"])
    queries = judged_queries(read_topics(files["topics"]), qrels, files["qrels"])
    return Collection(queries, None, qrels)


def read_topics(path: str | Path) -> pa.Table:
    """Queries as QUERY_SCHEMA, in the file's order; DataError if an id occurs twice."""
    found: dict[str, str] = {}
    for number, (id_, text) in fields(path, 2):
        if id_ in found:
            raise DataError(f"{path}: line {number}: query {id_} stands twice.")
        if not (cleaned := clean(text)):
            raise DataError(f"{path}: line {number}: query {id_} has no text.")
        found[id_] = cleaned
    return query_table(found)


def read_qrels(path: str | Path) -> pa.Table:
    """Judgements as GRADED_SCHEMA, in the file's order: 1 is relevant, 0 is not relevant.

    Raises DataError for a line that is not `query Q0 passage grade`, for other grades (the metrics
    are defined for binary judgements), and for a judgement that occurs twice.
    """
    rows: dict[tuple[str, str], int] = {}
    for number, line in lines(path):
        where, found = f"{path}: line {number}", line.split()
        if len(found) != 4 or found[1] not in ("Q0", "0"):
            raise DataError(f"{where}: `query Q0 passage grade` is expected, found {line[:80]!r}.")
        query, _, passage, grade = found
        if grade not in ("0", "1"):
            raise DataError(f"{where}: the grade is {grade!r}; only 0 and 1 are known.")
        if (query, passage) in rows:
            raise DataError(f"{where}: query {query} and passage {passage} stand twice.")
        rows[query, passage] = int(grade)
    if not any(rows.values()):
        raise DataError(f"{path}: judges no passage as relevant.")
    queries, passages = zip(*rows, strict=True)
    return pa.table([list(queries), list(passages), list(rows.values())], schema=GRADED_SCHEMA)


def judged_queries(queries: pa.Table, qrels: pa.Table, where: str) -> pa.Table:
    """The queries that have judgements; DataError if judgements name an unknown query."""
    known, judged = set(queries["query_id"].to_pylist()), set(qrels["query_id"].to_pylist())
    if unknown := sorted(judged - known):
        raise DataError(
            f"{where}: judges queries that the topics lack, {unknown[0]} first of {len(unknown)}: "
            "the two files are not of one version."
        )
    if len(known) > len(judged):
        log.warning("%d queries have no judgements and are left out", len(known) - len(judged))
    return queries.filter(pa.array([id_ in judged for id_ in queries["query_id"].to_pylist()]))


def read_passages(path: str | Path) -> Iterator[tuple[str, str]]:
    """(id, title and text) of a shard, one passage at a time.

    path: JSON Lines with docid, title and text, plain or gzipped, or a parquet file of
    CANDIDATE_SCHEMA. Raises DataError naming file and line if a shard is truncated or empty, a
    field is missing, or an id contains white space.
    """
    for _, id_, text in _passages(path):
        yield id_, text


def _passages(path: str | Path) -> Iterator[tuple[str, str, str]]:
    """(file and line or row, id, title and text) of a shard's passages."""
    if Path(path).suffix == ".parquet":
        columns = {field.name: field.type for field in CANDIDATE_SCHEMA}
        for number, row in parquet_rows(checked(path), columns):
            yield f"{path}: row {number}", row["candidate_id"], row["text"]
        return
    for number, record in json_objects(path):
        where = f"{path}: line {number}"
        id_, title, text = need(record, {"docid": str, "title": str, "text": str}, where)
        if id_.split() != [id_]:
            raise DataError(f"{where}: docid is {id_!r}; it can be neither empty nor have spaces.")
        yield where, id_, clean(f"{title} {text}")


def survey(paths: Sequence[str | Path], queries: pa.Table, qrels: pa.Table) -> Survey:
    """Read all passages of a language once; see `Survey`.

    Raises DataError if a passage occurs twice, or none of the judged ones is there. Judgements of
    absent passages are kept and count as not found, as in trec_eval.
    """
    wanted = set(qrels["candidate_id"].to_pylist())
    there: dict[str, str] = {}
    first = FirstTimes()
    passages, progress = 0, Progress(len(paths), "shards")
    for path in paths:
        found = _passages(path)
        while part := list(islice(found, BATCH_ROWS)):
            new = first.of(keys(id_ for _, id_, _ in part))
            if not new.all():
                where, id_, _ = part[new.argmin()]
                raise DataError(f"{where}: passage {id_} stands twice in the collection.")
            there |= {id_: text for _, id_, text in part if id_ in wanted}
            passages += len(part)
            progress.add(0, f"{passages:,} passages")
        progress.add()
    if not there:
        raise DataError(
            f"{', '.join(map(str, paths))}: has none of the {len(wanted)} judged passages: the "
            "files are of another collection, or of another version."
        )
    grades = qrels["grade"].to_pylist()
    absent = [id_ not in there for id_ in qrels["candidate_id"].to_pylist()]
    counts = {
        "queries": len(queries),
        "judgements": len(qrels),
        "relevant": sum(grades),
        "passages": passages,
        "judged": len(there),
        "absent_judgements": sum(absent),
        "absent_relevant": sum(g for g, is_absent in zip(grades, absent, strict=True) if is_absent),
    }
    judged = pa.table([list(there), list(there.values())], schema=CANDIDATE_SCHEMA)
    return Survey(counts, judged)
