"""Inputs of encoders: token ids of texts, or arrays of one shape, such as images.

Inputs are made once per encoder and language and shared by all samplings and seeds. Training and
encoding only count, select and concatenate them. Only the encoder interprets them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Inputs(Protocol):
    """A sequence of inputs."""

    def __len__(self) -> int: ...

    def lengths(self) -> np.ndarray:
        """int64 [n]: cost of encoding each, in tokens or whole inputs; 0 for an absent input."""
        ...

    def take(self, rows: np.ndarray) -> "Inputs":
        """The inputs `rows`, in that order."""
        ...

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays that it consists of, by name, for `from_arrays`."""
        ...


@dataclass(frozen=True)
class Ragged:
    """Sequences of token ids end to end: ids int32 [total], bounds int64 [n + 1]."""

    ids: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def arrays(self) -> dict[str, np.ndarray]:
        """All it consists of, by name."""
        return {"ids": self.ids, "bounds": self.bounds}

    def lengths(self) -> np.ndarray:
        """int64 [n]: tokens of each sequence."""
        return np.diff(self.bounds)

    def take(self, rows: np.ndarray) -> "Ragged":
        """The sequences `rows`, in that order."""
        lengths = self.bounds[rows + 1] - self.bounds[rows]
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(bounds[-1]) - np.repeat(bounds[:-1], lengths)
        return Ragged(self.ids[np.repeat(self.bounds[rows], lengths) + within], bounds)

    @staticmethod
    def of(sequences: Sequence[Sequence[int]]) -> "Ragged":
        """From lists of ids."""
        bounds = np.zeros(len(sequences) + 1, dtype=np.int64)
        np.cumsum([len(s) for s in sequences], out=bounds[1:])
        ids = np.fromiter((i for s in sequences for i in s), dtype=np.int32, count=int(bounds[-1]))
        return Ragged(ids, bounds)


@dataclass(frozen=True)
class Dense:
    """Inputs of one shape, such as images: values [n, ...].

    present: bool [n], False where an input is absent; None if all are there.
    """

    values: np.ndarray
    present: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.values)

    def arrays(self) -> dict[str, np.ndarray]:
        """All it consists of, by name."""
        own = {"values": self.values}
        return own if self.present is None else own | {"present": self.present}

    def lengths(self) -> np.ndarray:
        """int64 [n]: 1, since all inputs cost the same; 0 for an absent one."""
        if self.present is None:
            return np.ones(len(self.values), dtype=np.int64)
        return self.present.astype(np.int64)

    def take(self, rows: np.ndarray) -> "Dense":
        """The inputs `rows`, in that order."""
        return Dense(self.values[rows], None if self.present is None else self.present[rows])


@dataclass(frozen=True)
class Repeating:
    """Inputs with many repetitions: `which`, int [n], are their positions in `distinct`.

    For example, a passage of mMARCO is in dozens of pairs.
    """

    distinct: Ragged | Dense
    which: np.ndarray

    def __len__(self) -> int:
        return len(self.which)

    def arrays(self) -> dict[str, np.ndarray]:
        """All it consists of, by name."""
        return {**self.distinct.arrays(), "which": self.which}

    def lengths(self) -> np.ndarray:
        """int64 [n]: length of each input, repetitions included."""
        return self.distinct.lengths()[self.which]

    def take(self, rows: np.ndarray) -> Ragged | Dense:
        """The inputs `rows`, in that order."""
        return self.distinct.take(self.which[rows])


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Inputs:
    """The inverse of `Inputs.arrays`."""
    if "ids" in arrays:
        distinct: Ragged | Dense = Ragged(arrays["ids"], arrays["bounds"])
    else:
        distinct = Dense(arrays["values"], arrays.get("present"))
    return Repeating(distinct, arrays["which"]) if "which" in arrays else distinct


def with_absent(inputs: Ragged | Dense) -> Ragged | Dense:
    """The inputs, and behind the last one that is absent, of length 0."""
    if isinstance(inputs, Ragged):
        return Ragged(inputs.ids, np.append(inputs.bounds, inputs.bounds[-1]))
    nothing = np.zeros((1, *inputs.values.shape[1:]), dtype=inputs.values.dtype)
    present = np.append(inputs.lengths().astype(bool), False)
    return Dense(np.concatenate([inputs.values, nothing]), present)


def concatenate(parts: Sequence[Ragged | Dense]) -> Ragged | Dense:
    """Concatenate inputs, all Ragged or all Dense."""
    if isinstance(parts[0], Dense):
        present = np.concatenate([part.lengths() for part in parts]).astype(bool)
        values = np.concatenate([part.values for part in parts])
        return Dense(values, None if present.all() else present)
    bounds = np.concatenate([[0], np.cumsum(np.concatenate([part.lengths() for part in parts]))])
    return Ragged(np.concatenate([part.ids for part in parts]), bounds)
