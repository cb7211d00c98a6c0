"""Ranks by an approximate index: found ones are in exact order, the others count as not found."""

import numpy as np
import pyarrow as pa
import pytest
import pytrec_eval

from hybridbatch.evaluation.approximate import (
    index_metrics,
    index_recall,
    ranks_in_runs,
    search_pools,
)
from hybridbatch.evaluation.per_query import query_metrics, relevant_ranks
from hybridbatch.retrieval.index import EXACT, SearchConfig
from hybridbatch.retrieval.vectors import Pool

SEEN = ["en", "es"]
IVF = SearchConfig("IVF8,Flat", depth=20, index_parameters="nprobe=1")


def _unit(rng: np.random.Generator, n: int) -> np.ndarray:
    rows = rng.normal(size=(n, 6))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def case() -> tuple[list[str], np.ndarray, Pool, dict[str, list[tuple[str, str]]]]:
    """30 queries with an answer in each of three languages of 400 candidates."""
    rng = np.random.default_rng(0)
    ids = {code: [f"{code}:{i:04d}" for i in range(400)] for code in ("en", "es", "fr")}
    query_ids = [f"q{i:02d}" for i in range(30)]
    queries = _unit(rng, 30)
    candidates = _unit(rng, 1200)
    # Answers lie near their queries, so that an index that misses them is seen to.
    for number in range(len(ids)):
        near = queries + 0.3 * _unit(rng, 30)
        candidates[400 * number : 400 * number + 30] = near / np.linalg.norm(
            near, axis=1, keepdims=True
        )
    qrels = {code: list(zip(query_ids, ids[code][:30], strict=True)) for code in ids}
    return query_ids, queries, Pool({"en": queries}, ids, candidates), qrels


def _ranked(case, config: SearchConfig) -> tuple[pa.Table, dict]:
    query_ids, queries, pool, qrels = case
    runs = search_pools(query_ids, queries, pool, SEEN, config)
    return ranks_in_runs(query_ids, pool.candidate_ids, qrels, SEEN, runs), runs


def test_an_index_that_compares_all_gives_the_exact_ranks(case):
    query_ids, queries, pool, qrels = case
    ranks, runs = _ranked(case, SearchConfig(EXACT, depth=1200))
    expected = relevant_ranks(query_ids, queries, pool.candidate_ids, pool.candidates, qrels, SEEN)
    assert ranks.equals(expected)
    metrics = index_metrics(ranks, SEEN, runs, EXACT)
    exact = query_metrics(expected, SEEN).drop_columns("rank_distance")
    assert metrics.select(exact.column_names).equals(exact)
    for name in ("index_recall_10", "index_recall_100"):
        assert set(metrics[name].to_pylist()) == {1.0}


def test_what_an_index_misses_has_no_rank_and_counts_as_not_found(case):
    ranks, runs = _ranked(case, IVF)
    assert 0 < ranks["rank_all"].null_count < len(ranks)
    metrics = index_metrics(ranks, SEEN, runs, IVF.index)
    assert set(metrics["index"].to_pylist()) == {"IVF8,Flat"}
    assert "rank_distance" not in metrics.column_names
    assert np.mean(metrics["index_recall_10"].to_pylist()) < 1
    # trec_eval, given the runs, has the same figures.
    _, _, _, qrels = case
    for pool, members in (("all", ("en", "es", "fr")), ("seen", SEEN), ("fr", ("fr",))):
        judged: dict[str, dict[str, int]] = {}
        for code in members:
            for query, candidate in qrels[code]:
                judged.setdefault(query, {})[candidate] = 1
        run: dict[str, dict[str, float]] = {query: {} for query in judged}
        for row in runs[pool][0].to_pylist():
            run[row["query_id"]][row["candidate_id"]] = row["score"]
        theirs = pytrec_eval.RelevanceEvaluator(judged, {"map", "recall_10"}).evaluate(run)
        ours = [r for r in metrics.to_pylist() if r["candidates"] == pool]
        assert len(ours) == len(theirs) == 30
        for row in ours:
            assert row["map"] == pytest.approx(theirs[row["query_id"]]["map"], abs=1e-9)
            assert row["recall_10"] == pytest.approx(theirs[row["query_id"]]["recall_10"], abs=1e-9)


def test_recall_against_exact_is_the_share_of_the_first_k():
    def run(*candidates: str) -> pa.Table:
        rows = [
            {"query_id": "q", "candidate_id": id_, "score": 1.0, "rank": rank}
            for rank, id_ in enumerate(candidates, 1)
        ]
        return pa.Table.from_pylist(rows)

    exact = run(*(f"c{i}" for i in range(20)))
    # Two of the exact first ten are missed, one stands behind the tenth place.
    found = run("c0", "c1", "c2", "c3", "c4", "c5", "c6", "x", "y", "z", "c7")
    assert index_recall(found, exact, "index_recall_10") == {"q": pytest.approx(0.7)}
    assert index_recall(found, exact, "index_recall_100") == {"q": pytest.approx(8 / 20)}
