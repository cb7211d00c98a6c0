"""Which texts are the same; millions of them, by 64-bit hash."""

import hashlib
import unicodedata
from collections.abc import Iterable

import numpy as np


def normalize(text: str) -> str:
    """`text` with case folded, white space collapsed, and in Unicode's compatibility form.

    Texts that are equal in this form count as the same wherever pairs are told apart.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def keys(texts: Iterable[str]) -> np.ndarray:
    """uint64 [n]: a hash of each text, the same on every machine.

    Among 40 million texts, the probability that any two different ones collide is 4e-5.
    """
    digests = (hashlib.blake2b(t.encode("utf-8"), digest_size=8).digest() for t in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8")


class FirstTimes:
    """A set of keys in sorted arrays; a set of Python integers would take ten times the memory."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []  # sorted, disjoint; each over twice as long as the next

    def of(self, keys: np.ndarray) -> np.ndarray:
        """bool [n]: True at the first occurrence of a key, over all calls; keys: uint64 [n]."""
        distinct, first = np.unique(keys, return_index=True)
        known = np.zeros(len(distinct), dtype=bool)
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            known |= run[place] == distinct
        result = np.zeros(len(keys), dtype=bool)
        result[first[~known]] = True
        if not known.all():
            self._remember(distinct[~known])
        return result

    def _remember(self, run: np.ndarray) -> None:
        # Merging runs of similar length keeps their number, and the copies of each key, small.
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            # A stable sort of two sorted runs is a merge.
            run = np.sort(np.concatenate([self._runs.pop(), run]), kind="stable")
        self._runs.append(run)
