"""The passages of training pairs as images, each distinct one once, beside their token ids."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from hybridbatch.encoders.base import CANDIDATE, IMAGE, MakeInputs
from hybridbatch.encoders.inputs import Dense, Inputs, Ragged, Repeating, from_arrays, with_absent
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import Rows, batches, read_tensors, write_tensors

_ABSENT = -1  # the place of a negative that a pair does not have
# (texts by name) -> (name, encoded image) of each, in their order
Draw = Callable[[Mapping[str, str]], Iterable[tuple[str, bytes]]]
# token ids -> vectors, float32 [n, d]
Teach = Callable[[Ragged], np.ndarray]


@dataclass(frozen=True)
class PassageImages:
    """The image tower's inputs of the passages of n pairs in one language.

    images: of distinct texts. passages, negatives: int32 [n], their places there; -1 where a pair
    has no hard negative.
    """

    images: Inputs
    passages: np.ndarray
    negatives: np.ndarray

    def save(self, path: str | Path, keys: Mapping[str, str | int] | None = None) -> None:
        """Write a safetensors file atomically; keys: as for `files.write_table`."""
        own = {"passages": self.passages, "negatives": self.negatives}
        images = {f"images_{name}": array for name, array in self.images.arrays().items()}
        write_tensors(path, own | images, keys)

    @classmethod
    def load(cls, path: str | Path) -> tuple[Self, dict[str, str | int]]:
        """Load what `save` wrote, with its keys."""
        found, keys = read_tensors(path)
        own = (found.pop("passages"), found.pop("negatives"))
        images = {name.removeprefix("images_"): array for name, array in found.items()}
        return cls(from_arrays(images), *own), keys


def passage_images(make: MakeInputs, draw: Draw, train: Rows) -> PassageImages:
    """The inputs of rendered passages.

    make: the image tower's function for inputs. draw: renders texts, one after another. train: the
    pairs of one language (id, passage, negative). An image has the name of the first pair that its
    text is in.
    """
    texts: dict[str, str] = {}  # by name
    place: dict[str, int] = {}  # by text
    sides: dict[str, list[int]] = {"passage": [], "negative": []}
    for batch in batches(train):
        rows = batch.to_pydict()
        for side, found in sides.items():
            for id_, text in zip(rows["id"], rows[side], strict=True):
                if text is None:
                    found.append(_ABSENT)
                    continue
                if text not in place:
                    place[text] = len(place)
                    texts[id_ if side == "passage" else f"{id_} ({side})"] = text
                found.append(place[text])
    images = make(CANDIDATE, IMAGE, (image for _, image in draw(texts)))
    return PassageImages(images, *(np.array(sides[side], dtype=np.int32) for side in sides))


def as_pairs(texts: PairInputs, images: PassageImages, teach: Teach, taught: bool) -> PairInputs:
    """Pairs whose queries are vectors of a frozen tower, and whose passages are images.

    texts: the token ids of the same pairs. teach: the tower's vectors of token ids; it is called
    when the first of them are taken. taught: whether the pairs get its vectors of the passages'
    texts, too, as targets. Raises DataError if the two are not of the same pairs.
    """
    if len(texts.rows) != len(images.passages):
        raise DataError(
            f"{len(texts.rows)} pairs have token ids, and {len(images.passages)} have images of "
            "passages: they are of different versions. Make both again."
        )
    # Negatives that are the pair's own passage were left out with the token ids.
    kept = (texts.negatives.lengths() > 0) & (images.negatives != _ABSENT)
    return dataclasses.replace(
        texts,
        queries=_Vectors(texts.queries, teach),
        passages=Repeating(images.images, images.passages),
        negatives=_negatives(images, kept),
        targets=_Vectors(texts.passages, teach) if taught else None,
    )


@dataclass(frozen=True)
class _Vectors:
    """A tower's vectors of token ids, made when the first are taken.

    Its arrays are the token ids: they and the tower say which vectors these are before the tower,
    which may need a GPU, has made them.
    """

    tokens: Repeating
    teach: Teach

    @cached_property
    def _made(self) -> Repeating:
        """Once for each distinct text that a pair has."""
        used = np.unique(self.tokens.which)
        vectors = self.teach(self.tokens.distinct.take(used))
        return Repeating(Dense(vectors), np.searchsorted(used, self.tokens.which).astype(np.int32))

    def __len__(self) -> int:
        return len(self.tokens)

    def arrays(self) -> dict[str, np.ndarray]:
        return self.tokens.arrays()

    def lengths(self) -> np.ndarray:
        return np.ones(len(self.tokens), dtype=np.int64)

    def take(self, rows: np.ndarray) -> Dense:
        return self._made.take(rows)


def _negatives(images: PassageImages, kept: np.ndarray) -> Repeating:
    """Inputs of the hard negatives, of the kind of the passages, absent where a pair has none."""
    if isinstance(images.images, Ragged):  # only the bounds are copied
        which = np.where(kept, images.negatives, len(images.images))
        return Repeating(with_absent(images.images), which)
    used = np.unique(images.negatives[kept])
    which = np.where(kept, np.searchsorted(used, images.negatives), len(used))
    return Repeating(with_absent(images.images.take(used)), which)
