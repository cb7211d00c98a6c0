"""The interface of all kinds of benchmarks.

Each kind is a module of this package, loaded by the `kind` of its catalogue entry. It has a
function `read(files, language) -> Collection`, where `files` are the entry's files by name. The
kind's configuration model says which languages are searched together, whether all candidates are
ranked, and which scores are averaged, since the rules need this before any file is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError

# The article and paragraph that a question is about, where they are known. Questions about one
# article count as one draw (evaluation.clusters); an article has one name within a language.
QUERY_SCHEMA = pa.schema(
    [
        ("query_id", pa.string()),
        ("text", pa.string()),
        ("article", pa.string()),
        ("paragraph", pa.string()),
    ]
)
# By modality: a candidate is a text, or an image as the bytes of an image file such as PNG.
CANDIDATE_SCHEMAS = {
    "text": pa.schema([("candidate_id", pa.string()), ("text", pa.string())]),
    "image": pa.schema([("candidate_id", pa.string()), ("image", pa.binary())]),
}
CANDIDATE_SCHEMA = CANDIDATE_SCHEMAS["text"]
QRELS_SCHEMA = pa.schema([("query_id", pa.string()), ("candidate_id", pa.string())])
# Judgements that include non-relevant ones: 1 is relevant, 0 is judged as not relevant.
GRADED_SCHEMA = pa.schema(
    [("query_id", pa.string()), ("candidate_id", pa.string()), ("grade", pa.int64())]
)


@dataclass(frozen=True)
class Collection:
    """Queries, candidates and relevance judgements of one language, in the files' order.

    Tables of QUERY_SCHEMA, one of CANDIDATE_SCHEMAS, and QRELS_SCHEMA or GRADED_SCHEMA. Candidates
    are None if there are too many to rank them all; they then stay in their original files.
    """

    queries: pa.Table
    candidates: pa.Table | None
    qrels: pa.Table


def collection(
    queries: Mapping[str, str],
    candidates: Mapping[str, str | bytes],
    relevant: Sequence[tuple[str, str]],
    modality: str = "text",
    origins: Mapping[str, tuple[str | None, str | None]] | None = None,
) -> Collection:
    """A collection from queries and candidates by id, and relevant (query id, candidate id).

    Texts are normalised here as those of corpora are. origins: by query id, article and paragraph,
    None where they are not known.
    """
    schema = CANDIDATE_SCHEMAS[modality]
    found = [clean(item) if isinstance(item, str) else item for item in candidates.values()]
    return Collection(
        query_table({id_: clean(text) for id_, text in queries.items()}, origins),
        pa.table([list(candidates), found], schema=schema),
        pa.table([[pair[i] for pair in relevant] for i in range(2)], schema=QRELS_SCHEMA),
    )


def query_table(
    queries: Mapping[str, str], origins: Mapping[str, tuple[str | None, str | None]] | None = None
) -> pa.Table:
    """Queries by id as QUERY_SCHEMA; origins: as for `collection`."""
    known = [(origins or {}).get(id_, (None, None)) for id_ in queries]
    columns = [list(queries), list(queries.values()), *([of[i] for of in known] for i in (0, 1))]
    return pa.table(columns, schema=QUERY_SCHEMA)


def modality_of(candidates: pa.Table, path: str | Path) -> str:
    """The modality of a table of candidates; raises `DataError` naming `path` if unknown."""
    for modality in CANDIDATE_SCHEMAS:
        if modality in candidates.column_names:
            return modality
    columns = " or ".join(repr(modality) for modality in CANDIDATE_SCHEMAS)
    raise DataError(f"{path}: has no column {columns}; delete it and run again.")
