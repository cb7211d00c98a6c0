"""Texts of a benchmark that also stand in the training data, exactly or nearly.

Similarity is the Jaccard index of the two texts' sets of character n-grams: words would not do for
Thai and Chinese, and one changed word would spoil half of a question's word n-grams. It is exact,
by SciPy's sparse products: MinHash (datasketch) takes longer at this size and may miss pairs. A
sentence inside a longer passage is no near duplicate of it.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from hybridbatch.runtime.logs import Progress

# Which column of a train set is compared with which side of a benchmark.
SIDES = {"queries": "question", "candidates": "passage"}
PAIR_SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("side", pa.string()),
        ("benchmark_id", pa.string()),
        ("benchmark_text", pa.string()),
        ("train_text", pa.string()),
        ("similarity", pa.float64()),
        ("exact", pa.bool_()),  # the same text but for case, spaces and Unicode's spellings
    ]
)
COLUMNS = [
    "corpus",
    "language",
    "benchmark",
    "side",
    "benchmark_texts",  # queries or candidates
    "exact",  # of these, with an exact duplicate in the train set
    "near",  # of these, with a near duplicate only
    "share",  # of exact and near together
    "train_texts",  # distinct questions or passages
    "train_exact",
    "train_near",
]
_BLOCK = 5_000  # train texts at a time; bounds memory
_CANDIDATES = 100_000  # pairs at a time whose n-grams are compared
_ROUNDING = 1e-9  # 0.8 * 10 is 8, whatever binary fractions say


@dataclass(frozen=True)
class ContaminationConfig:
    """What counts as a near duplicate."""

    ngram: int  # characters
    threshold: float  # least Jaccard index


def normalize(text: str) -> str:
    """`text` without differences of case, white space and Unicode's compatibility spellings."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def ngrams(text: str, n: int) -> set[str]:
    """The runs of `n` characters in `text`; a shorter text is its own and only one."""
    return {text[i : i + n] for i in range(max(1, len(text) - n + 1))} if text else set()


class Index:
    """The texts of a benchmark, ready to be compared with many others.

    Of two sets whose Jaccard index reaches t, the first holds at least the share t of the second,
    so that it holds one of any (1 - t)|second| + 1 of its members. Only pairs that share one of
    those that are rarest are compared (prefix filtering: Chaudhuri, Ganti and Kaushik 2006).
    """

    def __init__(self, texts: Sequence[str], config: ContaminationConfig) -> None:
        self._config = config
        sets = [ngrams(text, config.ngram) for text in texts]
        distinct = dict.fromkeys(chain.from_iterable(sets))
        self._column = {gram: i for i, gram in enumerate(distinct)}
        self._grams = self._matrix(sets)

    def similar(self, texts: Sequence[str]) -> list[tuple[int, int, float]]:
        """(position in `texts`, in the benchmark, Jaccard index) where it reaches the threshold.

        Texts are compared as they are; a text without characters is like none.
        """
        sets = [ngrams(text, self._config.ngram) for text in texts]
        sizes = np.array([len(grams) for grams in sets])
        first, second = self._matrix(sets), self._grams
        second_sizes = np.diff(second.indptr)
        frequencies = np.bincount(first.indices, minlength=first.shape[1])
        candidates = (first @ _rarest(second, frequencies, self._config.threshold).T).tocoo()
        found: list[tuple[int, int, float]] = []
        for at in range(0, candidates.nnz, _CANDIDATES):
            rows, columns = (c[at : at + _CANDIDATES] for c in (candidates.row, candidates.col))
            shared = np.asarray(first[rows].multiply(second[columns]).sum(axis=1)).ravel()
            index = shared / (sizes[rows] + second_sizes[columns] - shared)
            kept = index >= self._config.threshold - _ROUNDING
            found += zip(*(c[kept].tolist() for c in (rows, columns, index)), strict=True)
        return found

    def _matrix(self, sets: Sequence[set[str]]) -> sparse.csr_array:
        """int32 [sets, n-grams of the benchmark]: 1 where the set has the n-gram."""
        rows = [
            sorted(c for g in grams if (c := self._column.get(g)) is not None) for grams in sets
        ]
        ends = np.cumsum([0, *map(len, rows)])
        columns = np.fromiter(chain.from_iterable(rows), np.int32, ends[-1])
        shape = (len(sets), len(self._column))
        return sparse.csr_array((np.ones(len(columns), np.int32), columns, ends), shape=shape)


