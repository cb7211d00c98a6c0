"""Files of a data set that the library `datasets` cannot read: which one it is, and what to do.

The library's errors come from whatever reads a format, often without the name of the file.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import datasets
from datasets.packaged_modules.arrow.arrow import Arrow
from datasets.packaged_modules.folder_based_builder.folder_based_builder import FolderBasedBuilder

from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.logs import log

# The last bytes of Arrow's stream format, with which the library writes, and of its file format.
_ARROW_ENDS = (b"\xff\xff\xff\xff\0\0\0\0", b"ARROW1")
T = TypeVar("T")


def guarded(
    rows: Iterable[T], builder: datasets.DatasetBuilder, data_set: str, split: str
) -> Iterator[T]:
    """Yield the rows; `SourceError` names data set, row and file if they cannot be read.

    data_set: its name in messages. split: the one that is read.
    """
    number = 0
    try:
        for values in rows:
            yield values
            number += 1
    except DataError as error:  # of records.py, with file and line
        raise DataError(f"{error} Mend the file, or correct `path`.") from error
    except Exception as error:  # each format has its own
        raise _unreadable(builder, data_set, split, error, f" from row {number} on") from error


@contextmanager
def named(builder: datasets.DatasetBuilder, data_set: str, split: str) -> Iterator[None]:
    """`SourceError` as of `guarded` while the library looks into the files, before any row."""
    try:
        yield
    except Exception as error:  # each format has its own
        raise _unreadable(builder, data_set, split, error, "") from error


def check_ends(builder: datasets.DatasetBuilder, data_set: str, split: str) -> None:
    """Raise `SourceError` for a local Arrow file without its end.

    A stream that was cut off between two batches is otherwise read without a word.
    """
    for of, path in _files(builder) if isinstance(builder, Arrow) else ():
        if of != split or not Path(path).is_file():
            continue
        with Path(path).open("rb") as file:
            file.seek(-min(len(_ARROW_ENDS[0]), Path(path).stat().st_size), 2)
            end = file.read()
        if not end.endswith(_ARROW_ENDS):
            raise SourceError(
                f"{data_set}: {path} is no whole Arrow file: it lacks the mark at its end. "
                "Write it again, or correct `path`."
            )


def undecoded(stream: datasets.IterableDataset) -> datasets.IterableDataset:
    """The stream with images as the bytes or paths that they are."""
    for name, kind in (stream.features or {}).items():
        if isinstance(kind, datasets.Image):
            stream = stream.cast_column(name, datasets.Image(decode=False))
    return stream


def _unreadable(
    builder: datasets.DatasetBuilder, data_set: str, split: str, error: Exception, since: str
) -> SourceError:
    """The error, with the file that cannot be read if all are on this machine."""
    files = _files(builder)
    if isinstance(builder, FolderBasedBuilder):  # what is read here is not the images
        files = [file for file in files if Path(file[1]).suffix.lower() not in builder.EXTENSIONS]
    # pyarrow's message for a parquet file with a row group but no rows.
    hint = " (a parquet file of it has no row)" if "BatchSize" in str(error) else ""
    start, end = f"{data_set}: cannot be read{since}: ", f"{type(error).__name__}: {error}{hint}"
    if not files or not all(Path(path).is_file() for _, path in files):
        return SourceError(start + end)
    if (path := _damaged(builder, files, split)) is None:
        return SourceError(
            f"{start}{end}\nEach of its {len(files)} files can be read by itself: see that all "
            "have the same columns, or correct `path`."
        )
    return SourceError(
        f"{start}{path}: {end}\nPut a whole file in its place (parquet, Arrow, JSON Lines or CSV), "
        "or correct `path`."
    )


def _files(builder: datasets.DatasetBuilder) -> list[tuple[str, str]]:
    """(split, path or URL) of the files of a builder, which needs none."""
    found = builder.config.data_files or {}
    return [(str(split), str(path)) for split, paths in found.items() for path in paths]


def _damaged(
    builder: datasets.DatasetBuilder, files: list[tuple[str, str]], split: str
) -> str | None:
    """The first of the local files that cannot be read by itself, those of the split first."""
    if len(files) == 1:
        return files[0][1]
    log.info("the %d files are read one by one, to find the one that is damaged", len(files))
    for of, path in sorted(files, key=lambda file: file[0] != split):
        builder.config.data_files, builder.info.features = {of: [path]}, None
        try:
            for _ in undecoded(builder.as_streaming_dataset()[of]):
                pass
        except Exception:
            return path
    return None
