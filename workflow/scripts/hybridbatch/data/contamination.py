"""Texts of a benchmark that also stand in the training data, exactly or nearly.

Similarity is the Jaccard index of the two texts' sets of character n-grams. Word n-grams do not
work for Thai and Chinese, and one changed word would change half of a question's word n-grams. The
index is computed exactly with SciPy's sparse products; MinHash (datasketch) takes longer at this
size and may miss pairs. A sentence does not count as a near duplicate of a longer passage that
contains it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy import sparse

from hybridbatch.data.dedup import normalize
from hybridbatch.runtime.logs import Progress

# The column of a train set that each side of a benchmark is compared with.
SIDES = {"queries": "question", "candidates": "passage"}
PAIR_SCHEMA = pa.schema(
    [
        ("benchmark", pa.string()),
        ("side", pa.string()),
        ("benchmark_id", pa.string()),
        ("benchmark_text", pa.string()),
        ("train_text", pa.string()),
        ("similarity", pa.float64()),
        ("exact", pa.bool_()),  # the same text up to case, white space and Unicode normalisation
    ]
)
COLUMNS = [
    "corpus",
    "language",
    "benchmark",
    "side",
    "benchmark_texts",  # queries or candidates
    "exact",  # benchmark texts with an exact duplicate in the train set
    "near",  # benchmark texts with a near duplicate only
    "share",  # exact and near together, as a fraction of the benchmark texts
    "train_texts",  # distinct questions or passages
    "train_exact",
    "train_near",
]
_BLOCK = 5_000  # train texts processed at a time; bounds memory
_CANDIDATES = 100_000  # pairs compared at a time; bounds memory
_ROUNDING = 1e-9  # tolerance for binary fractions, so that ceil(0.8 * 10) is 8


@dataclass(frozen=True)
class ContaminationConfig:
    """What counts as a near duplicate."""

    ngram: int  # characters
    threshold: float  # least Jaccard index


def ngrams(text: str, n: int) -> set[str]:
    """The character n-grams of `text`; a text shorter than `n` is its own single n-gram."""
    return {text[i : i + n] for i in range(max(1, len(text) - n + 1))} if text else set()


class Index:
    """The texts of a benchmark, indexed for comparison with many other texts.

    Prefix filtering (Chaudhuri, Ganti and Kaushik 2006): if the Jaccard index of two sets reaches
    t, the first holds at least a fraction t of the second. It therefore holds one of any
    (1 - t)|second| + 1 members of the second. Only pairs that share one of that many rarest n-grams
    are compared.
    """

    def __init__(self, texts: Sequence[str], config: ContaminationConfig) -> None:
        self._config = config
        sets = [ngrams(text, config.ngram) for text in texts]
        distinct = dict.fromkeys(chain.from_iterable(sets))
        self._column = {gram: i for i, gram in enumerate(distinct)}
        self._grams = self._matrix(sets)

    def similar(self, texts: Sequence[str]) -> list[tuple[int, int, float]]:
        """(position in `texts`, position in the benchmark, Jaccard index) of all similar pairs.

        A pair is similar if its index reaches the threshold. Texts are not normalised here. An
        empty text is similar to none.
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
    """Similar pairs (PAIR_SCHEMA), most similar first, and counts for each benchmark and side.

    train: a train set (filtering.TRAIN_SCHEMA). benchmarks: by name and side, tables in the same
    language that begin with id and text. The counts have COLUMNS except corpus, language and share.
    """
    pairs, counts = [], []
    for side, column in SIDES.items():
        # All benchmarks at once, since most of the time goes into the train set's n-grams.
        tests = [
            (name, id_, text)
            for name, sides in benchmarks.items()
            for id_, text in zip(*(c.to_pylist() for c in sides[side].columns[:2]), strict=True)
        ]
        tests_normal = [normalize(text) for _, _, text in tests]
        index = Index(tests_normal, config)
        seen: set[int] = set()  # hashes, since the texts of a large corpus would not fit in memory
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
    """A frame with COLUMNS, from the counts of `duplicates` with their corpus and language."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["share"] = (frame["exact"] + frame["near"]) / frame["benchmark_texts"]
    return frame


def _rarest(grams: sparse.csr_array, frequencies: np.ndarray, threshold: float) -> sparse.csr_array:
    """For each row with n n-grams, keep the n - ceil(threshold n) + 1 least frequent ones."""
    sizes = np.diff(grams.indptr)
    rows = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((frequencies[grams.indices], rows))
    place = np.arange(len(rows)) - np.repeat(grams.indptr[:-1], sizes)
    least = np.ceil(threshold * sizes - _ROUNDING).astype(int)
    kept = place < np.repeat(sizes - least + 1, sizes)
    cells = (rows[kept], grams.indices[order][kept])
    return sparse.csr_array((np.ones(len(cells[0]), np.int32), cells), shape=grams.shape)
