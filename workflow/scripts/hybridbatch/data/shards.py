"""Rows of a data set as hashed parquet shards, and the manifest that names them.

Rules depend on the manifest. It lists the shards with their sha256, so that rows are streamed only
once and later runs read exactly these.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, astuple, dataclass
from itertools import islice
from pathlib import Path
from shlex import quote

import pyarrow as pa
import pyarrow.parquet as pq

from hybridbatch.data.formats import SHARDS
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.files import BATCH_ROWS, read_json, sha256_of, whole, write_json

MANIFEST = "manifest.json"
MAX_BYTES = 50_000_000_000  # of the texts of a data set, where the configuration allows no more
_SCHEMA = pa.schema(
    [
        ("question", pa.string()),
        ("passage", pa.string()),
        ("id", pa.string()),
        ("paragraph", pa.string()),
        ("answer", pa.string()),
        ("start", pa.int64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data set; None for an absent value or a column that is not configured."""

    question: str | None
    passage: str | None  # the context, if there is a `start`
    id: str | None = None
    paragraph: str | None = None
    answer: str | None = None
    start: int | None = None  # character offset of the answer in the passage


def write_shards(
    folder: str | Path,
    rows: Iterable[Row],
    data_set: dict,
    expected: str | None = None,
    max_bytes: int = MAX_BYTES,
) -> dict:
    """Write the shards into `folder` atomically, then their manifest, which is returned.

    data_set: a description of the data set for the manifest. expected: the `content_sha256` that
    the rows must have; otherwise raises `SourceError` and writes nothing. It is a hash of the
    values and not of the parquet bytes, so it does not depend on the version of pyarrow. max_bytes:
    of the values; more raises `SourceError`.
    """
    rows, shards, content, size = iter(rows), [], hashlib.sha256(), 0
    # No digest of the folder: the manifest has the hashes.
    with whole(folder, digest=False) as temporary:
        temporary.mkdir()
        while batch := list(islice(rows, BATCH_ROWS)):
            for row in batch:
                line = json.dumps(astuple(row), ensure_ascii=False).encode() + b"\n"
                content.update(line)
                size += len(line)
            if size > max_bytes:
                raise SourceError(
                    f"{data_set['path']}: has more than {max_bytes:,} bytes (`max_bytes` of the "
                    "corpus); nothing was kept. Raise it if the data set may be so large."
                )
            file = temporary / f"{len(shards):05d}.parquet"
            pq.write_table(pa.Table.from_pylist([asdict(row) for row in batch], _SCHEMA), file)
            shards.append({"file": file.name, "rows": len(batch), "sha256": sha256_of(file)})
        found = content.hexdigest()
        if expected and found != expected:
            raise SourceError(
                f"{data_set['path']}: the sha256 of its rows is {found}, expected {expected}. They "
                "are not the rows that came first; nothing was kept. Mend the mirror, or change "
                "the hash in sources.lock.json if you mean to use these."
            )
    manifest = {
        "format": SHARDS,
        "data_set": data_set,
        "rows": sum(shard["rows"] for shard in shards),
        "content_sha256": found,
        "shards": shards,
    }
    # Written last, since shards without a manifest do not count as an output.
    write_json(Path(folder) / MANIFEST, manifest)
    return manifest


def read_manifest(path: str | Path) -> dict:
    """Read a manifest; raises `DataError` if it does not have the format SHARDS."""
    path = Path(path)
    try:
        manifest = read_json(path)
        known = manifest["format"] == SHARDS
        complete = {"data_set", "rows", "shards", "content_sha256"} <= set(manifest)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no manifest of shards ({error}). {_again(path)}") from error
    if not (known and complete):
        raise DataError(f"{path}: is a manifest of another version. {_again(path)}")
    return manifest


def read_shards(path: str | Path) -> Iterator[tuple[int, Row]]:
    """(row number from 0, row) of the shards that a manifest names.

    Raises `DataError` that names a shard that is missing or differs from its hash.
    """
    path = Path(path)
    number = 0
    for shard in read_manifest(path)["shards"]:
        file = path.parent / Path(shard["file"]).name
        if not file.is_file():
            raise DataError(f"{file}: is gone, and {path} names it. {_again(path)}")
        if (found := sha256_of(file)) != shard["sha256"]:
            raise DataError(
                f"{file}: sha256 is {found}, and {path} says {shard['sha256']}: it was changed "
                f"after it was written. {_again(path)}"
            )
        for values in pq.read_table(file).to_pylist():
            yield number, Row(**values)
            number += 1


def _again(path: Path) -> str:
    return f"Make it again: snakemake --force {quote(str(path))}"
