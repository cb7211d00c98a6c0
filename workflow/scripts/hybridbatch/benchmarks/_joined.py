"""The captions of a benchmark's images in all languages together."""

from collections.abc import Callable, Iterable

import pyarrow as pa

from hybridbatch.benchmarks.base import Collection
from hybridbatch.runtime.errors import DataError

JOINED_CAPTIONS = pa.schema(
    [
        ("query_id", pa.string()),
        ("language", pa.string()),
        ("text", pa.string()),
        ("image_id", pa.string()),
    ]
)
JOINED_IMAGES = pa.schema([("image_id", pa.string()), ("group", pa.string())])


def joined(
    languages: Iterable[str], read: Callable[[str], Collection]
) -> tuple[pa.Table, pa.Table]:
    """Captions of JOINED_CAPTIONS, language after language, and images of JOINED_IMAGES.

    read: the captions and images of one language. No collection is kept while the next one is read,
    as each has the bytes of all images. An image without any caption is a group of its own. Raises
    DataError if the languages have different images.
    """
    captions: list[tuple[str, str, str, str]] = []
    groups: dict[str, str] = {}
    first: tuple[str, list[str]] | None = None
    for language in languages:
        ids = _add(read(language), language, captions, groups)
        if first is None:
            first = (language, ids)
        elif ids != first[1]:
            raise DataError(
                f"{first[0]} has {len(first[1])} images and {language} has {len(ids)}, not the "
                "same ones: images have no language, so give all languages the same."
            )
    if first is None:
        raise DataError("there is no language whose captions could be tested.")
    columns = [list(column) for column in zip(*captions, strict=True)]
    images = [first[1], [groups.get(image, image) for image in first[1]]]
    return pa.table(columns, schema=JOINED_CAPTIONS), pa.table(images, schema=JOINED_IMAGES)


def _add(found: Collection, language: str, captions: list[tuple], groups: dict) -> list[str]:
    """Add the captions of one language and the groups of their images; the ids of all images."""
    image_of = dict(
        zip(*(found.qrels[c].to_pylist() for c in ("query_id", "candidate_id")), strict=True)
    )
    for row in found.queries.to_pylist():
        image = image_of[row["query_id"]]
        captions.append((row["query_id"], language, row["text"], image))
        groups[image] = row["article"] or image
    return found.candidates["candidate_id"].to_pylist()
