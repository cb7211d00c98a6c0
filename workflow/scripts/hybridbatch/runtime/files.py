"""Outputs that appear whole or not at all, with digests that their readers check.

Each published output has an xxh3-128 of its content beside it: `name` has `.name.xxh128`, a folder
has `.xxh128` inside, a line for each of its files. Both are in the format of `xxh128sum --check`.
What people bring (corpora, benchmarks, downloads) has none and is read as it is.
"""

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
import xxhash
from safetensors import safe_open
from safetensors.numpy import save_file

from hybridbatch.runtime.errors import DamagedError, DataError
from hybridbatch.runtime.persistence import METADATA, record_path

# A table in memory, or one that passes by in pieces because it may not fit there.
Rows = pa.Table | Iterable[pa.RecordBatch]
_KEYS = b"hybridbatch"  # in the metadata of a parquet file
BATCH_ROWS = 50_000  # of a table that is read or written in pieces
DIGEST = ".xxh128"
_BLOCK = 1 << 20
_CACHED = 1 << 28  # bytes of a file that is still in the page cache when it is read again
_PARQUET = {"compression": "zstd", "write_page_checksum": True}
# Temporaries that this process is writing: a file in one is a part, and gets no digest of its own.
_writing: set[Path] = set()


@contextmanager
def whole(path: str | Path, digest: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    The block may write a file or make a directory. If it raises, nothing is left behind and an
    older `path` stays as it was. The temporary name is unique, so that two writers that were
    started by accident cannot mix their bytes.

    digest: record the content's digest, for `checked`. False where the file is no job's output.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}.tmp")
    part_of_another = not _writing.isdisjoint((path, *path.parents))
    _writing.add(temporary)
    try:
        yield temporary
        _publish(temporary, path, digest and not part_of_another)
    finally:
        _writing.discard(temporary)
        _remove(temporary)


def _publish(temporary: Path, path: Path, digest: bool) -> None:
    """Rename, with the digest.

    A folder's digests are inside, so that one rename publishes all. Of a file, the digest is
    renamed first: if the process ends between the two renames, an older file does not match the
    new digest, and its readers say so. In the other order a file could stand there unchecked.
    """
    beside = _beside(path)
    if temporary.is_dir():
        if digest:
            (temporary / DIGEST).write_text(_lines(_digests(temporary)), encoding="utf-8")
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
        beside.unlink(missing_ok=True)
        return
    if path.is_dir() and temporary.exists():
        shutil.rmtree(path)
    if digest:
        written = temporary.with_name(temporary.name + DIGEST)
        try:
            written.write_text(_lines({path.name: _hash(temporary)}), encoding="utf-8")
            os.replace(written, beside)
        finally:
            written.unlink(missing_ok=True)
    os.replace(temporary, path)
    if not digest:
        beside.unlink(missing_ok=True)


def checked(path: str | Path) -> Path:
    """`path`, once its content is known to be what its job wrote.

    path: a published file, a file in a published folder, or such a folder. What has no digest is
    returned unread. Raises `DamagedError` with the command that makes the file again.
    """
    path = Path(path)
    place, expected = _recorded(path)
    if place is None:
        return path
    root = place.parent
    if path.is_dir():
        for extra in sorted(_files(path).keys() - expected.keys()):
            raise _damaged(path / extra, place, "is there, though its job did not write it")
    for name, value in expected.items():
        file = root / name
        if not file.is_file():
            raise _damaged(file, place, "is missing")
        if _hash(file) != value:
            raise _changed(file, place)
    return path


def digest_of(path: str | Path) -> str:
    """xxh3-128 of a file; of a folder, over the sorted names and digests of its files.

    Hidden files do not count: Snakemake puts a time stamp into folders.
    """
    path = Path(path)
    return _text_digest(_lines(_digests(path))) if path.is_dir() else _hash(path)


def recorded_digest(path: str | Path) -> str | None:
    """What `digest_of` was when the file or folder was published; None where nothing says so."""
    path = Path(path)
    place, expected = _recorded(path)
    if place is None:
        return None
    return _text_digest(_lines(expected)) if path.is_dir() else next(iter(expected.values()))


def _recorded(path: Path) -> tuple[Path | None, dict[str, str]]:
    """Where digests for `path` are, and those to be checked, by names relative to that place."""
    if (path / DIGEST).is_file():
        return path / DIGEST, _read_lines(path / DIGEST)
    if _beside(path).is_file():
        place = _beside(path)
        found = _read_lines(place)
        if found.keys() != {path.name}:
            raise _damaged(path, place, f"is not what {place.name} is about")
        return place, found
    for folder in path.parents:
        place = folder / DIGEST
        if place.is_file():
            name = path.relative_to(folder).as_posix()
            found = _read_lines(place)
            if name not in found:
                raise _damaged(path, place, "is not among the files that its job wrote")
            return place, {name: found[name]}
    return None, {}


