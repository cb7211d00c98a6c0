"""Captions as queries after their images: what emoji, XTD10 and Crossmodal-3600 have in common."""

from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa

from hybridbatch.benchmarks.base import Collection, collection
from hybridbatch.data.captions import TEST, shared_captions
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import log


def of_captions(
    captions: pa.Table,
    images: Mapping[str, bytes],
    language: str,
    where: str,
    of: Iterable[str] | None = None,
) -> Collection:
    """The test captions of one language as queries, and the images as candidates.

    captions: a table of CAPTION_SCHEMA. images: by id; those of no split but TEST are left out.
    of: the ids of the images that count, all of TEST if None. where: names the files in errors.

    The candidates are the same in all languages: an image that has no caption in this one is ranked
    all the same. A query's id is its image's; of several captions of an image, `id:0`, `id:1` and
    so on, in their order. Its article is the image's group. Captions that several images share are
    kept, since the published figures have them, and counted in the log.
    """
    rows = captions.to_pylist()
    tested = dict.fromkeys(row["image_id"] for row in rows if row["split"] == TEST)
    if of is not None:
        chosen = set(of)
        tested = dict.fromkeys(id_ for id_ in tested if id_ in chosen)
    found = [r for r in rows if r["language"] == language and r["image_id"] in tested]
    if not found:
        there = ", ".join(sorted({row["language"] for row in rows}))
        raise DataError(f"{where}: has no test captions in {language!r}; it has {there}.")
    if shared := shared_captions(pa.Table.from_pylist(found, captions.schema)).get(language):
        log.warning(
            "%s: %s: %d captions are those of several images, such as %r",
            where, language, len(shared), shared[0],
        )  # fmt: skip
    numbers = Counter(row["image_id"] for row in found)
    place: Counter = Counter()
    queries, relevant, origins = {}, [], {}
    for row in found:
        id_ = query = row["image_id"]
        if numbers[id_] > 1:
            query = f"{id_}:{place[id_]}"
            place[id_] += 1
        queries[query] = row["caption"]
        origins[query] = (row["group"], None)
        relevant.append((query, id_))
    candidates = {id_: images[id_] for id_ in tested}
    return collection(queries, candidates, relevant, modality="image", origins=origins)
