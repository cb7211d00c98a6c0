"""Captions of images in several languages, and the images: the one form of all such data.

Two tables: captions, a row for each caption of an image in a language, and images, the bytes of an
image file by id. Emoji, XTD10 and Crossmodal-3600 are brought into this form, and both training and
evaluation read it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hybridbatch.data.dedup import normalize
from hybridbatch.data.records import parquet_rows
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import checked, table_writer
from hybridbatch.runtime.logs import Progress

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
# split: one of SPLITS. group: images that show variants of one thing have one group; they are in
# the same split, and count as one draw in the statistics.
CAPTION_SCHEMA = pa.schema(
    [
        ("image_id", pa.string()),
        ("language", pa.string()),
        ("caption", pa.string()),
        ("split", pa.string()),
        ("group", pa.string()),
    ]
)
# image: the bytes of an image file, such as PNG or JPEG.
IMAGE_SCHEMA = pa.schema([("image_id", pa.string()), ("image", pa.binary())])
_NAMED = 3  # ids that a message names, of those that it counts
_IMAGES_A_BATCH = 64


@dataclass(frozen=True)
class Matched:
    """Captions and images that belong together, and how many did not.

    captions: of CAPTION_SCHEMA; images: ids. without_image: ids that captions name and that no
    image has. without_caption: ids of images without any caption.
    """

    captions: pa.Table
    images: list[str]
    without_image: list[str]
    without_caption: list[str]

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of all four, captions and images first."""
        return {
            "captions": len(self.captions),
            "images": len(self.images),
            "without_image": len(self.without_image),
            "without_caption": len(self.without_caption),
        }


def read_captions(path: str | Path) -> pa.Table:
    """A table of CAPTION_SCHEMA; `DataError` names file and row of what is wrong.

    Refused are an absent value, a blank caption, an unknown split, and an image in two splits or
    groups.
    """
    rows: list[dict] = []
    known: dict[str, tuple[str, str]] = {}
    for number, row in parquet_rows(checked(path), _types(CAPTION_SCHEMA)):
        where = f"{path}: row {number}"
        for name, value in row.items():
            if not (value or "").strip():
                raise DataError(f"{where}: has no {name}.")
        if row["split"] not in SPLITS:
            raise DataError(f"{where}: split is {row['split']!r}; known: {', '.join(SPLITS)}.")
        place = (row["split"], row["group"])
        if known.setdefault(row["image_id"], place) != place:
            raise DataError(
                f"{where}: image {row['image_id']} is in {' and '.join(known[row['image_id']])} "
                f"before, and in {' and '.join(place)} here; an image has one split and one group."
            )
        rows.append(row)
    return pa.Table.from_pylist(rows, CAPTION_SCHEMA)


def read_images(path: str | Path) -> Iterator[tuple[str, bytes]]:
    """(id, bytes) of a table of IMAGE_SCHEMA; `DataError` names file and row of what is wrong."""
    seen: set[str] = set()
    for number, row in parquet_rows(checked(path), _types(IMAGE_SCHEMA)):
        id_ = row["image_id"]
        if not id_ or not row["image"]:
            raise DataError(f"{path}: row {number}: image {id_!r} has no id or no image.")
        if id_ in seen:
            raise DataError(f"{path}: row {number}: image {id_} stands twice; ids must be unique.")
        seen.add(id_)
        yield id_, row["image"]


def write_images(
    path: str | Path, images: Iterable[tuple[str, bytes]], total: int | None = None
) -> int:
    """Write (id, bytes) as a table of IMAGE_SCHEMA, in their order; returns their number.

    A few images are held at a time. The table appears whole or not at all.
    """
    number, progress = 0, Progress(total, "images")
    with table_writer(path, IMAGE_SCHEMA) as write:
        part: list[tuple[str, bytes]] = []

        def flush() -> None:
            columns = [list(column) for column in zip(*part, strict=True)]
            write(pa.record_batch(columns, schema=IMAGE_SCHEMA))
            progress.add(len(part))
            part.clear()

        for found in images:
            part.append(found)
            number += 1
            if len(part) == _IMAGES_A_BATCH:
                flush()
        if part:
            flush()
    return number


def caption_table(rows: Iterable[tuple[str, str, str, str, str]]) -> pa.Table:
    """Rows of (image id, language, caption, split, group) as CAPTION_SCHEMA."""
    columns = list(zip(*rows, strict=True)) or [()] * len(CAPTION_SCHEMA)
    return pa.table([list(column) for column in columns], schema=CAPTION_SCHEMA)


