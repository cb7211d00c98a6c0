"""Outputs that appear whole or not at all, and the few file formats the workflow uses."""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import safe_open
from safetensors.numpy import save_file

from hybridbatch.runtime.errors import DataError

# A table in memory, or one that passes by in pieces because it may not fit there.
Rows = pa.Table | Iterable[pa.RecordBatch]
_KEYS = b"hybridbatch"  # in the metadata of a parquet file
BATCH_ROWS = 50_000  # of a table that is read or written in pieces


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    The block may write a file or make a directory. If it raises, nothing is left behind and an
    older `path` stays as it was. The temporary name is unique, so that two writers that were
    started by accident cannot mix their bytes.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        yield temporary
        if path.is_dir() and temporary.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text, whole."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, value: Any) -> None:
    """Write JSON with sorted keys, readable by people, whole."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: str | Path) -> Any:
    """Read JSON."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_table(
    path: str | Path, table: pa.Table, keys: Mapping[str, str | int] | None = None
) -> None:
    """Write a parquet file, whole.

    keys: what the file is of, such as encoder, sampling, seed, benchmark and language. They are
    stored in the file itself, so that no reader has to know the order or the names of its inputs.
    """
    if keys:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEYS: _json(keys)})
    with whole(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def keys_of(table: pa.Table, path: str | Path) -> dict[str, str | int]:
    """The keys that `write_table` stored; `DataError` naming `path` where there are none."""
    stored = (table.schema.metadata or {}).get(_KEYS)
    if stored is None:
        raise DataError(f"{path}: does not say what it is of; delete it and run again.")
    return json.loads(stored)


def read_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Read a parquet file into memory."""
    return pq.read_table(path, columns=columns)


def read_keyed(
    paths: Iterable[str | Path], columns: list[str] | None = None
) -> list[tuple[dict[str, str | int], pa.Table]]:
    """The keys and the table of each file, ordered by their keys and not by the paths' order."""
    found = [
        (keys_of(table, path), table) for path in paths for table in [read_table(path, columns)]
    ]
    return sorted(found, key=lambda pair: sorted(pair[0].items()))


@contextmanager
def table_writer(
    path: str | Path, schema: pa.Schema, keys: Mapping[str, str | int] | None = None
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yield a function that appends record batches to a parquet file; the file appears whole.

    keys: as for `write_table`.
    """
    if keys:
        schema = schema.with_metadata({_KEYS: _json(keys)})
    with (
        whole(path) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        # An empty batch would be an empty row group.
        yield lambda batch: writer.write_batch(batch) if len(batch) else None


def read_batches(path: str | Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read a parquet file in record batches of at most `BATCH_ROWS`."""
    # Buffered ahead, the whole file would be in memory.
    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield from file.iter_batches(BATCH_ROWS, columns=columns)


def batches(rows: Rows) -> Iterable[pa.RecordBatch]:
    """`rows` in record batches, whichever of the two they are."""
    return rows.to_batches(max_chunksize=BATCH_ROWS) if isinstance(rows, pa.Table) else rows


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, np.ndarray],
    keys: Mapping[str, str | int] | None = None,
) -> None:
    """Write a safetensors file of NumPy arrays, whole; keys: as for `write_table`."""
    stored = {_KEYS.decode(): _json(keys).decode()} if keys else None
    # safetensors writes the memory of a strided array as if it had no strides.
    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    with whole(path) as temporary:
        save_file(arrays, temporary, metadata=stored)


def read_tensors(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, str | int]]:
    """The arrays of a safetensors file by name, and the keys that `write_tensors` stored."""
    with safe_open(path, framework="numpy") as file:
        stored = (file.metadata() or {}).get(_KEYS.decode(), "{}")
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, json.loads(stored)


def _json(keys: Mapping[str, str | int]) -> bytes:
    return json.dumps(dict(keys), sort_keys=True).encode()
