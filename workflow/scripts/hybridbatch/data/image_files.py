"""Thousands of image files, fetched from pinned URLs and packed into one table.

Each file comes whole or not at all, so a run that is stopped goes on where it was. What is fetched
first is decoded, so that no page that says "not found" is taken for an image, and its sha256 is
recorded; later runs, on any machine, are held to it.
"""

import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from hybridbatch.data.captions import named, write_images
from hybridbatch.data.download import Source, fetch, locked
from hybridbatch.data.images import decoded, image_file
from hybridbatch.runtime.errors import DataError, HybridBatchError, SourceError
from hybridbatch.runtime.files import sha256_of, write_json
from hybridbatch.runtime.hashes import recorded_hashes
from hybridbatch.runtime.logs import Progress, log

MAX_IMAGE_BYTES = 20_000_000  # of one file
AT_ONCE = 8  # downloads
_FAILURES = 10  # after which no further file is tried: the host is down, or the list is wrong
_RECORDED_AFTER = 100  # files


@dataclass(frozen=True)
class Fetched:
    """What `fetch_images` did: the paths by URL, and how many were fetched, and there already."""

    paths: dict[str, Path]
    fetched: int
    there: int


def fetch_images(
    urls: Sequence[str],
    folder: str | Path,
    recorded: str | Path,
    mirror: str | None = None,
    at_once: int = AT_ONCE,
    max_bytes: int = MAX_IMAGE_BYTES,
    tries: int = 4,
) -> Fetched:
    """Fetch images to `{folder}/{host}/{path}`; those that are there already are only checked.

    recorded: a JSON file of sha256 by URL, such as config/sources.lock.json. A URL that it has is
    held to its hash; others are added, in parts, so that little is lost when the run is stopped.
    mirror: a folder laid out as `{host}/{path}`, plain or gzipped, that is asked before the
    network. at_once: parallel downloads. max_bytes: of one image. tries: attempts at one download.

    Raises `SourceError` that counts and names the images that could not be had, after the others
    were fetched; after ten failures no more are tried. Run again to go on.
    """
    sources = [Source(url, None, max_bytes) for url in dict.fromkeys(urls)]
    known = recorded_hashes(recorded)
    progress, lock = Progress(len(sources), "images"), Lock()
    failed: dict[str, HybridBatchError] = {}
    new: dict[str, str] = {}
    fetched = 0

    def get(source: Source) -> None:
        nonlocal fetched
        if len(failed) >= _FAILURES:
            return
        path = Path(folder) / source.path
        try:
            came, sha256 = _get(replace(source, sha256=known.get(source.url)), path, mirror, tries)
        except HybridBatchError as error:
            with lock:
                failed[source.url] = error
            return
        with lock:
            fetched += came
            if source.url not in known:
                new[source.url] = sha256
            if len(new) >= _RECORDED_AFTER:
                _record(recorded, new)
        progress.add()

    try:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(get, sources))
    finally:
        _record(recorded, new)
    if failed:
        order = [source.url for source in sources if source.url in failed]
        stopped = " No further ones were tried." if len(failed) >= _FAILURES else ""
        raise SourceError(
            f"{len(failed)} of {len(sources)} images could not be had: {named(order)}.{stopped} "
            f"What came is kept: run again to go on. The first one: {failed[order[0]]}"
        )
    paths = {source.url: Path(folder) / source.path for source in sources}
    return Fetched(paths, fetched, len(sources) - fetched)


def pack_images(files: Mapping[str, str | Path], table: str | Path) -> int:
    """Write the image files, by image id, as a table of IMAGE_SCHEMA; returns their number.

    A file's bytes are kept as they are. Raises `DataError` that names a file that is missing or
    that `images.decoded` refuses; then there is no table.
    """

    def read() -> Iterator[tuple[str, bytes]]:
        for id_, path in files.items():
            image = image_file(path)
            decoded(image, str(path))
            yield id_, image

    return write_images(table, read(), len(files))


def pack_archive(archive: str | Path, ids: Iterable[str], table: str | Path) -> int:
    """Write the images of a tar file, plain or compressed, as a table of IMAGE_SCHEMA.

    An image's id is the name of its file without folder and suffix. Images of other ids, and other
    files, are skipped. Nothing is unpacked, and the archive is read once, so the images stand in
    its order. Raises `DataError` for ids that it lacks (counted and named) or has twice, and as
    `pack_images` does.
    """
    wanted = dict.fromkeys(ids, False)

    def read() -> Iterator[tuple[str, bytes]]:
        try:
            with tarfile.open(archive, "r|*") as tar:
                for member in tar:
                    id_ = Path(member.name).stem
                    if not member.isfile() or id_ not in wanted:
                        continue
                    where = f"{archive}: {member.name}"
                    if wanted[id_]:
                        raise DataError(f"{where}: a second image of this name.")
                    if member.size > MAX_IMAGE_BYTES:
                        raise DataError(
                            f"{where}: has {member.size:,} bytes; at most {MAX_IMAGE_BYTES:,} are "
                            "read."
                        )
                    image = tar.extractfile(member).read()
                    decoded(image, where)
                    wanted[id_] = True
                    yield id_, image
        except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
            raise DataError(f"{archive}: is no archive that can be read ({error}).") from error
        if missing := [id_ for id_, found in wanted.items() if not found]:
            raise DataError(
                f"{archive}: lacks {len(missing)} of {len(wanted)} images: {named(missing)}."
            )

    return write_images(table, read(), len(wanted))


def images_below(folder: str | Path) -> dict[str, Path]:
    """The files in a folder of yours by their names without suffix; hidden ones are left out.

    Raises `DataError` if it is no folder, has no file, or two files have one name but the suffix.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder of images.")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_file():
            continue
        if (other := found.setdefault(path.stem, path)) != path:
            raise DataError(f"{folder}: {other.name} and {path.name} are of one id, {path.stem}.")
    if not found:
        raise DataError(f"{folder}: has no file.")
    return found


def _get(source: Source, path: Path, mirror: str | None, tries: int) -> tuple[bool, str]:
    """Have one image at `path`; whether it had to be fetched, and its sha256.

    One that was fetched but not yet recorded came whole, and was decoded.
    """
    if path.is_file():
        sha256 = sha256_of(path)
        if source.sha256 in (None, sha256):
            return False, sha256
        log.warning("%s: is not the recorded one, and is fetched again", path)
    fetch(source, path, mirror, tries=tries)
    if source.sha256 is None:
        try:
            decoded(image_file(path), source.url)
        except DataError:
            path.unlink(missing_ok=True)
            raise
    return True, sha256_of(path)


def _record(place: str | Path, new: dict[str, str]) -> None:
    """Add hashes to a lock file, which another process may have written meanwhile."""
    if not new:
        return
    place = Path(place)
    with locked(place):
        known = recorded_hashes(place)
        write_json(place, {**new, **known}, digest=False)
    for url, sha256 in new.items():
        if known.get(url, sha256) != sha256:
            raise SourceError(
                f"{url}: sha256 is {sha256}, and {known[url]} was recorded in {place} meanwhile. "
                "Remove the image, or that line, and run again."
            )
    log.info("%s: recorded the sha256 of %d images; later fetches are held to it", place, len(new))
    new.clear()
