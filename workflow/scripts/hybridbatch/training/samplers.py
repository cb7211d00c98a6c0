"""Batch sampling: which pairs, and the languages of their questions and passages.

The samplings are those of the paper (section 3) and LAReQA's baselines. A batch is a function of
(seed, step) alone, so that training resumes without sampler state. The kind of a hybrid batch is
drawn from a separate random stream, so that alpha = 1 gives exactly the batches of `x-x-mono` and
alpha = 0 exactly those of `x-y`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import log
from hybridbatch.training.weighting import (
    SAMPLINGS,
    SOURCE_LANGUAGE,
    batch_kinds,
    gives,
    weights,
)

_KIND_STREAM, _CONTENT_STREAM = 0, 1
_CHECKED = 4096  # pairs at a time, of a corpus that is checked for its size
_ROUNDS = 100  # of redrawing, before the remaining slots draw from a list of the pairs that fit


@dataclass(frozen=True)
class CorpusPairs:
    """The pairs of one corpus: their languages, questions and passages.

    available: bool [pairs, languages], whether a pair exists in a language. questions, passages:
    int [pairs], equal for equal questions or passages. languages: codes of the columns.
    in_language: whether passages have a language, which images have not.
    """

    name: str
    languages: tuple[str, ...]
    available: np.ndarray
    questions: np.ndarray
    passages: np.ndarray
    in_language: bool = True

    def __len__(self) -> int:
        return len(self.passages)


@dataclass(frozen=True)
class Batch:
    """B pairs of one corpus. rows: pair numbers; languages: column numbers; all int [B]."""

    corpus: int
    kind: str  # the sampling of this batch; for hybrid, `x-x-mono` or `x-y`
    rows: np.ndarray
    query_languages: np.ndarray
    passage_languages: np.ndarray


class Sampler:
    """Draws the batch of every step.

    Corpora are drawn by their number of pairs, see `weighting.weights`. A corpus that cannot
    give a batch of the kind (only one language for `x-y`, no English for `en-en`) is not drawn,
    and the log says so. With `leave_out_small`, the same holds for a corpus that is too small for a
    batch. No question and no passage occurs twice in a batch.

    Where passages have no language, a slot has one language, that of its question: `x-y` then draws
    questions of all languages into a batch, as `x-x` does.
    """

    def __init__(
        self,
        corpora: Sequence[CorpusPairs],
        sampling: str,
        batch_size: int,
        seed: int,
        alpha: float | None = None,
        source_language: str = SOURCE_LANGUAGE,
        leave_out_small: bool = False,
        temperature: float = 1.0,
    ) -> None:
        """Raises `DataError` if no corpus can give a batch, or one is too small for `batch_size`.

        alpha: for hybrid sampling, the share of monolingual batches. temperature: of the corpora's
        weights.
        """
        if sampling not in SAMPLINGS:
            raise ValueError(f"sampling {sampling!r} is none of {', '.join(SAMPLINGS)}")
        self.corpora, self.sampling, self.batch_size = corpora, sampling, batch_size
        self.seed, self.alpha, self.source_language = seed, alpha, source_language
        self.leave_out_small, self.temperature = leave_out_small, temperature
        if sampling == "hybrid" and alpha is None:
            raise ValueError("hybrid sampling needs alpha, its share of monolingual batches")
        self._corpora_of = {kind: self._eligible(kind) for kind in batch_kinds(sampling, alpha)}

    def batch(self, step: int) -> Batch:
        """The batch of `step` (from 0)."""
        kind = self._kind(step)
        rng = np.random.default_rng([self.seed, step, _CONTENT_STREAM])
        numbers, weights = self._corpora_of[kind]
        corpus = int(rng.choice(numbers, p=weights))
        pairs = self.corpora[corpus]
        queries, passages = self._languages(kind, pairs, rng)
        rows = _draw_rows(pairs, queries, passages, rng)
        return Batch(corpus, kind, rows, queries, passages)

    def _kind(self, step: int) -> str:
        if self.sampling != "hybrid":
            return self.sampling
        draw = np.random.default_rng([self.seed, step, _KIND_STREAM]).random()
        return "x-x-mono" if draw < self.alpha else "x-y"

    def _languages(
        self, kind: str, pairs: CorpusPairs, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        n, size = len(pairs.languages), self.batch_size
        if kind == "en-en":
            queries = np.full(size, pairs.languages.index(self.source_language))
        elif kind == "x-x-mono":
            queries = np.full(size, rng.integers(n))
        else:
            queries = rng.integers(n, size=size)
        if kind != "x-y" or not pairs.in_language:
            return queries, queries
        # One of the n - 1 other languages, uniformly: all ordered pairs are equally likely.
        return queries, (queries + rng.integers(1, n, size=size)) % n

    def _eligible(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        numbers = []
        for number, pairs in enumerate(self.corpora):
            if not gives(kind, pairs.languages, self.source_language):
                held = ", ".join(pairs.languages)
                log.info("corpus %s has only %s: it gives no %s batch", pairs.name, held, kind)
            else:
                try:
                    self._check_size(pairs, kind)
                except DataError as error:
                    if not self.leave_out_small:
                        raise
                    log.warning("left out of %s batches: %s", kind, error)
                else:
                    numbers.append(number)
        if not numbers:
            raise DataError(
                f"no corpus can give a batch of the kind {kind}: "
                f"{', '.join(pairs.name for pairs in self.corpora)}. Add a target language or "
                "take the sampling out of `samplings`."
            )
        sizes = [len(self.corpora[n]) for n in numbers]
        return np.array(numbers), np.array(weights(sizes, self.temperature))

    def _check_size(self, pairs: CorpusPairs, kind: str) -> None:
        """Check that every language (for `x-y`, every two together) can fill a batch.

        A batch needs distinct questions and passages. If the check passes, each slot finds a pair
        whatever the other slots took, so no run fails in the middle. Where pairs share both
        questions and passages, this is nearly, but not strictly, certain.
        """
        columns = range(len(pairs.languages))
        if kind == "en-en":
            needed = [(pairs.languages.index(self.source_language),)]
        elif kind == "x-y" and pairs.in_language:
            needed = list(combinations(columns, 2))
        else:
            needed = [(column,) for column in columns]
        for together in needed:
            codes = " and ".join(pairs.languages[i] for i in together)
            if len(together) == 2 and not pairs.available[:, together].all(axis=1).any():
                raise DataError(f"corpus {pairs.name} has no pair in both {codes}.")
            for what, numbers in (("passages", pairs.passages), ("questions", pairs.questions)):
                distinct = _distinct(numbers, pairs.available, together, self.batch_size)
                if distinct < self.batch_size:
                    raise DataError(
                        f"corpus {pairs.name} has {distinct} different {what} in {codes}, fewer "
                        f"than training.batch_size ({self.batch_size}): lower it, or leave the "
                        "corpus or the language out."
                    )


def _distinct(
    numbers: np.ndarray, available: np.ndarray, columns: Sequence[int], enough: int
) -> int:
    """How many numbers the pairs have that are available in all columns, counted up to `enough`.

    The first few thousand pairs mostly have enough; counting those of 40 million takes seconds for
    every two languages.
    """
    found = np.empty(0, dtype=numbers.dtype)
    for start in range(0, len(numbers), _CHECKED):
        part = slice(start, start + _CHECKED)
        there = available[part][:, columns].all(axis=1)
        found = np.union1d(found, numbers[part][there])
        if len(found) >= enough:
            break
    return len(found)


def _draw_rows(
    pairs: CorpusPairs, queries: np.ndarray, passages: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw for each slot a pair that exists in both its languages, without repetitions.

    Slots draw uniformly from all pairs and redraw until the pair fits. Each slot is therefore
    uniform over the pairs that fit and whose question and passage are not taken.
    """
    rows = np.full(len(queries), -1)
    questions: set[int] = set()
    taken: set[int] = set()
    open_slots = np.arange(len(queries))
    for _ in range(_ROUNDS):
        draws = rng.integers(len(pairs), size=len(open_slots))
        fits = pairs.available[draws, queries[open_slots]]
        fits &= pairs.available[draws, passages[open_slots]]
        still_open = []
        for slot, row, fit in zip(open_slots, draws, fits, strict=True):
            question, passage = int(pairs.questions[row]), int(pairs.passages[row])
            if fit and passage not in taken and question not in questions:
                questions.add(question)
                taken.add(passage)
                rows[slot] = row
            else:
                still_open.append(slot)
        if not still_open:
            return rows
        open_slots = np.array(still_open)
    for slot in open_slots:
        fits = pairs.available[:, queries[slot]] & pairs.available[:, passages[slot]]
        fits &= ~np.isin(pairs.passages, list(taken))
        fits &= ~np.isin(pairs.questions, list(questions))
        if not fits.any():
            raise DataError(
                f"corpus {pairs.name} has too few different questions and passages for a batch of "
                f"{len(queries)} in {pairs.languages[queries[slot]]} and "
                f"{pairs.languages[passages[slot]]}: lower training.batch_size, or leave a "
                "language out."
            )
        rows[slot] = rng.choice(np.flatnonzero(fits))
        questions.add(int(pairs.questions[rows[slot]]))
        taken.add(int(pairs.passages[rows[slot]]))
    return rows