def matched(captions: pa.Table, images: Iterable[str]) -> Matched:
    """The captions that have an image, and the images that have a caption; the others are named."""
    ids = list(images)
    known, named = set(ids), captions["image_id"].to_pylist()
    kept = captions.filter(pa.array([id_ in known for id_ in named], pa.bool_()))
    captioned = set(named)
    return Matched(
        kept,
        [id_ for id_ in ids if id_ in captioned],
        sorted(captioned - known),
        [id_ for id_ in ids if id_ not in captioned],
    )


def check_matched(captions: Iterable[str], images: Iterable[str], where: str) -> None:
    """Raise `DataError` that counts and names captions without image and images without caption.

    captions, images: the ids of the images that each of them names. where: names their files.
    """
    captioned, there = set(captions), set(images)
    wrong = {
        "captions have no image": sorted(captioned - there),
        "images have no caption": sorted(there - captioned),
    }
    found = [f"{len(ids)} {what} ({named(ids)})" for what, ids in wrong.items() if ids]
    if found:
        raise DataError(
            f"{where}: {' and '.join(found)}, of {len(captioned)} captioned and {len(there)} "
            "images: captions and images have to be of one version."
        )


def named(ids: Sequence[str]) -> str:
    """The first few ids, and how many more there are."""
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + more


def shared_captions(captions: pa.Table) -> dict[str, list[str]]:
    """By language, the captions that several images have, as `dedup.normalize` compares them.

    Each text stands once, as its first image has it. A query by such a text has several right
    answers, of which only one counts.
    """
    of: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for row in captions.select(["image_id", "language", "caption"]).to_pylist():
        key = (row["language"], normalize(row["caption"]))
        of.setdefault(key, (row["caption"], set()))[1].add(row["image_id"])
    found: dict[str, list[str]] = {}
    for (language, _), (text, ids) in of.items():
        if len(ids) > 1:
            found.setdefault(language, []).append(text)
    return found


def without_shared(
    captions: pa.Table, among: pa.Table | None = None
) -> tuple[pa.Table, dict[str, int]]:
    """Captions without those that several images have in a language, and by language how many.

    among: the captions in which they are looked for; these ones if None.
    """
    shared = {
        (language, normalize(text))
        for language, texts in shared_captions(captions if among is None else among).items()
        for text in texts
    }
    keys = [
        (row["language"], normalize(row["caption"]))
        for row in captions.select(["language", "caption"]).to_pylist()
    ]
    dropped = Counter(language for language, text in keys if (language, text) in shared)
    kept = captions.filter(
        pa.array([(lang, text) not in shared for lang, text in keys], pa.bool_())
    )
    return kept, dict(sorted(dropped.items()))


def shuffled(captions: pa.Table, seed: int) -> pa.Table:
    """Training captions of the wrong images: the control that a model learns nothing from.

    Within a split, every image is given the captions, in all languages, of another image of another
    group. The images of TEST keep theirs. The same seed gives the same table. Raises `DataError`
    where one group has more than half of a split's images, so that this cannot be done.
    """
    found, other = captions.to_pylist(), wrong_images(captions, seed)
    groups = {row["image_id"]: row["group"] for row in found}
    for row in found:
        id_ = other.get(row["image_id"], row["image_id"])
        row.update(image_id=id_, group=groups[id_])
    return pa.Table.from_pylist(found, CAPTION_SCHEMA)


def wrong_images(captions: pa.Table, seed: int) -> dict[str, str]:
    """By id of each image of TRAIN and VALIDATION, the image that `shuffled` gives its captions."""
    other: dict[str, str] = {}
    rows = captions.select(["image_id", "split", "group"]).to_pylist()
    for split in (TRAIN, VALIDATION):
        groups = {row["image_id"]: row["group"] for row in rows if row["split"] == split}
        other |= _of_other_groups(groups, split, np.random.default_rng([seed, SPLITS.index(split)]))
    return other


def _of_other_groups(
    groups: dict[str, str], split: str, rng: np.random.Generator
) -> dict[str, str]:
    """A permutation of images that maps each to one of another group, at random."""
    members: dict[str, list[str]] = {}
    for id_ in sorted(groups):
        members.setdefault(groups[id_], []).append(id_)
    largest = max(map(len, members.values()), default=0)
    if 2 * largest > len(groups):
        raise DataError(
            f"{split}: {largest} of {len(groups)} images are of one group, so that no pairing puts "
            "every caption beside an image of another group."
        )
    names = sorted(members)
    ordered = [
        id_
        for g in rng.permutation(len(names))
        for id_ in rng.permutation(np.array(members[names[g]], dtype=object)).tolist()
    ]
    # Groups stand together, so that a step as long as the largest one leaves every group.
    return dict(zip(ordered, [*ordered[largest:], *ordered[:largest]], strict=True))


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in schema}
