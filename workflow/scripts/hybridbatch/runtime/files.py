"""Atomic writes, and digests that readers check.

Each published output has an xxh3-128 digest of its content. For a file `name` it stands in
`.name.xxh128` beside it; for a folder in `.xxh128` inside it, one line a file. Both have the format
of `xxh128sum --check`. Files that no job published (corpora, benchmarks, downloads) have no digest
and are read unchecked. An output that Snakemake has a record of must have one.
"""

import errno
import hashlib
import json
import os
import re
import shutil
import socket
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from safetensors import safe_open
from safetensors.numpy import save_file

from hybridbatch.runtime.errors import DamagedError, DataError, HybridBatchError
from hybridbatch.runtime.persistence import METADATA, record_path, rule_of

# A table in memory, or a stream of record batches where the table may not fit in memory.
Rows = pa.Table | Iterable[pa.RecordBatch]
_KEYS = b"hybridbatch"  # the key of our metadata in a parquet file
BATCH_ROWS = 50_000  # rows of a record batch, where a table is streamed
DIGEST = ".xxh128"
_UNDIGESTED = ("fetch",)  # rules whose outputs have none: the sha256 is pinned
_BLOCK = 1 << 20
_CACHED = 1 << 28  # bytes; a smaller file is still in the page cache when it is read again
_PARQUET = {"compression": "zstd", "write_page_checksum": True}
_TEMPORARY = re.compile(r"\.(.*)\.([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp")
# Temporary folders that this process is writing. A file inside one gets no digest of its own.
_writing: set[Path] = set()


