"""Language bias of multilingual rankings, query by query: shares, mean ranks, rank correlations.

All are computed from the ranking of a pool of several languages (`all` or `seen`, see
per_query.py), for the queries of one of its languages. docs/metrics.md has definitions and sources.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.retrieval.ranking import SCORES_A_BLOCK, exact_scores

SHARE, MEAN_RANK, CORRELATION = MEASURES = ("share_at_k", "mean_rank", "rank_correlation")
SAME, OTHER = "same", "other"
CUTOFFS = (10, 100)
BIAS_SCHEMA = pa.schema(
    [
        ("pool", pa.string()),
        ("measure", pa.string()),
        ("query_language", pa.string()),
        ("candidate_language", pa.string()),  # or `same`, `other`, or the other query's language
        ("k", pa.int64()),  # cutoff of shares, else null
        ("query_id", pa.string()),
        ("value", pa.float64()),
        ("fair", pa.float64()),  # fair share, else null
    ]
)


def measure_rankings(
    query_ids: dict[str, list[str]],
    queries: dict[str, np.ndarray],
    candidate_ids: dict[str, list[str]],
    candidates: np.ndarray,
    seen: Sequence[str],
) -> pa.Table:
    """Shares and rank correlations of every query, in each pool: a BIAS_SCHEMA table.

    query_ids, queries: ids and unit vectors float32 [q, d] of each language's queries; a question
    has the same id in every language. candidates: float32 [n, d], grouped by language in the order
    of `candidate_ids`. seen: the training languages. Full rankings are made for one block of
    questions at a time, so that memory does not grow with the number of questions. Each correlation
    is given once, for the pair of languages in the order of `candidate_ids`.
    """
    languages = list(candidate_ids)
    identifiers = [id_ for language in languages for id_ in candidate_ids[language]]
    language_of = np.repeat(languages, [len(candidate_ids[code]) for code in languages])
    columns = by_descending_id(identifiers)
    candidates, language_of = candidates[columns].astype(np.float64), language_of[columns]
    questions = sorted(set().union(*query_ids.values()))
    row_of = _rows(questions, [query_ids[language] for language in languages])
    vectors = np.concatenate([queries[language] for language in languages])
    in_seen = [code for code in languages if code in seen]
    pools = [
        _Pool(name, members, language_of, languages)
        for name, members in ((ALL, languages), (SEEN, in_seen))
        if members
    ]
    block = max(1, SCORES_A_BLOCK // (len(languages) * len(candidates)))
    for first in range(0, len(questions), block):
        rows = row_of[first : first + block]
        asked = rows >= 0
        scores = exact_scores(vectors[rows[asked]], candidates)
        place = np.where(asked, np.cumsum(asked).reshape(asked.shape) - 1, -1)
        for pool in pools:
            pool.measure(scores, place)
    return pa.concat_tables(part for pool in pools for part in pool.tables(questions))


class _Pool:
    """A pool of candidates and its measures, collected block by block of questions."""

    def __init__(self, name: str, languages: list[str], of_all: np.ndarray, all_: list[str]):
        """languages: of the pool; of_all: language of each candidate; all_: all languages."""
        self.name, self.languages = name, languages
        self.members = [all_.index(code) for code in languages]
        self.columns = np.flatnonzero(np.isin(of_all, languages))
        self.language_of = np.array([languages.index(code) for code in of_all[self.columns]])
        self.shares: list[np.ndarray] = []  # [questions, L, L, cutoffs] of each block
        self.rho: list[np.ndarray] = []  # [questions, L, L]

    def measure(self, scores: np.ndarray, place: np.ndarray) -> None:
        """Measure one block of questions.

        scores: float32 [m, all candidates]. place: int [questions, all languages], the rows of
        `scores`; -1 where a language does not have the question.
        """
        place, n = place[:, self.members], len(self.columns)
        size = len(self.languages)
        shares = np.full((*place.shape, size, len(CUTOFFS)), np.nan)
        rho = np.full((*place.shape, size), np.nan)
        for question, rows in enumerate(place):
            asked = np.flatnonzero(rows >= 0)
            ranks = np.empty((len(asked), n))
            for language, rank in zip(asked, ranks, strict=True):
                order = ranking(scores[rows[language], self.columns])
                rank[order] = np.arange(n)
                for i, k in enumerate(CUTOFFS):
                    counts = np.bincount(self.language_of[order[:k]], minlength=size)
                    shares[question, language, :, i] = counts / min(k, n)
            rho[question][np.ix_(asked, asked)] = correlations(ranks)
        self.shares.append(shares)
        self.rho.append(rho)

    def tables(self, questions: list[str]) -> list[pa.Table]:
        """The measures as BIAS_SCHEMA tables."""
        shares, rho = np.concatenate(self.shares), np.concatenate(self.rho)
        sizes = np.bincount(self.language_of, minlength=len(self.languages))
        fair = sizes / sizes.sum()
        tables = [
            self._table(questions, SHARE, shares[..., i], k, fair) for i, k in enumerate(CUTOFFS)
        ]
        rho[:, *np.tril_indices(len(self.languages))] = np.nan
        return [*tables, self._table(questions, CORRELATION, rho, None, None)]

    def _table(
        self,
        questions: list[str],
        measure: str,
        values: np.ndarray,
        k: int | None,
        fair: np.ndarray | None,
    ) -> pa.Table:
        question, asked, candidate = np.nonzero(~np.isnan(values))
        n = len(question)
        names, ids = pa.array(self.languages, pa.string()), pa.array(questions, pa.string())
        columns = {
            "pool": pa.repeat(self.name, n),
            "measure": pa.repeat(measure, n),
            "query_language": names.take(pa.array(asked)),
            "candidate_language": names.take(pa.array(candidate)),
            "k": pa.repeat(pa.scalar(k, pa.int64()), n),
            "query_id": ids.take(pa.array(question)),
            "value": values[question, asked, candidate],
            "fair": pa.nulls(n, pa.float64()) if fair is None else fair[candidate],
        }
        return pa.table(columns, schema=BIAS_SCHEMA)


def by_descending_id(ids: Sequence[str]) -> np.ndarray:
    """The order in which `ranking` takes candidates: at equal scores the greater id is first.

    So it is in trec_eval. ids: all different. Returns int64 [n], the greatest id's place first.
    """
    return np.argsort(np.array(ids))[::-1]


def ranking(scores: np.ndarray) -> np.ndarray:
    """Numbers of the candidates, best first; at equal scores, the smaller number first.

    scores: float32 [n], finite. Returns int64 [n]. The score's bits and the number are sorted as
    one integer, which takes less than half the time of a stable argsort.
    """
    bits = (scores + np.float32(0)).view(np.int32)  # -0 becomes 0
    # The bits of negative floats sort in reverse. The inversion puts the best first.
    descending = ~(bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF)))
    keys = descending.astype(np.int64) << 32
    keys |= np.arange(len(scores))
    keys.sort()
    keys &= 0xFFFFFFFF
    return keys


def correlations(ranks: np.ndarray) -> np.ndarray:
    """Spearman's rho between every two rankings without ties; float64 [m, m].

    ranks: float64 [m, n], each row a permutation of 0 to n - 1. NaN if n is 1.
    """
    n = ranks.shape[1]
    if n < 2:
        return np.full((len(ranks), len(ranks)), np.nan)
    centred = 2 * ranks - (n - 1)  # doubled, so that the values are integers
    return centred @ centred.T / (n * (n**2 - 1) / 3)


def mean_ranks(ranks: pa.Table, language: str, seen: Sequence[str]) -> pa.Table:
    """Mean ranks of a query's answers in its own and in other languages: a BIAS_SCHEMA table.

    ranks: per_query.RANK_SCHEMA, of the queries of `language`. The two means are compared, so only
    queries with an answer in both groups count.
    """
    frame = ranks.to_pandas()
    own = frame["candidate_language"] == language
    frame["candidate_language"] = np.where(own, SAME, OTHER)
    parts = []
    for pool, column in ((ALL, "rank_all"), (SEEN, "rank_seen")):
        if pool == ALL or language in seen:
            groups = frame.dropna(subset=[column]).groupby(["candidate_language", "query_id"])
            means = groups[column].mean().rename("value").reset_index()
            both = means.groupby("query_id")["value"].transform("size") == 2
            parts.append(means[both].assign(pool=pool))
    result = pd.concat(parts).assign(measure=MEAN_RANK, query_language=language, k=None, fair=None)
    return pa.Table.from_pandas(result[BIAS_SCHEMA.names], BIAS_SCHEMA, preserve_index=False)


def _rows(questions: list[str], query_ids: list[list[str]]) -> np.ndarray:
    """int64 [questions, languages]: row of each question in the concatenated queries, or -1."""
    number = {question: i for i, question in enumerate(questions)}
    rows = np.full((len(questions), len(query_ids)), -1)
    start = 0
    for column, ids in enumerate(query_ids):
        rows[[number[id_] for id_ in ids], column] = start + np.arange(len(ids))
        start += len(ids)
    return rows
