"""Pinned files: taken from a mirror if there is one, else downloaded, and checked in both cases."""

import gzip
import os
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from filelock import FileLock

from hybridbatch.runtime.errors import SourceError
from hybridbatch.runtime.files import sha256_of, whole, write_json
from hybridbatch.runtime.hashes import Hashes, recorded_hashes
from hybridbatch.runtime.logs import Progress, log
from hybridbatch.runtime.recovery import remove_unfinished

MIRROR_VARIABLE = "HYBRIDBATCH_MIRROR"
MAX_BYTES = 2_000_000_000  # of one file, unzipped, where the configuration allows no more
_BLOCK = 1 << 20
_RETRIED_STATUS = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Source:
    """One file: its URL, and the sha256 of its decompressed content.

    `sha256` is None where no hash is published for a file at a pinned commit. The first fetch then
    records the hash, and later fetches have to match it. max_bytes: of the decompressed content.
    """

    url: str
    sha256: str | None
    max_bytes: int = MAX_BYTES

    @property
    def path(self) -> str:
        """`<host>/<path of the URL>`: its relative path in a mirror and in downloads/."""
        parts = urlsplit(self.url)
        return f"{parts.netloc}{parts.path}"


def fetch(
    source: Source,
    destination: str | Path,
    mirror: str | None = None,
    recorded: str | Path | None = None,
    tries: int = 4,
    hashes: Hashes | None = None,
) -> None:
    """Fetch `source` to `destination`, whole, or raise `SourceError` and leave nothing.

    mirror: used before the network if it holds the file, plain or gzipped. recorded: a JSON file of
    hashes by URL, used where `sha256` is None. tries: attempts to download. hashes: record that the
    file's hash is added to, for planning.

    If two processes want the same destination, the second waits for the first and uses its file.
    What a killed process left half-way is removed.
    """
    destination = Path(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with locked(destination):
        remove_unfinished(destination)
        expected = source.sha256 or recorded_hashes(recorded).get(source.url)
        if expected and destination.exists() and sha256_of(destination) == expected:
            log.info("%s is there already", destination)
            return
        found = _fetch(source, destination, expected, mirror, tries)
        if not expected and recorded:
            record_hash(Path(recorded), source.url, found)
        if hashes is not None:
            hashes.fetched(destination, found)


def mirror_from_environment() -> str | None:
    """The mirror named by the environment variable HYBRIDBATCH_MIRROR, if any."""
    mirror = os.environ.get(MIRROR_VARIABLE)
    if mirror and not Path(mirror).is_dir():
        raise SourceError(f"{MIRROR_VARIABLE}: {mirror} is not a folder; correct or unset it.")
    return mirror or None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a file or folder while the block runs; a second process waits."""
    lock = path.with_name(f".{path.name}.lock")
    with FileLock(lock):
        try:
            yield
        finally:
            # Removed while held: a process that waits on a deleted lock file opens a new one.
            lock.unlink(missing_ok=True)


def _fetch(
    source: Source, destination: Path, expected: str | None, mirror: str | None, tries: int
) -> str:
    with whole(destination, digest=False) as temporary:  # pinned by its sha256
        origin = _copy_from_mirror(source, mirror, temporary)
        if origin is None:
            origin = source.url
            _download(source, destination, temporary, mirror, tries)
        found = sha256_of(temporary)
        if expected and found != expected:
            raise SourceError(
                f"{origin}: sha256 is {found}, expected {expected}. The file is not the one that "
                "was pinned; nothing was kept. Replace it by the right one, or change the pin "
                "(catalogue.sources, or sources.lock.json) if you mean to use this one."
            )
    log.info("%s from %s", destination, origin)
    return found


def record_hash(path: Path, url: str, sha256: str) -> None:
    """Add a hash to a lock file; later fetches have to match it."""
    with locked(path):
        # Without a digest, since users may edit the file.
        write_json(path, {**recorded_hashes(path), url: sha256}, digest=False)
    log.warning("%s: recorded sha256 %s in %s; later fetches are held to it", url, sha256, path)


def _copy_from_mirror(source: Source, mirror: str | None, temporary: Path) -> Path | None:
    if not mirror:
        return None
    plain = Path(mirror) / source.path
    zipped = plain.with_name(plain.name + ".gz")
    for path, opener in ((plain, Path.open), (zipped, gzip.open)):
        if path.is_file():
            # Zipped, hardly any file is larger.
            _check_size(source, path.stat().st_size, path)
            try:
                progress = Progress(None, f"bytes of {path.name}")
                with opener(path, "rb") as read:
                    blocks = iter(lambda: read.read(_BLOCK), b"")
                    _write(source, blocks, temporary, progress, path)
            except (OSError, EOFError, zlib.error) as error:
                raise SourceError(f"{path}: cannot be read ({error}); replace it.") from error
            return path
    return None


def _write(
    source: Source, blocks: Iterable[bytes], path: Path, progress: Progress, origin: str | Path
) -> None:
    """Write the blocks, as long as they are not more than the source may have."""
    with path.open("wb") as file:
        for block in blocks:
            file.write(block)
            _check_size(source, file.tell(), origin)
            progress.add(len(block))


def _check_size(source: Source, size: int, origin: str | Path) -> None:
    if size > source.max_bytes:
        raise SourceError(
            f"{origin}: has more than {source.max_bytes:,} bytes (`max_bytes` of its source in the "
            "catalogue); nothing was kept. Raise it if the file may be so large."
        )


def _download(
    source: Source, destination: Path, temporary: Path, mirror: str | None, tries: int
) -> None:
    for attempt in range(1, tries + 1):
        try:
            _stream(source, temporary)
            return
        except requests.RequestException as error:
            status = getattr(error.response, "status_code", None)
            final = attempt == tries or (status is not None and status not in _RETRIED_STATUS)
            if final:
                raise SourceError(_advice(source, destination, mirror, error)) from error
            wait = 2.0**attempt
            log.warning(
                "%s: %s; try %d of %d in %.0f s", source.url, error, attempt + 1, tries, wait
            )
            time.sleep(wait)


def _stream(source: Source, temporary: Path) -> None:
    url = source.url
    with requests.get(url, stream=True, timeout=(10, 60)) as response:
        response.raise_for_status()
        length = int(response.headers.get("Content-Length") or 0) or None
        _check_size(source, length or 0, url)
        progress = Progress(length, f"bytes of {url.rsplit('/', 1)[-1]}")
        _write(source, response.iter_content(_BLOCK), temporary, progress, url)


def _advice(source: Source, destination: Path, mirror: str | None, error: Exception) -> str:
    place = f"{mirror or 'DIR'}/{source.path}"
    name = f"{MIRROR_VARIABLE}={mirror or 'DIR'}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    reason = f"HTTP status {status}" if status else type(error).__name__
    return (
        f"{source.url} cannot be had: {reason}. It is needed as {destination}. "
        f"Without a network, put the file at {place} (plain or .gz) and set {name}, or put it at "
        f"{destination}. `make demo` needs no download."
    )
