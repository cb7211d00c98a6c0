"""Crossmodal-3600 (Thapliyal et al. 2022, EMNLP): 3,600 photographs, captions in 36 languages.

`captions.jsonl`, which is published inside `captions.zip`, has a line for each image: `image/key`,
its id; `image/locale`, the language of the region it is from; and by language an object whose
`caption` is a list of captions, usually two. (Beside it, `caption/tokenized` and
`caption/tokenized/lowercase` are not read.) The images are published as one archive.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from hybridbatch.benchmarks._captions import of_captions
from hybridbatch.benchmarks.base import Collection
from hybridbatch.data.archives import member
from hybridbatch.data.captions import TEST, caption_table, check_matched, read_images
from hybridbatch.data.fields import field
from hybridbatch.data.records import json_objects
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError

CAPTIONS = "captions.jsonl"  # the member of captions.zip


def read(files: Mapping[str, str | Path], language: str) -> Collection:
    """The captions of the file `captions` (JSON Lines, or the zip file), and the table `images`.

    Every caption is a query, and captions of one image count as one draw. Raises `DataError` that
    names line and image of what is missing or blank, and counts captions without image and the
    reverse.
    """
    captions = read_captions(files, language)
    images = dict(read_images(files["images"]))
    where = f"{files['captions']}, {files['images']}"
    check_matched(captions["image_id"].to_pylist(), images, where)
    return of_captions(captions, images, language, where)


def read_captions(files: Mapping[str, str | Path], language: str) -> pa.Table:
    """The captions of one language as CAPTION_SCHEMA; files, errors: as for `read`."""
    path, seen, rows = files["captions"], set(), []
    for number, record in json_objects(path, member(CAPTIONS)):
        where = f"{path}: line {number}"
        id_ = field(record, "image/key", str, where)
        if id_ in seen:
            raise DataError(f"{where}: image {id_} stands twice.")
        seen.add(id_)
        where = f"{where}, image {id_}"
        texts = field(field(record, language, dict, where), "caption", list, where)
        if not texts:
            raise DataError(f"{where}: has no caption in {language!r}.")
        for text in texts:
            if not isinstance(text, str) or not clean(text):
                raise DataError(f"{where}: a caption in {language!r} is {text!r:.40}, no text.")
            rows.append((id_, language, clean(text), TEST, id_))
    return caption_table(rows)


def image_ids(captions: str | Path) -> list[str]:
    """The ids of all images, in the order of the captions' file."""
    return [
        field(record, "image/key", str, f"{captions}: line {number}")
        for number, record in json_objects(captions, member(CAPTIONS))
    ]
