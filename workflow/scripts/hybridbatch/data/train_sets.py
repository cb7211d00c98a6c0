"""Train sets for export: the pairs that passed the filters, with their language."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

# The columns of a train set. `id` is the id of the pair, the same in every language.
COLUMNS = ["id", "question", "passage", "negative"]
SCHEMA = pa.schema([(name, pa.string()) for name in (*COLUMNS, "language")])


def with_language(batches: Iterable[pa.RecordBatch], language: str) -> Iterator[pa.RecordBatch]:
    """Batches of COLUMNS as batches of SCHEMA."""
    for batch in batches:
        languages = pa.array([language] * len(batch), pa.string())
        yield pa.record_batch([*batch.columns, languages], schema=SCHEMA)
