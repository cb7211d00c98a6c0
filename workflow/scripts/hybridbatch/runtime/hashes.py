"""Hashes of input files: those that were recorded by a first fetch, and a cache of all.

The cache is a stored record of the sha256 of input files, so that only what changed is hashed
again. A file counts as unchanged while its size and its times of modification and of change are
those of the record. The last one cannot be set back, so that no edit is missed.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from filelock import FileLock

from hybridbatch.runtime.errors import SourceError
from hybridbatch.runtime.files import sha256_of, write_json
from hybridbatch.runtime.logs import log

# Beside Snakemake's own records, which are of the same folder and its relative paths.
HASHES = ".snakemake/input_hashes.json"
_KEYS = {"size", "mtime_ns", "ctime_ns", "sha256"}  # of an entry
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SAID = 1 << 30  # bytes; hashing a larger file takes seconds, so it is logged


def recorded_hashes(path: str | Path | None) -> dict[str, str]:
    """The hashes by URL in a lock file such as config/sources.lock.json; none if there is no file.

    Users may edit it. Raises `SourceError` with the file and what is wrong in it.
    """
    if not path or not Path(path).is_file():
        return {}
    advice = "Mend it, or delete it: the next fetch of each file then records its hash anew."
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SourceError(f"{path}: is not JSON ({error}). {advice}") from error
    if not isinstance(found, dict):
        raise SourceError(f"{path}: is no mapping of URLs to hashes. {advice}")
    for url, sha256 in found.items():
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise SourceError(f"{path}: {url}: {sha256!r} is no sha256. {advice}")
    return found


class Hashes:
    """The hashes of a working directory's input files, by path. It is a cache: it may be deleted.

    file: the JSON file that holds them.
    """

    def __init__(self, file: str | Path = HASHES) -> None:
        self._file = Path(file)
        self._known = self._read()

    def sha256(self, *paths: str | Path) -> list[str]:
        """The sha256 of each file's content; only files that are new or were changed are read."""
        new = {str(path): self._hash(str(path)) for path in paths if not self._is_known(str(path))}
        if new:
            self._store(new)
        return [self._known[str(path)]["sha256"] for path in paths]

    def of_all(self, paths: Iterable[str | Path]) -> str:
        """One hash of several files: of their contents and their order, not of their names."""
        return hashlib.sha256("".join(self.sha256(*paths)).encode()).hexdigest()

    def fetched(self, path: str | Path, sha256: str) -> None:
        """Record a file that was fetched. The same content as before also gets the time of before.

        A file that was removed and fetched again is then no newer than what was made from it.
        """
        known = self._known.get(str(path))
        if known is not None and known["sha256"] == sha256:
            os.utime(path, ns=(known["mtime_ns"], known["mtime_ns"]))
        self._store({str(path): {**_stamp(path), "sha256": sha256}})

    def _is_known(self, path: str) -> bool:
        known = self._known.get(path)
        return known is not None and known | _stamp(path) == known

    def _hash(self, path: str) -> dict[str, Any]:
        now = _stamp(path)
        if now["size"] > _SAID:
            log.info("%s: is new or was changed; hashing %.1f GB", path, now["size"] / 1e9)
        while True:
            found = sha256_of(path)
            before, now = now, _stamp(path)
            if now == before:  # it was not written to meanwhile
                return {**now, "sha256": found}

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        entries = found.items() if isinstance(found, dict) else ()
        return {path: of for path, of in entries if isinstance(of, dict) and of.keys() == _KEYS}

    def _store(self, entries: dict[str, dict[str, Any]]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Jobs that fetch write, too.
        with FileLock(self._file.with_name(f"{self._file.name}.lock")):
            self._known = self._read() | entries
            write_json(self._file, self._known, digest=False)


def _stamp(path: str | Path) -> dict[str, int]:
    found = os.stat(path)
    return {
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "ctime_ns": found.st_ctime_ns,
    }
