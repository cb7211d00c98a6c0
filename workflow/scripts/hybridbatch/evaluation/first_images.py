"""The images that stand first for a caption, to look at: chosen by a hash and not by hand."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from hybridbatch.evaluation.language_bias import by_descending_id, ranking
from hybridbatch.retrieval.ranking import exact_scores


@dataclass(frozen=True)
class Shown:
    """A caption with the ids of its image and of those that stand first, and its image's rank."""

    caption: str
    language: str
    right: str
    rank: int
    first: tuple[str, ...]


def first_images(
    captions: pa.Table,
    caption_vectors: np.ndarray,
    image_ids: Sequence[str],
    image_vectors: np.ndarray,
    languages: Sequence[str],
    images: int,
    first: int = 5,
) -> list[Shown]:
    """For each of `images` images, its captions in the languages, in their order.

    captions: query_id, language, image_id, text. caption_vectors, image_vectors: of their rows.
    Images with captions in more of the languages come before others, then by a hash of their ids.
    Ranks are exact, and ties as everywhere.
    """
    rows: dict[tuple[str, str], int] = {}
    for row, of in enumerate(captions.select(["image_id", "language"]).to_pylist()):
        rows.setdefault((of["image_id"], of["language"]), row)
    there = {id_: [c for c in languages if (id_, c) in rows] for id_ in image_ids}
    chosen = sorted(there, key=lambda id_: (-len(there[id_]), _hash(id_)))[:images]
    columns = by_descending_id(image_ids)
    ids = [image_ids[i] for i in columns]
    wide = image_vectors[columns].astype(np.float64)
    texts = captions["text"]
    found = []
    for id_ in chosen:
        for language in there[id_]:
            row = rows[id_, language]
            order = ranking(exact_scores(caption_vectors[row][None], wide)[0])
            rank = 1 + int(np.flatnonzero(order == ids.index(id_))[0])
            best = tuple(ids[i] for i in order[:first])
            found.append(Shown(texts[row].as_py(), language, id_, rank, best))
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
