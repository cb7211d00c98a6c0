"""Ranks over full pools: exact scores, ties by descending id, and FAISS where there are none."""

import faiss
import numpy as np
import pytest

from hybridbatch.retrieval import ranking
from hybridbatch.retrieval.ranking import exact_scores, ranks_by_language

pytestmark = pytest.mark.filterwarnings("error")


def _unit(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    vectors = rng.normal(size=(n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _few_scores(rng: np.random.Generator, n: int) -> np.ndarray:
    """Unit vectors whose inner products are -1, -1/2, 0, 1/2 or 1."""
    return rng.choice(np.array([-0.5, 0.5], dtype=np.float32), size=(n, 4))


def _brute(
    queries: np.ndarray,
    candidates: np.ndarray,
    sizes: list[int],
    identifiers: list[str],
    pairs: list[tuple[int, int]],
) -> list[list[int]]:
    """Counts of candidates before each relevant one, by sorting (score, id) descending."""
    language = np.repeat(np.arange(len(sizes)), sizes)
    result = []
    for query, candidate in pairs:
        rows = zip(*(queries[query] * candidates).astype(float).T.tolist(), strict=True)
        scores = [float(np.float32(sum(products))) for products in rows]
        key = list(zip(scores, identifiers, strict=True))
        ahead = [i for i in range(len(key)) if key[i] > key[candidate]]
        result.append([sum(language[i] == code for i in ahead) for code in range(len(sizes))])
    return result


def test_scores_are_inner_products_rounded_once_to_float32():
    rng = np.random.default_rng(0)
    queries, candidates = _unit(rng, 5, 33), _unit(rng, 7, 33)
    scores = exact_scores(queries, candidates)
    assert scores.dtype == np.float32
    exact = [[np.float32(q.astype(float) @ c.astype(float)) for c in candidates] for q in queries]
    assert scores.tolist() == exact


@pytest.mark.parametrize("d", [3, 64, 257])
@pytest.mark.parametrize("n", [17, 1000])
def test_equal_vectors_score_equal_wherever_they_stand(d, n):
    rng = np.random.default_rng(d + n)
    distinct = _unit(rng, 10, d)
    which = rng.integers(len(distinct), size=n)
    scores = exact_scores(_unit(rng, 31, d), distinct[which])
    for number in range(len(distinct)):
        same = scores[:, which == number]
        assert (same == same[:, :1]).all()


def test_equal_queries_get_equal_scores_wherever_they_stand():
    rng = np.random.default_rng(1)
    queries = _unit(rng, 4, 100)
    which = rng.integers(len(queries), size=200)
    scores = exact_scores(queries[which], _unit(rng, 50, 100))
    for number in range(len(queries)):
        assert (scores[which == number] == scores[which == number][0]).all()


def test_ties_stand_in_descending_order_of_id():
    vector = np.ones((1, 1), dtype=np.float32)
    identifiers = ["a:2", "a:10", "b:1", "b:11", "B:9"]  # in order: B:9 a:10 a:2 b:1 b:11
    before = ranks_by_language(
        vector,
        np.repeat(vector, 5, axis=0),
        np.array([2, 3]),
        identifiers,
        np.zeros(5, dtype=int),
        np.arange(5),
    )
    assert before.tolist() == [[0, 2], [1, 2], [0, 1], [0, 0], [2, 2]]


def test_higher_score_stands_before_a_greater_id():
    candidates = np.array([[0.6, 0.8], [1, 0]], dtype=np.float32)
    before = ranks_by_language(
        np.array([[1, 0]], dtype=np.float32),
        candidates,
        np.array([1, 1]),
        ["z", "a"],
        np.array([0, 0]),
        np.array([0, 1]),
    )
    assert before.tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scores_a_block", [1, 100, 4_000_000])
def test_ranks_agree_with_sorting_by_score_and_id(monkeypatch, seed, scores_a_block):
    monkeypatch.setattr(ranking, "SCORES_A_BLOCK", scores_a_block)
    rng = np.random.default_rng(seed)
    sizes = [9, 1, 14]
    candidates, queries = _few_scores(rng, sum(sizes)), _few_scores(rng, 11)
    identifiers = [f"id{i}" for i in rng.permutation(sum(sizes))]
    pairs = [(int(q), int(c)) for q in range(11) for c in rng.choice(24, size=2, replace=False)]
    query, candidate = np.array(pairs).T
    before = ranks_by_language(queries, candidates, np.array(sizes), identifiers, query, candidate)
    assert before.tolist() == _brute(queries, candidates, sizes, identifiers, pairs)


@pytest.mark.parametrize("seed", range(3))
def test_ranks_are_those_of_a_faiss_search_where_there_are_no_ties(seed):
    rng = np.random.default_rng(seed)
    queries, candidates = _unit(rng, 8, 16), _unit(rng, 60, 16)
    ordered = np.sort(exact_scores(queries, candidates), axis=1)
    assert np.diff(ordered, axis=1).min() > 1e-6, "the case must be free of near ties"
    index = faiss.IndexFlatIP(16)
    index.add(candidates)
    _, found = index.search(queries, 60)
    query, candidate = np.divmod(np.arange(8 * 60), 60)
    before = ranks_by_language(
        queries, candidates, np.array([25, 35]), [f"{i:02d}" for i in range(60)], query, candidate
    )
    place = np.argsort(found, axis=1)  # where FAISS has candidate 0, 1, ...
    assert before.sum(1).tolist() == place.ravel().tolist()