@contextmanager
def whole(path: str | Path, digest: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    The block may write a file or make a directory. If it raises, nothing is left behind and an
    older `path` stays as it was. The temporary name is unique, so that two writers started by
    accident cannot mix their bytes.

    digest: whether to record the content's digest for `checked`. False for files that are not the
    output of a job. Raises `HybridBatchError` if the disk is full or cannot be written to.
    """
    path = Path(path)
    temporary = path.with_name(_temporary_name(path.name))
    part_of_another = not _writing.isdisjoint((path, *path.parents))
    _writing.add(temporary)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _publish(temporary, path, digest and not part_of_another)
    except Exception as error:
        if (reason := _no_room(error)) is None:
            raise
        raise HybridBatchError(
            f"{path}: cannot be written: {reason}. Make room there, or choose another folder "
            "(`pathvars`), and run again."
        ) from error
    finally:
        _writing.discard(temporary)
        remove(temporary)


def _no_room(error: Exception) -> str | None:
    """What a disk says that takes no more; libraries raise it as errors of their own."""
    said = (os.strerror(number) for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS))
    return next((reason for reason in said if reason in str(error)), None)


@contextmanager
def scratch(path: str | Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` for a library's own files; it is removed in the end."""
    folder = Path(path).with_name(_temporary_name(Path(path).name))
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove(folder)


def _temporary_name(name: str) -> str:
    """A unique hidden name that says which process it is of."""
    return f".{name}.{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp"


def _host() -> str:
    return _text_digest(socket.gethostname())[:8]


def abandoned(path: Path) -> bool:
    """Whether a path is a temporary one of a process of this machine that has died."""
    found = _TEMPORARY.fullmatch(path.name)
    return bool(found) and found[2] == _host() and not psutil.pid_exists(int(found[3]))


def temporaries(path: Path) -> list[Path]:
    """The temporary files of `path`: being written, or left by a process that was killed."""
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    found = [(other, _TEMPORARY.fullmatch(other.name.removesuffix(DIGEST))) for other in beside]
    return [other for other, match in found if match and match[1] == path.name]


def _publish(temporary: Path, path: Path, digest: bool) -> None:
    """Rename the output and its digest into place.

    A folder contains its digests, so one rename publishes everything. For a file, the digest is
    renamed first: if the process dies between the two renames, an older file does not match the new
    digest, and its readers report it. In the other order, a new file could be left without a
    digest, and would be read unchecked.
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
        written = temporary.with_name(_temporary_name(path.name + DIGEST))
        try:
            written.write_text(_lines({path.name: _hash(temporary)}), encoding="utf-8")
            os.replace(written, beside)
        finally:
            written.unlink(missing_ok=True)
    os.replace(temporary, path)
    if not digest:
        beside.unlink(missing_ok=True)


def checked(path: str | Path) -> Path:
    """Return `path` after checking its content against the digest that its job recorded.

    path: a published file, a file in a published folder, or such a folder. A path without a digest
    is returned unchecked, unless a job of Snakemake published it. Raises `DamagedError` with the
    command that makes the file again.
    """
    path = Path(path)
    place, expected = _recorded(path)
    if place is None:
        _needs_none(path)
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


def _needs_none(path: Path) -> None:
    """Raise `DamagedError` for a path without a digest if a job has published one with it."""
    for made in (path, *path.parents):
        if rule_of(str(made)) not in (None, *_UNDIGESTED):
            place = made / DIGEST if made.is_dir() else _beside(made)
            raise _damaged(path, place, "has lost the digest that its job wrote")


def digest_of(path: str | Path) -> str:
    """xxh3-128 of a file's bytes; for a folder, of the sorted names and digests of its files.

    Hidden files are ignored, since Snakemake puts a time stamp file into folders.
    """
    path = Path(path)
    return _text_digest(_lines(_digests(path))) if path.is_dir() else _hash(path)


def sha256_of(path: str | Path) -> str:
    """sha256 of a file's bytes, by which inputs are pinned and recorded."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded_digest(path: str | Path) -> str | None:
    """The `digest_of` the file or folder when it was published; None if it was not recorded."""
    path = Path(path)
    place, expected = _recorded(path)
    if place is None:
        return None
    return _text_digest(_lines(expected)) if path.is_dir() else next(iter(expected.values()))


def _recorded(path: Path) -> tuple[Path | None, dict[str, str]]:
    """The file that holds the digests for `path`, and the digests to check by relative name."""
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
    own = f"delete {place}"
    if record_path(METADATA, str(target)) is not None:
        own += f" and type `snakemake --cleanup-metadata {quote(str(target))}`"
    return DamagedError(
        f"{file}: {what}. Make it again, with the configuration that it is of: "
        f"`snakemake --force {quote(str(target))}`. If you changed it on purpose, {own}."
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


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; nothing if it is not there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):  # a disk that cannot be written to would say so first
        path.unlink(missing_ok=True)


def write_text(path: str | Path, text: str, digest: bool = True) -> None:
    """Write UTF-8 text atomically; digest: as for `whole`."""
    with whole(path, digest) as temporary:
        temporary.write_text(text, encoding="utf-8")


def read_text(path: str | Path) -> str:
    """Read UTF-8 text; raises `DamagedError` if its digest does not match."""
    return checked(path).read_text(encoding="utf-8")


def write_json(path: str | Path, value: Any, digest: bool = True) -> None:
    """Write indented JSON with sorted keys atomically; digest: as for `whole`."""
    text = json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    write_text(path, text + "\n", digest)


def read_json(path: str | Path) -> Any:
    """Read JSON; raises `DamagedError` if its digest does not match."""
    return json.loads(read_text(path))


def write_table(
    path: str | Path, table: pa.Table, keys: Mapping[str, str | int] | None = None
) -> None:
    """Write a parquet file atomically.

    keys: what the file holds, such as its encoder, sampling, seed, benchmark and language. They are
    stored in the file itself, so that readers depend neither on the order nor on the names of their
    input files.
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
    """Read a parquet file into memory.

    `pyarrow.parquet.read_table` would import pandas, which is half of what a short job takes.
    Raises `DamagedError` if the file's digest does not match, `DataError` if a column is missing.
    """
    with pq.ParquetFile(checked(path), page_checksum_verification=True) as file:
        # `ParquetFile.read` leaves out a column that is missing, and has an order of its own.
        columns = file.schema_arrow.names if columns is None else columns
        if missing := set(columns) - set(file.schema_arrow.names):
            raise DataError(f"{path} has no column {min(missing)!r}.")
        return file.read(columns).select(columns)


def read_keyed(
    paths: Iterable[str | Path], columns: list[str] | None = None
) -> list[tuple[dict[str, str | int], pa.Table]]:
    """The keys and the table of each file, sorted by keys, whatever the order of `paths`."""
    found = [
        (keys_of(table, path), table) for path in paths for table in [read_table(path, columns)]
    ]
    return sorted(found, key=lambda pair: sorted(pair[0].items()))


@contextmanager
def table_writer(
    path: str | Path, schema: pa.Schema, keys: Mapping[str, str | int] | None = None
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Yield a function that appends record batches to a parquet file, written atomically.

    keys: as for `write_table`.
    """
    if keys:
        schema = schema.with_metadata({_KEYS: _json(keys)})
    with (
        whole(path) as temporary,
        pq.ParquetWriter(temporary, schema, **_PARQUET) as writer,
    ):
        # An empty batch would be written as an empty row group.
        yield lambda batch: writer.write_batch(batch) if len(batch) else None


def read_batches(path: str | Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read a parquet file in record batches of at most `BATCH_ROWS` rows, checking its digest.

    A large file is hashed while it is read, so that it is read from disk only once. `DamagedError`
    may therefore be raised as late as after the last batch: publish nothing before the end.
    """
    path = Path(path)
    if path.stat().st_size <= _CACHED:
        checked(path)
    passing = _Passing(path)
    try:
        # With pre-buffering, the whole file would be held in memory.
        with pq.ParquetFile(path, pre_buffer=False, page_checksum_verification=True) as file:
            rows, seen = max(1, file.metadata.num_rows), 0
            for batch in file.iter_batches(BATCH_ROWS, columns=columns):
                yield batch
                seen += len(batch)
                passing.advance(seen / rows)
    except (OSError, pa.ArrowException):
        passing.finish()  # where there is a digest, its error says more than pyarrow's
        raise
    passing.finish()


class _Passing:
    """Hashes a file in step with its reader, while the blocks are still in the page cache."""

    def __init__(self, path: Path) -> None:
        self._path = path
        small = path.stat().st_size <= _CACHED  # a small file was checked before reading
        self._place, expected = (None, {}) if small else _recorded(path)
        if not small and self._place is None:
            _needs_none(path)
        self._expected = next(iter(expected.values()), None)
        self._digest, self._done = xxhash.xxh3_128(), 0

    def advance(self, share: float) -> None:
        """Hash the file up to this fraction of its bytes."""
        if self._place:
            self._hash_up_to(int(self._path.stat().st_size * share))

    def finish(self) -> None:
        """Hash the rest; raise `DamagedError` if the digest does not match."""
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
    """The record batches of `rows`, which may be a table or a stream of batches."""
    return rows.to_batches(max_chunksize=BATCH_ROWS) if isinstance(rows, pa.Table) else rows


def write_tensors(
    path: str | Path,
    tensors: Mapping[str, np.ndarray],
    keys: Mapping[str, str | int] | None = None,
) -> None:
    """Write NumPy arrays to a safetensors file atomically; keys: as for `write_table`."""
    stored = {_KEYS.decode(): _json(keys).decode()} if keys else None
    # safetensors ignores strides, so an array that is not C-contiguous would be saved wrongly.
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
