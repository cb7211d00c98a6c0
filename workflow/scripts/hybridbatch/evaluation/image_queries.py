"""Metrics of every query between captions and images, from vectors.

- *text to image*: a caption asks for its image among all images of the split. Images have no
  language, so the captions of each language are scored by themselves.
- *image to text*: an image asks for its captions among those of one language, and among those of
  all. There every language has relevant ones, so average precision, rank distance (the language
  bias as for texts) and the shares of languages among the first ten say something.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from hybridbatch.evaluation.image_names import (
    CUTOFFS,
    IMAGE_TO_TEXT,
    RECALLS,
    SHARE_COLUMN,
    TEXT_TO_IMAGE,
)
from hybridbatch.evaluation.language_bias import by_descending_id, ranking
from hybridbatch.evaluation.metrics import average_precision, rank_distance, recall_at
from hybridbatch.evaluation.settings import ALL
from hybridbatch.retrieval.ranking import exact_scores, ranks_by_language
from hybridbatch.runtime.errors import DataError

SHARE_DEPTH = 10  # captions among which the shares of languages are counted


def image_query_metrics(
    captions: pa.Table,
    caption_vectors: np.ndarray,
    images: pa.Table,
    image_vectors: np.ndarray,
    seen: Sequence[str],
) -> pa.Table:
    """A row for each query in both directions.

    captions: query_id (unique within a language), language, image_id. images: image_id, group.
    caption_vectors, image_vectors: of their rows, float32 of length 1. seen: the languages of the
    captions that were trained on.

    Columns: direction; language, of the captions, or `all`; query_id; group, of the image; seen;
    candidates and relevant, their numbers; a column for each metric and for each language's share,
    null where it is not defined. Raises DataError if vectors are missing or a caption has no image.
    """
    for what, table, vectors in (
        ("captions", captions, caption_vectors),
        ("images", images, image_vectors),
    ):
        if len(table) != len(vectors):
            raise DataError(f"{len(table)} {what} have {len(vectors)} vectors: make both again.")
    ids = images["image_id"].to_pylist()
    place = {id_: i for i, id_ in enumerate(ids)}
    asked = captions.to_pylist()
    if absent := [row["image_id"] for row in asked if row["image_id"] not in place]:
        raise DataError(
            f"{len(absent)} of {len(asked)} captions are of images that are not there, such as "
            f"{absent[0]!r}; there are {len(ids)} images."
        )
    own = np.array([place[row["image_id"]] for row in asked], dtype=np.int64)
    languages = sorted({row["language"] for row in asked})
    language_of = np.array([languages.index(row["language"]) for row in asked])
    found = _Queries(captions, images, caption_vectors, image_vectors, own, languages, language_of)
    tables = [found.text_to_image(i, code in seen) for i, code in enumerate(languages)]
    tables += found.image_to_text([code in seen for code in languages])
    return pa.concat_tables(tables, promote_options="default")


def with_keys(metrics: pa.Table, keys: Mapping[str, str | int]) -> pa.Table:
    """`metrics` with a column for each key before its own: text, or int64."""
    for place, (name, value) in enumerate(keys.items()):
        kind = pa.int64() if isinstance(value, int) else pa.string()
        metrics = metrics.add_column(place, name, pa.array([value] * len(metrics), kind))
    return metrics


class _Queries:
    """Captions and images with their vectors, in both directions.

    own: int [captions], the row of the image of each. language_of: int [captions], numbers of
    `languages`.
    """

    def __init__(
        self,
        captions: pa.Table,
        images: pa.Table,
        caption_vectors: np.ndarray,
        image_vectors: np.ndarray,
        own: np.ndarray,
        languages: list[str],
        language_of: np.ndarray,
    ) -> None:
        # Grouped by language, as the ranking wants its candidates.
        order = np.argsort(language_of, kind="stable")
        self.languages, self.language_of, self.own = languages, language_of[order], own[order]
        self.caption_ids = captions["query_id"].take(pa.array(order)).to_pylist()
        self.captions, self.images = caption_vectors[order], image_vectors
        self.image_ids = images["image_id"].to_pylist()
        self.groups = images["group"].to_pylist()
        self.sizes = np.bincount(language_of, minlength=len(languages))

    def text_to_image(self, language: int, seen: bool) -> pa.Table:
        """The captions of one language against all images."""
        rows = np.flatnonzero(self.language_of == language)
        query, images = np.arange(len(rows)), self.own[rows]
        number = np.array([len(self.image_ids)])
        before = ranks_by_language(
            self.captions[rows], self.images, number, self.image_ids, query, images
        )
        relevant = np.ones(len(rows), dtype=np.int64)
        return _table(
            TEXT_TO_IMAGE,
            self.languages[language],
            [self.caption_ids[row] for row in rows],
            [self.groups[image] for image in images],
            seen,
            len(self.image_ids),
            relevant,
            _recalls(1 + before.sum(1), query, relevant),
        )

    def image_to_text(self, seen: list[bool]) -> list[pa.Table]:
        """The images that have captions against those of each language, and of all."""
        names = [
            f"{self.languages[of]}:{id_}"
            for of, id_ in zip(self.language_of, self.caption_ids, strict=True)
        ]
        asked, query = np.unique(self.own, return_inverse=True)
        vectors = self.images[asked]
        before = ranks_by_language(
            vectors, self.captions, self.sizes, names, query, np.arange(len(names))
        )
        tables = []
        for language, (code, was_seen) in enumerate(zip(self.languages, seen, strict=True)):
            rows = np.flatnonzero(self.language_of == language)
            images, of_image = np.unique(self.own[rows], return_inverse=True)
            relevant = np.bincount(of_image)
            values = _recalls(1 + before[rows, language], of_image, relevant)
            tables.append(self._of_images(code, images, was_seen, len(rows), relevant, values))
        ranks, relevant = 1 + before.sum(1), np.bincount(query)
        values = {
            **_recalls(ranks, query, relevant),
            "map": average_precision(ranks, query, relevant),
            "rank_distance": rank_distance(ranks, query, relevant),
        }
        shares = _shares(vectors, self.captions, names, self.language_of, len(self.languages))
        values |= {f"{SHARE_COLUMN}{code}": shares[:, i] for i, code in enumerate(self.languages)}
        return [*tables, self._of_images(ALL, asked, False, len(names), relevant, values)]

    def _of_images(
        self,
        language: str,
        images: np.ndarray,
        seen: bool,
        candidates: int,
        relevant: np.ndarray,
        values: dict[str, np.ndarray],
    ) -> pa.Table:
        return _table(
            IMAGE_TO_TEXT,
            language,
            [self.image_ids[image] for image in images],
            [self.groups[image] for image in images],
            seen,
            candidates,
            relevant,
            values,
        )


def _recalls(ranks: np.ndarray, query: np.ndarray, relevant: np.ndarray) -> dict[str, np.ndarray]:
    values = (recall_at(ranks, query, relevant, k) for k in CUTOFFS)
    return dict(zip(RECALLS, values, strict=True))


def _shares(
    queries: np.ndarray,
    candidates: np.ndarray,
    names: list[str],
    language_of: np.ndarray,
    languages: int,
) -> np.ndarray:
    """float64 [q, languages]: of the first SHARE_DEPTH candidates, those of each language."""
    columns = by_descending_id(names)
    wide, language_of = candidates[columns].astype(np.float64), language_of[columns]
    depth = min(SHARE_DEPTH, len(names))
    shares = np.empty((len(queries), languages))
    for row, vector in enumerate(queries):
        first = ranking(exact_scores(vector[None], wide)[0])[:depth]
        shares[row] = np.bincount(language_of[first], minlength=languages) / depth
    return shares


def _table(
    direction: str,
    language: str,
    query_ids: list[str],
    groups: list[str],
    seen: bool,
    candidates: int,
    relevant: np.ndarray,
    values: dict[str, np.ndarray],
) -> pa.Table:
    n = len(query_ids)
    columns = {
        "direction": [direction] * n,
        "language": [language] * n,
        "query_id": query_ids,
        "group": groups,
        "seen": pa.array([seen] * n, pa.bool_()),
        "candidates": pa.array([candidates] * n, pa.int64()),
        "relevant": pa.array(relevant, pa.int64()),
    }
    for name, of in values.items():
        columns[name] = pa.array(of, pa.float64(), mask=np.isnan(of))
    return pa.table(columns)
