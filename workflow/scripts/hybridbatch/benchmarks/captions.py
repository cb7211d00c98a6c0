"""Captions of a corpus with splits (`data.caption_corpora`), as the workflow has prepared them.

Text to image: the query is a published caption, the candidates are all test images of a split, and
one is relevant. Translated captions are trained on and never tested.
"""

from collections.abc import Mapping
from pathlib import Path

from hybridbatch.benchmarks._captions import of_captions
from hybridbatch.benchmarks.base import Collection
from hybridbatch.data.captions import TEST, check_matched, read_captions, read_images


def read(files: Mapping[str, str | Path], language: str) -> Collection:
    """The test images of the files `captions`, those of one split, and `images`.

    Only the test images are held. Raises `DataError` that names file and row of what is wrong, or
    counts captions without image.
    """
    captions = read_captions(files["captions"])
    tested = {row["image_id"] for row in captions.to_pylist() if row["split"] == TEST}
    images = {id_: image for id_, image in read_images(files["images"]) if id_ in tested}
    where = f"{files['captions']}, {files['images']}"
    check_matched(tested, images, where)
    return of_captions(captions, images, language, where)
