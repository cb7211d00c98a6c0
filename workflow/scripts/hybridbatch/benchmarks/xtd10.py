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
from hybridbatch.data.caption_files import image_ids, read_lines
from hybridbatch.data.captions import TEST, check_matched, read_images
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
    return read_lines(files["names"], {language: files["captions"]}, TEST)


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
