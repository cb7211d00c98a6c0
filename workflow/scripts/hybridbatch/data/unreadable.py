"""Files of a data set that the library `datasets` cannot read: which one it is, and what to do.

The library's errors come from whatever reads a format, often without the name of the file.
"""

import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import datasets
import pyarrow as pa
from datasets.packaged_modules.arrow.arrow import Arrow

from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.logs import log

# The last bytes of Arrow's stream format, with which the library writes, and of its file format.
_ARROW_ENDS = (b"\xff\xff\xff\xff\0\0\0\0", b"ARROW1")
_OLD_END = b"\0\0\0\0"  # of a stream in the format before Arrow 0.15
# The library's functions that hold what was read against the features that it should have.
_FITTING = ("table_cast", "encode_example")
T = TypeVar("T")


class Source:
    """A data set whose files are read; it turns errors of the library into `SourceError`.

    data_set: its name in messages. pinned: whether it is of a commit, so that no file is mended.
    Made before `builder` looks into the files, since it then sets the features by itself.
    """

    def __init__(
        self, builder: datasets.DatasetBuilder, data_set: str, split: str, pinned: bool
    ) -> None:
        self.builder, self.data_set, self.split, self.pinned = builder, data_set, split, pinned
        self.declared = builder.info.features is not None
        self.rows: int | None = None  # those that were read, once reading has begun

    def guarded(self, rows: Iterable[T], *errors: type[Exception]) -> Iterator[T]:
        """Yield the rows; errors as of `naming_files`, with the row."""
        with self.naming_files(*errors):
            self.rows = 0
            for number, values in enumerate(rows, 1):
                yield values
                self.rows = number

    @contextmanager
    def naming_files(self, *errors: type[Exception]) -> Iterator[None]:
        """`SourceError` with data set and file if one of `errors` says that it cannot be read.

        errors: without any, all, since each format of the library has its own.
        """
        caught = errors or (Exception,)
        try:
            yield
        except MemoryError:
            raise
        except DataError as error:  # of records.py, with file and line
            raise DataError(f"{error} {self._advice('Mend the file')}") from error
        except caught as error:
            raise self._unreadable(error) from error

    def check_ends(self) -> None:
        """Raise `SourceError` for a local Arrow file without its end.

        A stream that was cut off between two batches is otherwise read without a word.
        """
        files = (self.builder.config.data_files or {}).get(self.split, ())
        for path in map(Path, files if isinstance(self.builder, Arrow) else ()):
            if path.is_file() and not _whole_arrow(path):
                raise SourceError(
                    f"{self.data_set}: {path} was cut off, or is no Arrow file: it lacks the mark "
                    f"at its end. {self._advice('Write it again')}"
                )

    def _unreadable(self, error: Exception) -> SourceError:
        """The error, with the file that was read and what is wrong with it."""
        log.error("%s: the library's own error", self.data_set, exc_info=error)
        calls = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        files = [str(p) for of in (self.builder.config.data_files or {}).values() for p in of]
        texts = (v for call in calls for v in call.f_locals.values() if isinstance(v, str))
        # The innermost call that has a file's path in a variable was reading that file.
        read = files if len(files) == 1 else [text for text in texts if text in files]
        file = read[-1] if read else "one of its files"
        fault, local = file, "Put a whole file (parquet, Arrow, JSON Lines or CSV) in its place"
        if any(frame.f_code.co_name in _FITTING for frame in calls):
            fault = f"{file} does not have the columns that the first file declares"
            local = "See that all files have the same columns"
            if self.declared:
                fault = f"its card (README.md) declares other features than {file} has"
                local = "Mend the card"
        since = "" if self.rows is None else f" from row {self.rows} on"
        # pyarrow's message for a parquet file with a row group but no rows.
        hint = " (a parquet file of it has no row)" if "BatchSize" in str(error) else ""
        return SourceError(
            f"{self.data_set}: cannot be read{since}: {fault}: {type(error).__name__}: "
            f"{error}{hint}\n{self._advice(local)}"
        )

    def _advice(self, local: str) -> str:
        if self.pinned:
            return "Take another commit, or fetch the mirror again."
        return f"{local}, or correct `path`."


def undecoded(stream: datasets.IterableDataset) -> datasets.IterableDataset:
    """The stream with images as the bytes or paths that they are."""
    for name, kind in (stream.features or {}).items():
        if isinstance(kind, datasets.Image):
            stream = stream.cast_column(name, datasets.Image(decode=False))
    return stream


def _whole_arrow(path: Path) -> bool:
    with pa.memory_map(str(path)) as file:
        end = file.read_at(min(file.size(), 8), max(file.size() - 8, 0))
        if end.endswith(_ARROW_ENDS) or not end.endswith(_OLD_END):
            return end.endswith(_ARROW_ENDS)
        # A batch may end with zeros, too: they are the mark if they stand after the last one.
        messages = pa.ipc.MessageReader.open_stream(file)
        with suppress(StopIteration, OSError, pa.ArrowInvalid):
            while True:
                start = file.tell()
                messages.read_next_message()
        return file.size() - start == len(_OLD_END)
