"""Files of captions that others publish, brought into the form of `captions`.

Two forms: lines (Multi30k, XTD10), a file of image names and for each language a file of captions,
a line for each image; and COCO's JSON of images and annotations.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from hybridbatch.data.archives import member as zip_member
from hybridbatch.data.captions import caption_table, named
from hybridbatch.data.fields import field
from hybridbatch.data.records import json_file, lines
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import log

_FORM = (
    "COCO's files of captions have `images` with `id` and `file_name`, and `annotations` with "
    "`image_id` and `caption`. Others, such as Karpathy's dataset_coco.json, have to be written in "
    "that form first."
)


def read_lines(names: str | Path, captions: Mapping[str, str | Path], split: str) -> pa.Table:
    """Captions of CAPTION_SCHEMA from files with a line for each image.

    names: the file of image names; an image's id is its name without folder and suffix, and it is
    a group of its own. captions: files by language. Raises `DataError` that gives both counts if a
    file has another number of lines than there are names, and names the line that is blank or a
    name that stands twice.
    """
    ids = image_ids(names)
    rows = []
    for language, path in captions.items():
        texts = _all_lines(path)
        if len(texts) != len(ids):
            raise DataError(
                f"{path}: has {len(texts):,} captions, and {names} names {len(ids):,} images; "
                "there has to be a line for each image."
            )
        found = zip(ids, map(clean, texts), strict=True)
        rows += [(id_, language, text, split, id_) for id_, text in found]
    return caption_table(rows)


def image_ids(names: str | Path) -> list[str]:
    """The ids of the images in a file of their names; `DataError` for one that stands twice."""
    found: dict[str, None] = {}
    for number, name in enumerate(_all_lines(names), 1):
        id_ = _id(name)
        if id_ in found:
            raise DataError(f"{names}: line {number}: {name} stands twice.")
        found[id_] = None
    return list(found)


def read_coco(
    path: str | Path, split: str, language: str = "en", member: str = ""
) -> tuple[pa.Table, dict[str, int]]:
    """Captions of CAPTION_SCHEMA, and counts, from COCO's JSON.

    path: a file such as captions_train2014.json: `images` with `id` and `file_name`, and
    `annotations` with `image_id` and `caption`; or a zip file that has it as `member`. An image's
    id is its file's name without suffix. counts: `captions` and `images` that are kept; `blank`
    captions, `repeated` ones of an image, and images `without_caption`, which are left out. Raises
    `DataError` that names the annotation of an unknown image and an image that stands twice, and
    says what a file of another form lacks.
    """
    content = json_file(path, zip_member(member))
    ids: dict[int, str] = {}
    names: dict[str, None] = {}
    for number, image in enumerate(_of_coco(content, "images", list, str(path))):
        where = f"{path}: image {number}"
        key, id_ = _of_coco(image, "id", int, where), _id(_of_coco(image, "file_name", str, where))
        if key in ids or id_ in names:
            raise DataError(f"{where}: {id_} ({key}) stands twice.")
        ids[key], names[id_] = id_, None
    counts: Counter = Counter(captions=0, images=0, blank=0, repeated=0, without_caption=0)
    found: dict[tuple[str, str], None] = {}
    for number, annotation in enumerate(_of_coco(content, "annotations", list, str(path))):
        where = f"{path}: annotation {number}"
        key = _of_coco(annotation, "image_id", int, where)
        text = clean(_of_coco(annotation, "caption", str, where))
        if key not in ids:
            raise DataError(f"{where}: is of image {key}, which is not among the file's images.")
        if not text or (ids[key], text) in found:
            counts["repeated" if text else "blank"] += 1
            continue
        found[ids[key], text] = None
    captioned = {id_ for id_, _ in found}
    if missing := [id_ for id_ in names if id_ not in captioned]:
        log.warning("%s: %d images have no caption: %s", path, len(missing), named(missing))
    if not found:
        raise DataError(f"{path}: has no caption.")
    counts.update(captions=len(found), images=len(captioned), without_caption=len(missing))
    table = caption_table((id_, language, text, split, id_) for id_, text in found)
    return table, dict(counts)


def _of_coco(record: Any, name: str, kind: type, where: str) -> Any:
    """`fields.field`, whose error also says what COCO's form is."""
    try:
        return field(record, name, kind, where)
    except DataError as error:
        raise DataError(f"{error} {_FORM}") from None


def _id(name: str) -> str:
    return Path(name).stem


def _all_lines(path: str | Path) -> list[str]:
    """All lines, none of them blank: a line that is left out would shift those below it."""
    found = []
    for number, line in lines(path):
        if number != len(found) + 1:
            raise DataError(f"{path}: line {len(found) + 1}: is blank.")
        found.append(line.strip())
    return found
