"""The inputs of training pairs, each distinct text once."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from hybridbatch.data import dedup
from hybridbatch.encoders.base import CANDIDATE, QUERY, TEXT, MakeInputs
from hybridbatch.encoders.inputs import Inputs, Ragged, Repeating, from_arrays
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import Rows, batches, read_tensors, write_tensors
from hybridbatch.runtime.logs import Progress

_NUMBERS = ("rows", "question_numbers", "passage_numbers", "question_keys", "passage_keys")
_NONE = 0  # the number of no text, which has no tokens
_SIDES = ("queries", "passages", "negatives")
_TARGETS = "targets"


@dataclass(frozen=True)
class PairInputs:
    """The inputs of the pairs of one corpus in one language.

    rows: int64 [n], the numbers of the pairs in the corpus, ascending. question_numbers,
    passage_numbers: int64 [n], equal for equal texts, which are compared as `dedup.normalize`
    leaves them. question_keys, passage_keys: int64, by these numbers, equal for equal texts of all
    languages and corpora. negatives: the hard negatives, an empty sequence where a pair has none.
    targets: a teacher's vectors of the pairs, if there is one.
    """

    rows: np.ndarray
    question_numbers: np.ndarray
    passage_numbers: np.ndarray
    question_keys: np.ndarray
    passage_keys: np.ndarray
    queries: Inputs
    passages: Inputs
    negatives: Inputs
    targets: Inputs | None = None

    def save(self, path: str | Path, keys: Mapping[str, str | int] | None = None) -> None:
        """Write a safetensors file atomically; keys: as for `files.write_table`."""
        tensors = {name: getattr(self, name) for name in _NUMBERS}
        for side in (*_SIDES, *([] if self.targets is None else [_TARGETS])):
            for name, array in getattr(self, side).arrays().items():
                tensors[f"{side}_{name}"] = array
        write_tensors(path, tensors, keys)

    @staticmethod
    def load(path: str | Path) -> tuple["PairInputs", dict[str, str | int]]:
        """Load what `save` wrote, with its keys."""
        found, keys = read_tensors(path)
        values = {name: found[name] for name in _NUMBERS}
        for side in (*_SIDES, _TARGETS):
            prefix = f"{side}_"
            arrays = {n.removeprefix(prefix): a for n, a in found.items() if n.startswith(prefix)}
            values[side] = from_arrays(arrays) if arrays else None
        return PairInputs(**values), keys


def pair_inputs(make: MakeInputs, pairs: pa.Table, train: Rows) -> PairInputs:
    """The inputs of the pairs of one language.

    make: the encoder's function for inputs (see `base`). pairs: all pairs of the corpus (id), from
    which the numbers of rows come. train: the pairs of the language (id, question, passage,
    negative), in the same order. Raises `DataError` if the two do not match.

    A negative that is the pair's own passage is left out: it would be a false one.
    """
    queries = _Distinct(make, QUERY)
    passages, negatives = (_Distinct(make, CANDIDATE) for _ in range(2))
    numbered = enumerate(id_ for batch in batches(pairs) for id_ in batch["id"].to_pylist())
    found = [np.empty(0, dtype=np.int64)]
    progress = Progress(None, "pairs")
    for batch in batches(train):
        found.append(_find(batch["id"].to_pylist(), numbered))
        queries.add(batch["question"].to_pylist())
        passages.add(batch["passage"].to_pylist())
        negatives.add(batch["negative"].to_pylist())
        progress.add(len(batch))
    answers, others = passages.inputs(), negatives.inputs()
    same = passages.keys()[answers.which] == negatives.keys()[others.which]
    question_keys, question_numbers = np.unique(queries.keys(), return_inverse=True)
    passage_keys, passage_numbers = np.unique(passages.keys(), return_inverse=True)
    questions = queries.inputs()
    return PairInputs(
        np.concatenate(found),
        question_numbers[questions.which],
        passage_numbers[answers.which],
        question_keys,
        passage_keys,
        questions,
        answers,
        Repeating(others.distinct, np.where(same, np.int32(_NONE), others.which)),
    )


class _Distinct:
    """Makes the inputs of a stream of texts, once for each distinct text."""

    def __init__(self, make: MakeInputs, side: str) -> None:
        self._make, self._side = make, side
        # Numbers by a hash of the text.
        self._numbers: dict[bytes, int] = {b"": _NONE}
        self._keys = [np.zeros(1, dtype=np.uint64)]
        self._ids = bytearray()  # a bytearray grows without a second copy of its contents
        self._lengths = [np.zeros(1, dtype=np.int64)]
        self._which = [np.zeros(0, dtype=np.int32)]

    def add(self, texts: Sequence[str | None]) -> None:
        """Append texts; None stands for the empty sequence."""
        new: list[str] = []
        which = np.full(len(texts), _NONE, dtype=np.int32)
        for row, text in enumerate(texts):
            if text is not None:
                key = hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
                if key not in self._numbers:
                    self._numbers[key] = len(self._numbers)
                    new.append(text)
                which[row] = self._numbers[key]
        tokens = self._make(self._side, TEXT, new)
        self._ids += tokens.ids.tobytes()
        self._lengths.append(tokens.lengths())
        self._which.append(which)
        self._keys.append(dedup.keys(map(dedup.normalize, new)))

    def keys(self) -> np.ndarray:
        """int64 [distinct]: equal for texts that `dedup.normalize` makes equal."""
        return np.concatenate(self._keys).view(np.int64)

    def inputs(self) -> Repeating:
        """The inputs of all texts added."""
        bounds = np.concatenate([[0], np.cumsum(np.concatenate(self._lengths))])
        ids = np.frombuffer(self._ids, dtype=np.int32)
        return Repeating(Ragged(ids, bounds), np.concatenate(self._which))


def _find(ids: Sequence[str], numbered: Iterator[tuple[int, str]]) -> np.ndarray:
    """int64 [n]: the numbers of `ids`; `numbered` has all of them, in the same order."""
    rows = np.empty(len(ids), dtype=np.int64)
    for i, id_ in enumerate(ids):
        row = next((row for row, other in numbered if other == id_), None)
        if row is None:
            raise DataError(f"the pair {id_!r} is not among the corpus' pairs, or out of order.")
        rows[i] = row
    return rows