def _damaged(file: Path, place: Path, what: str) -> DamagedError:
    target = file
    # The output is the folder, unless Snakemake made this very file.
    if place.name == DIGEST and record_path(METADATA, str(file)) is None:
        target = place.parent
    return DamagedError(
        f"{file}: {what}. Make it again, with the configuration that it is of: "
        f"`snakemake --force {target}`. If you changed it on purpose, delete {place}."
    )


def _changed(file: Path, place: Path) -> DamagedError:
    return _damaged(file, place, f"is not what its job wrote, by the digest in {place}")


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}{DIGEST}")


def _lines(digests: Mapping[str, str]) -> str:
    return "".join(f"{value}  {name}\n" for name, value in sorted(digests.items()))


def _read_lines(place: Path) -> dict[str, str]:
    text = place.read_text(encoding="utf-8", errors="replace")
    pairs = [line.partition("  ") for line in text.split("\n") if line]
    return {name: value for value, _, name in pairs}


def _files(folder: Path) -> dict[str, Path]:
    """The files below a folder by their relative names, without hidden ones."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    return {name: p for name, p in found.items() if "/." not in f"/{name}"}


def _digests(folder: Path) -> dict[str, str]:
    return {name: _hash(file) for name, file in _files(folder).items()}


def _hash(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _text_digest(text: str) -> str:
    return xxhash.xxh3_128(text.encode()).hexdigest()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str, digest: bool = True) -> None:
    """Write UTF-8 text, whole; `digest` as for `whole`."""
    with whole(path, digest) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: str | Path) -> str:
    """Read UTF-8 text, checked."""
    return checked(path).read_text(encoding="utf-8")


def write_json(path: str | Path, value: Any, digest: bool = True) -> None:
    """Write JSON with sorted keys, readable by people, whole; `digest` as for `whole`."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n", digest)


def read_json(path: str | Path) -> Any:
    """Read JSON, checked."""
    return json.loads(read_text(path))


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
        pq.write_table(table, temporary, **_PARQUET)


def keys_of(table: pa.Table, path: str | Path) -> dict[str, str | int]:
    """The keys that `write_table` stored; `DataError` naming `path` where there are none."""
    stored = (table.schema.metadata or {}).get(_KEYS)
    if stored is None:
        raise DataError(f"{path}: does not say what it is of; delete it and run again.")
    return json.loads(stored)


def read_table(path: str | Path, columns: list[str] | None = None) -> pa.Table:
    """Read a parquet file into memory, checked."""
    return pq.read_table(checked(path), columns=columns, page_checksum_verification=True)


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
        pq.ParquetWriter(temporary, schema, **_PARQUET) as writer,
    ):
        # An empty batch would be an empty row group.
        yield lambda batch: writer.write_batch(batch) if len(batch) else None


def read_batches(path: str | Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read a parquet file in record batches of at most `BATCH_ROWS`, checked.

    The digest of a large file is taken as it passes by, so that it is read from the disk once:
    `DamagedError` may come with the last batch. Publish nothing before that.
    """
    path = Path(path)
    if path.stat().st_size <= _CACHED:
        checked(path)
    passing = _Passing(path)
    try:
        # Buffered ahead, the whole file would be in memory.
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            rows, seen = max(1, file.metadata.num_rows), 0
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                yield batch
                seen += len(batch)
                passing.advance(seen / rows)
    except (OSError, pa.ArrowException):
        passing.finish()  # which says more, where a digest is there
        raise
    passing.finish()


class _Passing:
    """Hashes a file in step with a reader, whose blocks are then still in the page cache."""

    def __init__(self, path: Path) -> None:
        self._path = path
        small = path.stat().st_size <= _CACHED  # and has been checked
        self._place, expected = (None, {}) if small else _recorded(path)
        self._expected = next(iter(expected.values()), None)
        self._digest, self._done = xxhash.xxh3_128(), 0

    def advance(self, share: float) -> None:
        """Hash up to this share of the bytes."""
        if self._place:
            self._hash_up_to(int(self._path.stat().st_size * share))

    def finish(self) -> None:
        """Hash the rest; raise `DamagedError` if the digest is another."""
        if self._place:
            self._hash_up_to(None)
            if self._digest.hexdigest() != self._expected:
                raise _changed(self._path, self._place)

    def _hash_up_to(self, end: int | None) -> None:
        with self._path.open("rb") as file:
            file.seek(self._done)
            while end is None or self._done < end:
                block = file.read(_BLOCK)
                if not block:
                    return
                self._digest.update(block)
                self._done += len(block)


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
    with safe_open(checked(path), framework="numpy") as file:
        stored = (file.metadata() or {}).get(_KEYS.decode(), "{}")
        names = file.keys()
        return {name: file.get_tensor(name) for name in names}, json.loads(stored)


def _json(keys: Mapping[str, str | int]) -> bytes:
    return json.dumps(dict(keys), sort_keys=True).encode()
