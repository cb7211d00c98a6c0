"""Text files inside zip files, for the strict readers of `records`."""

import zipfile
import zlib
from pathlib import Path
from typing import IO

from hybridbatch.data.records import MAX_BYTES, Open
from hybridbatch.runtime.errors import DataError


def member(name: str) -> Open:
    """A function that opens a file for reading bytes: of a zip file, its member `name`.

    Another file is opened as it is. Raises `DataError` that names the members found if that one is
    not there, if its folder is not the zip file's first, or it has more than MAX_BYTES.
    """

    def opened(path: str | Path) -> IO[bytes]:
        path = Path(path)
        if not zipfile.is_zipfile(path):
            return path.open("rb")
        try:
            archive = zipfile.ZipFile(path)
            found = [i for i in archive.infolist() if Path(i.filename).name == name]
            if len(found) != 1:
                names = ", ".join(archive.namelist()[:5])
                raise DataError(f"{path}: has {len(found)} files {name}, not one; it has {names}.")
            if found[0].file_size > MAX_BYTES:
                raise DataError(
                    f"{path}: {name} has {found[0].file_size:,} bytes; at most {MAX_BYTES:,} are "
                    "read."
                )
            return archive.open(found[0])
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise DataError(f"{path}: cannot be unzipped ({error}).") from error

    return opened
