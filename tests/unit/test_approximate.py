"""Ranks by an approximate index: found ones are in exact order, the others count as not found."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import pytrec_eval

from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.approximate import (
    index_metrics,
    index_recall,
    ranks_in_runs,
    search_pools,
)
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.metrics import INDEX_DEPTHS
from hybridbatch.evaluation.per_query import query_metrics, relevant_ranks
from hybridbatch.evaluation.reproduction import reproduction_table
from hybridbatch.retrieval.index import (
    EXACT,
    RUN_SCHEMA,
    SearchConfig,
    merge_parts,
    with_exact,
    without_exact,
)
from hybridbatch.retrieval.vectors import Pool
from hybridbatch.tables.scores import benchmark_spec, tidy

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


def test_scores_of_an_index_say_so_and_stand_beside_no_published_figure(case):
    ranks, runs = _ranked(case, IVF)
    frames = {("en", 0): index_metrics(ranks, SEEN, runs, IVF.index).to_pandas()}
    statistics = StatisticsConfig(confidence=0.95, resamples=50, seed=0)
    cells = score_system(frames, ["en", "es", "fr"], SEEN, statistics)
    assert set(cells["index"]) == {"IVF8,Flat"}
    assert "rank_distance" not in set(cells["metric"])
    assert {"index_recall_10", "index_recall_100"} <= set(cells["metric"])
    names = {"benchmark": "xquad_r", "encoder": "xlm-r", "sampling": "hybrid"}
    of_paper = {"table": 3, **names, "setting": "monolingual", "metric": "map", "language": "en"}
    published = pd.DataFrame([of_paper | {"published": 0.8}])
    table = tidy("xquad_r", benchmark_spec("XQuAD-R"), [cells.assign(**names)], published)
    assert set(table["index"]) == {"IVF8,Flat"}
    assert table["published"].isna().all()
    exact = cells.drop(columns="index").assign(**names)
    table = tidy("xquad_r", benchmark_spec("XQuAD-R"), [exact], published)
    assert table["published"].tolist().count(0.8) == 1
    graded = reproduction_table(published, [cells.assign(**names)], "paper", 0.95)
    assert graded["grade"].tolist() == ["not run"]


def test_the_exact_run_is_as_deep_as_any_recall_of_the_index_needs():
    assert IVF.exact().depth == max(INDEX_DEPTHS.values())


def test_parts_with_an_exact_run_are_merged_apart():
    def part(*scores: tuple[str, float]) -> pa.Table:
        rows = [
            {"query_id": "q", "candidate_id": id_, "score": score, "rank": rank}
            for rank, (id_, score) in enumerate(scores, 1)
        ]
        return pa.Table.from_pylist(rows, schema=RUN_SCHEMA)

    first = with_exact(part(("a", 0.9)), part(("a", 0.9), ("b", 0.8)))
    second = with_exact(part(("d", 0.7)), part(("c", 0.95), ("d", 0.7)))
    run, exact = without_exact(merge_parts([first, second], 10, "here"))
    assert run["candidate_id"].to_pylist() == ["a", "d"]
    assert exact["candidate_id"].to_pylist() == ["c", "a", "b", "d"]
    assert exact["rank"].to_pylist() == [1, 2, 3, 4]
    alone, nothing = without_exact(merge_parts([part(("a", 0.9))], 10, "here"))
    assert alone["candidate_id"].to_pylist() == ["a"]
    assert nothing is None
