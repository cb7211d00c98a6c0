"""Images and captions of a data set, by the library `datasets`: on the hub, or in local files."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridbatch.data.download import record_hash
from hybridbatch.data.hub import DataSet, library_rows, mirrored, opened, reach
from hybridbatch.data.records import has_nul
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.files import scratch
from hybridbatch.runtime.hashes import recorded_hashes

ENGLISH = "en"
_ID_LENGTH = 32  # hexadecimal digits of a hash that names an image
HUB = "hf://datasets/"


@dataclass(frozen=True)
class Captioned:
    """An image of a row, and its captions as (language, text). where: names the row in errors."""

    id: str
    image: bytes
    captions: tuple[tuple[str, str], ...]
    where: str


def captioned_images(
    values: Mapping[str, Any],
    languages: Sequence[str],
    beside: Path,
    told: Counter[str],
    mirror: str | None,
    recorded: str | Path | None,
) -> Iterator[Captioned]:
    """The rows of one split of a data set, in their order.

    values: of a `hub.DataSet`. Its columns are `image`, optionally `id`, and either `captions`, by
    language, or `caption` and optionally `language` (else English). Without `id`, an image is named
    by a hash of its file: rows of one image, a caption each, may else come to lie in two splits. A
    caption may be a text, or a list of texts. languages: captions in others are left
    out. told: these, and `blank` captions, are counted there. beside: a path beside which the
    library may keep files. recorded: a lock file of hashes: the first reading of a data set of the
    hub records its hash, and later ones, from the hub or a mirror, have to match it.

    Raises `SourceError` and `DataError` as `hub.rows` does, and `SourceError` after the last row if
    the hash is another one.
    """
    data_set = DataSet(**values)
    root = None if data_set.revision is None else str(mirrored(data_set, mirror) or HUB)
    content = hashlib.sha256()
    with scratch(beside) as cache:
        for where, row in library_rows(data_set, mirror, cache):
            found = _captioned(row, data_set, where, languages, told, root)
            for part in (found.id, *(text for pair in found.captions for text in pair)):
                content.update(part.encode() + b"\0")
            content.update(hashlib.sha256(found.image).digest())
            yield found
    if data_set.revision is None or recorded is None:
        return
    expected, digest = recorded_hashes(recorded).get(data_set.key), content.hexdigest()
    if expected is None:
        record_hash(Path(recorded), data_set.key, digest)
    elif digest != expected:
        raise SourceError(
            f"{data_set}: the sha256 of its images and captions is {digest}, expected {expected}. "
            "They are not those that came first. Mend the mirror, or change the hash in "
            f"{recorded} if you mean to use these."
        )


def _captioned(
    row: dict,
    data_set: DataSet,
    where: str,
    languages: Sequence[str],
    told: Counter[str],
    root: str | None,
) -> Captioned:
    columns = data_set.columns
    of_image = f"{where}: column {columns['image']!r}"
    image = _image(reach(row, columns["image"], where), of_image, root)
    id_: Any = hashlib.sha256(image).hexdigest()[:_ID_LENGTH]
    if "id" in columns:
        id_ = reach(row, columns["id"], where)
        if isinstance(id_, int) and not isinstance(id_, bool):
            id_ = str(id_)
        if not isinstance(id_, str) or not id_.strip() or has_nul(id_):
            raise DataError(f"{where}: column {columns['id']!r} is {id_!r:.60}, and no id.")
    named = columns.get("captions")
    if named is None:
        language = ENGLISH
        if "language" in columns:
            language = reach(row, columns["language"], where)
            if not isinstance(language, str):
                raise DataError(
                    f"{where}: column {columns['language']!r} is {language!r:.60}, and no language."
                )
        named = {language: columns["caption"]}
        if language not in languages:
            told["of_another_language"] += 1
            named = {}
    captions = [
        (language, text)
        for language, column in named.items()
        for text in _texts(reach(row, column, where), f"{where}: column {column!r}", told)
    ]
    return Captioned(id_, image, tuple(captions), where)


def _texts(value: Any, where: str, told: Counter[str]) -> list[str]:
    """The captions in a column: a text or a list of texts; blank and absent ones are counted."""
    found = []
    for text in value if isinstance(value, Sequence) and not isinstance(value, str) else [value]:
        if text is not None and (not isinstance(text, str) or has_nul(text)):
            raise DataError(f"{where} is {text!r:.60}, and no caption.")
        if cleaned := clean(text or ""):
            found.append(cleaned)
        else:
            told["blank"] += 1
    return found


def _image(value: Any, where: str, root: str | None) -> bytes:
    """The bytes of an image's file, as the library gives it: in the row, or by its path.

    root: a folder, or HUB, below which the path has to be; None for a data set of the user's own.
    """
    if not isinstance(value, Mapping) or not {"bytes", "path"} <= set(value):
        raise DataError(f"{where} is {value!r:.60}, and no image of the library `datasets`.")
    if value["bytes"]:
        return value["bytes"]
    if not value["path"]:
        raise DataError(f"{where} has no image.")
    if root is not None and not _is_below(value["path"], root):
        raise DataError(
            f"{where} names {value['path']!r:.200}, which is no file of the data set, and is not "
            "read: take a commit whose rows have their images."
        )
    try:
        with opened(value["path"]) as file:
            return file.read()
    except OSError as error:
        raise SourceError(f"{where}: {value['path']} cannot be read: {error}") from error


def _is_below(path: str, root: str) -> bool:
    """Whether a file is below a root. That of an archive's member is the archive: a::b is in b."""
    file = path.rsplit("::", 1)[-1]
    if root == HUB:
        return file.startswith(HUB)
    return "://" not in file and Path(file).resolve().is_relative_to(Path(root).resolve())
