"""Metrics: cases worked out by hand, and trec_eval's figures on random rankings."""

from math import log2

import numpy as np
import pytest
import pytrec_eval

from hybridbatch.evaluation.metrics import (
    METRICS,
    average_precision,
    ndcg_at,
    rank_distance,
    recall_at,
)

pytestmark = pytest.mark.filterwarnings("error")


def _case(*ranks: int) -> tuple[np.ndarray, np.ndarray]:
    """The ranks of one query's relevant candidates, and the query each belongs to."""
    return np.array(ranks), np.zeros(len(ranks), dtype=int)


@pytest.mark.parametrize(
    ("ranks", "relevant", "expected"),
    [
        ((1,), 1, 1),
        ((4,), 1, 1 / 4),
        ((1, 3), 2, (1 / 1 + 2 / 3) / 2),
        ((5, 2), 2, (1 / 2 + 2 / 5) / 2),
        ((2, 3), 4, (1 / 2 + 2 / 3) / 4),  # two of the four were not found
    ],
)
def test_average_precision_by_hand(ranks, relevant, expected):
    value = average_precision(*_case(*ranks), np.array([relevant]))
    assert value == pytest.approx([expected], abs=1e-15)


@pytest.mark.parametrize(
    ("ranks", "relevant", "k", "expected"),
    [
        ((1,), 1, 1, 1),
        ((2,), 1, 1, 0),
        ((10, 11), 2, 10, 1 / 2),
        ((1, 2), 2, 1, 1 / 2),
        ((3,), 4, 10, 1 / 4),
    ],
)
def test_recall_by_hand(ranks, relevant, k, expected):
    assert recall_at(*_case(*ranks), np.array([relevant]), k).tolist() == [expected]


def test_recall_at_10_with_11_relevant_is_at_most_10_elevenths():
    best = recall_at(*_case(*range(1, 12)), np.array([11]), 10)
    assert best == pytest.approx([10 / 11], abs=1e-15)


@pytest.mark.parametrize(
    ("ranks", "relevant", "k", "expected"),
    [
        ((1,), 1, 10, 1),
        ((2,), 1, 10, 1 / log2(3)),
        ((11,), 1, 10, 0),
        ((1, 3), 2, 10, (1 + 1 / log2(4)) / (1 + 1 / log2(3))),
        ((2,), 3, 2, (1 / log2(3)) / (1 + 1 / log2(3))),  # the ideal stops at k
    ],
)
def test_ndcg_by_hand(ranks, relevant, k, expected):
    value = ndcg_at(*_case(*ranks), np.array([relevant]), k)
    assert value == pytest.approx([expected], abs=1e-15)


@pytest.mark.parametrize(("ranks", "expected"), [((3, 12), 9), ((40, 5, 17), 35), ((1, 2), 1)])
def test_rank_distance_by_hand(ranks, expected):
    assert rank_distance(*_case(*ranks), np.array([len(ranks)])).tolist() == [expected]


def test_a_single_relevant_candidate_has_no_rank_distance():
    assert np.isnan(rank_distance(*_case(7), np.array([1]))).all()


def test_values_are_missing_below_the_least_number_of_relevant_candidates_and_only_there():
    """Of every registered metric: what its entry says is what its function does."""
    relevant = np.arange(1, 5)
    query = np.repeat(np.arange(4), relevant)
    ranks = np.concatenate([np.arange(1, n + 1) for n in relevant])
    for name, metric in METRICS.items():
        defined = ~np.isnan(metric.function(ranks, query, relevant))
        assert defined.tolist() == (relevant >= metric.least_relevant).tolist(), name


def test_every_metric_keeps_queries_apart_in_any_order_of_rows():
    ranks, query, relevant = np.array([9, 1, 2, 4]), np.array([1, 0, 1, 0]), np.array([2, 2])
    expected = {
        average_precision: [(1 + 2 / 4) / 2, (1 / 2 + 2 / 9) / 2],
        rank_distance: [3, 7],
    }
    for metric, values in expected.items():
        assert metric(ranks, query, relevant) == pytest.approx(values, abs=1e-15)
    assert recall_at(ranks, query, relevant, 3).tolist() == [0.5, 0.5]
    ideal = 1 + 1 / log2(3)
    gains = [1 + 1 / log2(5), 1 / log2(3) + 1 / log2(10)]
    assert ndcg_at(ranks, query, relevant, 10) == pytest.approx([g / ideal for g in gains])


@pytest.mark.parametrize("seed", range(5))
def test_metrics_are_those_of_trec_eval(seed):
    rng = np.random.default_rng(seed)
    n, cut = 40, 25  # a run holds the first 25 of 40: some relevant are not found
    qrels, run, rows, relevant = {}, {}, [], []
    for number in range(30):
        chosen = rng.choice(n, size=rng.integers(1, 15), replace=False)
        chosen[0] = rng.integers(cut)  # one is found, so that trec_eval reports the query
        chosen = np.unique(chosen)
        name = f"q{number:02d}"
        qrels[name] = {f"d{rank}": 1 for rank in chosen}
        run[name] = {f"d{rank}": float(-rank) for rank in range(cut)}
        rows += [(rank + 1, number) for rank in chosen if rank < cut]
        relevant.append(len(chosen))
    ranks, query = np.array(rng.permutation(rows)).T
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"map", "recall.1,10", "ndcg_cut.10"})
    theirs = evaluator.evaluate(run)
    counts = np.array(relevant)
    ours = {
        "map": average_precision(ranks, query, counts),
        "recall_1": recall_at(ranks, query, counts, 1),
        "recall_10": recall_at(ranks, query, counts, 10),
        "ndcg_cut_10": ndcg_at(ranks, query, counts, 10),
    }
    for name, values in ours.items():
        expected = [theirs[key][name] for key in sorted(theirs)]
        assert values == pytest.approx(expected, abs=1e-9), name
