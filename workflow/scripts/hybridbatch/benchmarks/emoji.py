"""Emoji and their names in CLDR (`data.emoji`), as the workflow has prepared them.

Text to image: the query is a name, the candidates are all test emoji of a split, and one is
relevant. Of a name that several emoji have in a language there is no query.
"""

from collections.abc import Mapping
from pathlib import Path

from hybridbatch.benchmarks._captions import of_captions
from hybridbatch.benchmarks.base import Collection
from hybridbatch.data.captions import check_matched, read_captions, read_images


def read(files: Mapping[str, str | Path], language: str) -> Collection:
    """The test emoji of the files `captions`, those of one split, and `images`.

    Raises `DataError` that names file and row of what is wrong, or counts captions without image.
    """
    captions = read_captions(files["captions"])
    images = dict(read_images(files["images"]))
    where = f"{files['captions']}, {files['images']}"
    check_matched(captions["image_id"].to_pylist(), images, where)
    return of_captions(captions, images, language, where)
