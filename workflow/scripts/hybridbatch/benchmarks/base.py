"""What the rest of the workflow asks of a benchmark, whatever its kind.

Each kind is a module of this room that is loaded by the `kind` of its catalogue entry and has
`read(files, language) -> Collection`. `files` are those of the entry by name. Which languages are
searched together, whether all candidates are ranked, and which figures are averaged stands in the
kind's configuration model, since the rules have to know it before anything is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from hybridbatch.runtime.errors import DataError

QUERY_SCHEMA = pa.schema([("query_id", pa.string()), ("text", pa.string())])
# A candidate is a text, or an image as a file's bytes (PNG and the like), by its modality.
CANDIDATE_SCHEMAS = {
    "text": pa.schema([("candidate_id", pa.string()), ("text", pa.string())]),
    "image": pa.schema([("candidate_id", pa.string()), ("image", pa.binary())]),
}
CANDIDATE_SCHEMA = CANDIDATE_SCHEMAS["text"]
QRELS_SCHEMA = pa.schema([("query_id", pa.string()), ("candidate_id", pa.string())])
# Where judgements also say what is not relevant: 1 is relevant, 0 judged and not relevant.
GRADED_SCHEMA = pa.schema(
    [("query_id", pa.string()), ("candidate_id", pa.string()), ("grade", pa.int64())]
)


@dataclass(frozen=True)
class Collection:
    """Queries, candidates and relevance judgements of one language, in the files' order.

    Tables of QUERY_SCHEMA, one of CANDIDATE_SCHEMAS, and QRELS_SCHEMA or GRADED_SCHEMA. Candidates
    are None where they stay in their own files, too many to be ranked all.
    """

    queries: pa.Table
    candidates: pa.Table | None
    qrels: pa.Table


def collection(
    queries: Mapping[str, str],
    candidates: Mapping[str, str | bytes],
    relevant: Sequence[tuple[str, str]],
    modality: str = "text",
) -> Collection:
    """The collection of queries and candidates by id, and of (query id, candidate id) pairs."""
    schema = CANDIDATE_SCHEMAS[modality]
    return Collection(
        pa.table([list(queries), list(queries.values())], schema=QUERY_SCHEMA),
        pa.table([list(candidates), list(candidates.values())], schema=schema),
        pa.table([[pair[i] for pair in relevant] for i in range(2)], schema=QRELS_SCHEMA),
    )


def modality_of(candidates: pa.Table, path: str | Path) -> str:
    """The modality of a table of candidates; `DataError` naming `path` where it has none."""
    for modality in CANDIDATE_SCHEMAS:
        if modality in candidates.column_names:
            return modality
    columns = " or ".join(repr(modality) for modality in CANDIDATE_SCHEMAS)
    raise DataError(f"{path}: has no column {columns}; delete it and run again.")
