"""Training data: corpora in all their languages, and fixed validation batches."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from hybridbatch.encoders.base import TEXT
from hybridbatch.encoders.inputs import Inputs, concatenate
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime.errors import DataError
from hybridbatch.training.samplers import CorpusPairs, Sampler


class TrainingCorpus:
    """One corpus in all its languages, for drawing pairs and gathering their inputs.

    modality: of the passages. in_language: whether these have a language; if None, texts have one
    and images have none, which is wrong for images of texts.

    Two questions, or two passages, are the same if their texts are equal in any of the languages
    (`PairInputs.question_keys`), since each would be a false negative of the other's pair there.

    Only a fraction `share` of the pairs is used, rounded up. These are the same pairs in every
    language and for every seed, and a smaller share is a subset of a larger one.
    """

    def __init__(
        self,
        name: str,
        by_language: dict[str, PairInputs],
        share: float = 1.0,
        modality: str = TEXT,
        in_language: bool | None = None,
    ) -> None:
        self.languages, self.modality = tuple(by_language), modality
        self._pairs = tuple(by_language.values())
        numbers = np.unique(np.concatenate([pairs.rows for pairs in self._pairs]))
        available = np.zeros((len(numbers), len(self.languages)), dtype=bool)
        self._row_of = np.full(available.shape, -1, dtype=np.int64)
        for column, pairs in enumerate(self._pairs):
            rows = np.searchsorted(numbers, pairs.rows)
            available[rows, column] = True
            self._row_of[rows, column] = np.arange(len(pairs.rows))
        places = [np.flatnonzero(of_language) for of_language in available.T]
        questions = _alike(
            places, [(p.question_numbers, p.question_keys) for p in self._pairs], len(numbers)
        )
        passages = _alike(
            places, [(p.passage_numbers, p.passage_keys) for p in self._pairs], len(numbers)
        )
        kept = _nested_sample(len(numbers), share)
        self._row_of = self._row_of[kept]
        self.pairs = CorpusPairs(
            name,
            self.languages,
            *(array[kept] for array in (available, questions, passages)),
            in_language=modality == TEXT if in_language is None else in_language,
        )

    def queries(self, rows: np.ndarray, languages: np.ndarray) -> Inputs:
        """Inputs of the questions of pairs `rows`, each in its language (column numbers)."""
        return self._gather(rows, languages, [pairs.queries for pairs in self._pairs])

    def passages(self, rows: np.ndarray, languages: np.ndarray) -> Inputs:
        """Inputs of the passages of pairs `rows`, each in its language (column numbers)."""
        return self._gather(rows, languages, [pairs.passages for pairs in self._pairs])

    def negatives(self, rows: np.ndarray, languages: np.ndarray) -> Inputs:
        """Inputs of the pairs' hard negatives in those languages; empty where there is none."""
        return self._gather(rows, languages, [pairs.negatives for pairs in self._pairs])

    def targets(self, rows: np.ndarray, languages: np.ndarray) -> Inputs | None:
        """A teacher's vectors of pairs `rows` in those languages; None without a teacher."""
        sides = [pairs.targets for pairs in self._pairs]
        return None if None in sides else self._gather(rows, languages, sides)

    def content_hash(self) -> str:
        """A hash of the pairs and their inputs."""
        digest = hashlib.sha256()
        hashed: dict[int, bytes] = {}  # arrays that languages share, such as those of images, once
        for pairs in self._pairs:
            for side in (pairs.queries, pairs.passages, pairs.negatives, pairs.targets):
                for array in () if side is None else side.arrays().values():
                    if id(array) in hashed:
                        digest.update(hashed[id(array)])
                    else:
                        digest.update(np.ascontiguousarray(array))
                        hashed[id(array)] = digest.digest()
            for array in (
                *(pairs.rows, pairs.question_numbers, pairs.passage_numbers),
                *(pairs.question_keys, pairs.passage_keys),
            ):
                digest.update(np.ascontiguousarray(array))
        digest.update(np.ascontiguousarray(self._row_of))  # which pairs are used
        return digest.hexdigest()

    def _gather(self, rows: np.ndarray, languages: np.ndarray, sides: list[Inputs]) -> Inputs:
        order: list[np.ndarray] = []
        parts: list[Inputs] = []
        for column in np.unique(languages):
            slots = np.flatnonzero(languages == column)
            order.append(slots)
            parts.append(sides[column].take(self._row_of[rows[slots], column]))
        return concatenate(parts).take(np.argsort(np.concatenate(order)))


def validation_batches(
    corpora: Sequence[TrainingCorpus], batch_size: int
) -> list[tuple[Inputs, Inputs, Inputs | None]]:
    """Fixed English (query, passage, target) batches, about as many as the validation pairs fill.

    Targets are None without a teacher.
    """
    size = batch_size
    for pairs in (c.pairs for c in corpora):
        distinct = min(len(np.unique(pairs.passages)), len(np.unique(pairs.questions)))
        if distinct < 2:
            raise DataError(
                f"validation corpus {pairs.name}: {distinct} different pairs are held out, too few "
                "to compare: raise its `holdout`, or choose another corpus for `validation`."
            )
        size = min(size, distinct)
    sampler = Sampler([c.pairs for c in corpora], "en-en", size, seed=0)
    batches = []
    for step in range(max(1, sum(len(c.pairs) for c in corpora) // size)):
        batch = sampler.batch(step)
        corpus = corpora[batch.corpus]
        batches.append(
            (
                corpus.queries(batch.rows, batch.query_languages),
                corpus.passages(batch.rows, batch.passage_languages),
                # Both sides are in English, so that these are the student's, whichever it is.
                corpus.targets(batch.rows, batch.query_languages),
            )
        )
    return batches


def _alike(
    rows: Sequence[np.ndarray], texts: Sequence[tuple[np.ndarray, np.ndarray]], pairs: int
) -> np.ndarray:
    """int64 [pairs]: numbers that are equal for pairs with an equal text in any language.

    So they are for pairs that others connect: A equals B in one language, B equals C in another.
    rows: the pairs that exist in each language. texts: numbers and keys of their texts.
    """
    keys, number_of_key = np.unique(np.concatenate([k for _, k in texts]), return_inverse=True)
    ends = np.cumsum([len(k) for _, k in texts])[:-1]
    links = sparse.csr_array((len(keys), len(keys)), dtype=bool)
    first = np.full(pairs, -1)  # the text of a pair in the first language that it exists in
    for places, (numbers, _), key in zip(rows, texts, np.split(number_of_key, ends), strict=True):
        text = key[numbers]
        new = first[places] < 0
        first[places[new]] = text[new]
        link = (np.ones(len(places), dtype=bool), (first[places], text))
        links += sparse.coo_array(link, shape=links.shape).tocsr()
    return csgraph.connected_components(links, directed=False)[1].astype(np.int64)[first]


def _nested_sample(n: int, share: float) -> np.ndarray:
    """int64, ascending: a fraction `share` of `n` pairs, the first ones of a fixed shuffle."""
    return np.sort(np.random.default_rng(0).permutation(n)[: math.ceil(n * share)])