def duplicates(
    train: pa.Table, benchmarks: dict[str, dict[str, pa.Table]], config: ContaminationConfig
) -> tuple[pa.Table, list[dict]]:
    """Pairs of PAIR_SCHEMA, the most similar first, and a row of counts a benchmark and side.

    train: a train set (filtering.TRAIN_SCHEMA); benchmarks: by name and side, tables of (id, text)
    in the same language. The counts have COLUMNS but for corpus, language and share.
    """
    pairs, counts = [], []
    for side, column in SIDES.items():
        # All benchmarks at once, since most of the time goes into the train set's n-grams.
        tests = [
            (name, id_, text)
            for name, sides in benchmarks.items()
            for id_, text in zip(*(c.to_pylist() for c in sides[side].columns), strict=True)
        ]
        tests_normal = [normalize(text) for _, _, text in tests]
        index = Index(tests_normal, config)
        seen: set[int] = set()  # hashes: a large corpus' texts would fill the memory
        found: list[dict] = []
        progress = Progress(len(train), f"{column}s", last=False)
        for batch in train.select([column]).to_batches(max_chunksize=_BLOCK):
            new = dict.fromkeys(batch.column(0).to_pylist())
            texts = [text for text in new if hash(text) not in seen]
            seen.update(map(hash, texts))
            normal = [normalize(text) for text in texts]
            for i, j, similarity in index.similar(normal):
                same = normal[i] == tests_normal[j]
                values = (tests[j][0], side, *tests[j][1:], texts[i], similarity, same)
                found.append(dict(zip(PAIR_SCHEMA.names, values, strict=True)))
            progress.add(len(batch), f"{len(found):,} alike")
        pairs += found
        for name in benchmarks:
            of = [pair for pair in found if pair["benchmark"] == name]
            row = {"benchmark": name, "side": side}
            row |= {"benchmark_texts": len(benchmarks[name][side]), "train_texts": len(seen)}
            for prefix, key in (("", "benchmark_id"), ("train_", "train_text")):
                exact = {pair[key] for pair in of if pair["exact"]}
                row[f"{prefix}exact"] = len(exact)
                row[f"{prefix}near"] = len({pair[key] for pair in of} - exact)
            counts.append(row)
    pairs.sort(key=lambda pair: (-pair["similarity"], *list(pair.values())[:5]))
    return pa.Table.from_pylist(pairs, schema=PAIR_SCHEMA), counts


def contamination_table(rows: Sequence[dict]) -> pd.DataFrame:
    """COLUMNS rows from those of `duplicates` with their corpus and language."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["share"] = (frame["exact"] + frame["near"]) / frame["benchmark_texts"]
    return frame


def _rarest(grams: sparse.csr_array, frequencies: np.ndarray, threshold: float) -> sparse.csr_array:
    """Of each row's n n-grams, the n - ceil(threshold n) + 1 of least frequency."""
    sizes = np.diff(grams.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((frequencies[grams.indices], rows))
    place = np.arange(len(rows)) - np.repeat(grams.indptr[:-1], sizes)
    least = np.ceil(threshold * sizes - _ROUNDING).astype(int)
    kept = place < np.repeat(sizes - least + 1, sizes)
    cells = (rows[kept], grams.indices[order][kept])
    return sparse.csr_array((np.ones(len(cells[0]), np.int32), cells), shape=grams.shape)
