"""Exported rankings: trec_eval's figures of them are the workflow's, ties and cuts included."""

from pathlib import Path

import numpy as np
import pytest
import pytrec_eval

from hybridbatch.evaluation.per_query import query_metrics, relevant_ranks
from hybridbatch.evaluation.settings import ALL
from hybridbatch.retrieval.runs import first_places, judgements, run_rows
from hybridbatch.retrieval.trec import write_qrels, write_run
from hybridbatch.runtime.errors import DataError

QUERIES = ["q3", "q1", "q2"]


def test_judgements_are_in_the_queries_order_and_of_those_queries():
    pairs = [("q1", "b"), ("q3", "a"), ("other", "a"), ("q1", "a")]
    assert judgements(QUERIES, pairs) == [("q3", "a", 1), ("q1", "b", 1), ("q1", "a", 1)]


@pytest.mark.parametrize(
    ("depth", "columns"),
    [(1, [3]), (2, [3, 2]), (3, [3, 2, 0]), (4, [3, 2, 0, 1]), (5, [3, 2, 0, 1, 4]), (9, None)],
)
def test_first_places_break_ties_by_the_greater_place(depth, columns):
    scores = np.array([0.5, 0.5, 0.5, 0.9, -1.0], dtype=np.float32)
    place = np.array([1, 0, 4, 2, 3])
    found = first_places(scores, place, depth).tolist()
    assert found == (columns or [3, 2, 0, 1, 4])


def _vectors(rng: np.random.Generator, n: int, tied: bool) -> np.ndarray:
    """Unit vectors; where tied, corners of a cube, whose inner products have five values."""
    if tied:
        return rng.choice([-0.5, 0.5], size=(n, 4)).astype(np.float32)
    vectors = rng.normal(size=(n, 4))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("block", [7, 4_000_000])
@pytest.mark.parametrize("tied", [True, False])
def test_trec_eval_of_an_export_gives_the_workflows_metrics(tmp_path, monkeypatch, tied, block):
    monkeypatch.setattr("hybridbatch.retrieval.runs.SCORES_A_BLOCK", block)
    rng = np.random.default_rng(5)
    candidate_ids = {code: [f"{code}:{i:03d}" for i in range(40)] for code in ("es", "en")}
    names = [id_ for ids in candidate_ids.values() for id_ in ids]
    query_ids = [f"q{i}" for i in rng.permutation(25)]
    qrels = {
        code: [(q, str(c)) for q in query_ids for c in rng.choice(ids, 2, replace=False)]
        for code, ids in candidate_ids.items()
    }
    queries, candidates = _vectors(rng, 25, tied), _vectors(rng, 80, tied)
    ranks = relevant_ranks(query_ids, queries, candidate_ids, candidates, qrels, [])
    table = query_metrics(ranks, []).to_pylist()
    for pool, part in ((ALL, slice(0, 80)), ("en", slice(40, 80))):
        pairs = [pair for code in ([pool] if pool == "en" else qrels) for pair in qrels[code]]
        rows = run_rows(query_ids, queries, names[part], candidates[part], depth=1000)
        scores = _trec_eval(tmp_path, rows, judgements(query_ids, pairs))
        ours = {row["query_id"]: row for row in table if row["candidates"] == pool}
        assert set(scores) == set(ours) == set(query_ids)
        for query, row in ours.items():
            for name in ("map", "recall_1", "recall_10"):
                assert scores[query][name] == pytest.approx(row[name], abs=1e-9)


def _trec_eval(folder: Path, rows, judged) -> dict[str, dict[str, float]]:
    write_run(folder / "a.run", rows, "tag")
    write_qrels(folder / "a.qrels", judged)
    with (folder / "a.run").open() as run, (folder / "a.qrels").open() as qrels:
        evaluator = pytrec_eval.RelevanceEvaluator(
            pytrec_eval.parse_qrel(qrels), {"map", "recall.1,10"}
        )
        return evaluator.evaluate(pytrec_eval.parse_run(run))


@pytest.mark.parametrize("tied", [True, False])
def test_a_cut_run_is_the_beginning_of_the_whole_one(tmp_path, tied):
    rng = np.random.default_rng(1)
    queries, candidates = _vectors(rng, 3, tied), _vectors(rng, 50, tied)
    ids = [f"d{i}" for i in rng.permutation(50)]
    whole = list(run_rows(QUERIES, queries, ids, candidates, depth=50))
    cut = list(run_rows(QUERIES, queries, ids, candidates, depth=7))
    assert cut == [row for i in range(3) for row in whole[50 * i : 50 * i + 7]]
    write_run(tmp_path / "a.run", cut, "tag")
    lines = (line.split() for line in (tmp_path / "a.run").read_text().splitlines())
    assert [(query, id_) for query, _, id_, *_ in lines] == [row[:2] for row in cut]


def test_ids_and_vectors_that_differ_in_number_are_refused():
    vectors = np.eye(3, dtype=np.float32)
    with pytest.raises(DataError, match="2 candidates have 3 vectors; encode them again"):
        list(run_rows(QUERIES, vectors, ["a", "b"], vectors, 1))
    with pytest.raises(DataError, match="3 queries have 2 vectors"):
        list(run_rows(QUERIES, vectors[:2], ["a", "b", "c"], vectors, 1))
