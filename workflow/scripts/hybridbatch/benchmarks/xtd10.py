"""XTD10 (Aggarwal & Kale 2020, arXiv 2012.05107): 1,000 images of COCO, a caption in each language.

A file of captions has a line for each image, in the order of the file of image names. The captions
in Japanese are STAIR's, those in German and French MIC's, and all are translations or captions of
the same 1,000 images. 800 of them are in COCO's train2014, which many models were trained on; the
other 200 are in val2014.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from hybridbatch.benchmarks._captions import of_captions
from hybridbatch.benchmarks.base import Collection
from hybridbatch.data.captions import TEST, caption_table, check_matched, read_images
from hybridbatch.data.records import lines
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError

SUBSETS = {"all": "COCO_", "val2014": "COCO_val2014_"}
# Where COCO has its files; an image's name says its folder.
IMAGES = "https://s3.amazonaws.com/images.cocodataset.org/"


def read(files: Mapping[str, str | Path], language: str, subset: str = "all") -> Collection:
    """The captions of the file `captions`, for the image names of `names`, and the table `images`.

    subset: `val2014` takes only images, as queries and as candidates, that are not in train2014.
    Raises `DataError` that gives both counts if captions and names differ in number, and names what
    is blank, stands twice or has no image.
    """
    captions = read_captions(files, language)
    images = dict(read_images(files["images"]))
    where = f"{files['names']}, {files['images']}"
    check_matched(captions["image_id"].to_pylist(), images, where)
    of = [id_ for id_ in images if id_.startswith(SUBSETS[subset])]
    return of_captions(captions, images, language, str(files["captions"]), of)


def read_captions(files: Mapping[str, str | Path], language: str) -> pa.Table:
    """The captions of one language as CAPTION_SCHEMA; files, errors: as for `read`.

    An image's id is its name without `.jpg`, and every image is a group of its own.
    """
    ids = image_ids(files["names"])
    texts = _lines(files["captions"])
    if len(texts) != len(ids):
        raise DataError(
            f"{files['captions']}: has {len(texts):,} captions, and {files['names']} names "
            f"{len(ids):,} images; there has to be a line for each image."
        )
    rows = zip(ids, texts, strict=True)
    return caption_table((id_, language, clean(text), TEST, id_) for id_, text in rows)


def image_ids(names: str | Path) -> list[str]:
    """The ids of the images in a file of their names; `DataError` for one that stands twice."""
    found: dict[str, None] = {}
    for number, name in enumerate(_lines(names), 1):
        id_ = name.removesuffix(".jpg")
        if id_ in found:
            raise DataError(f"{names}: line {number}: {name} stands twice.")
        found[id_] = None
    return list(found)


def image_urls(names: str | Path) -> dict[str, str]:
    """The URL of each image by its id; `DataError` for a name that says no folder of COCO."""
    found = {}
    for id_ in image_ids(names):
        start, _, rest = id_.partition("_")
        folder, _, number = rest.partition("_")
        if start != "COCO" or folder not in ("train2014", "val2014") or not number.isdigit():
            raise DataError(f"{names}: {id_} is no name of an image of COCO 2014.")
        found[id_] = f"{IMAGES}{folder}/{id_}.jpg"
    return found


def _lines(path: str | Path) -> list[str]:
    """All lines, none of them blank: a line that is left out would shift those below it."""
    found = []
    for number, line in lines(path):
        if number != len(found) + 1:
            raise DataError(f"{path}: line {len(found) + 1}: is blank.")
        found.append(line.strip())
    return found
