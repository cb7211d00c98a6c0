"""From vectors to metrics: trec_eval's figures in every pool, also where most scores are tied."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import pytrec_eval

from hybridbatch.benchmarks.miracl import GRADED_SCHEMA
from hybridbatch.evaluation.metrics import RUN, ndcg_at, of_source
from hybridbatch.evaluation.per_query import (
    RANK_SCHEMA,
    query_metrics,
    relevant_ranks,
    run_metrics,
)
from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.retrieval.index import RUN_SCHEMA, merge

pytestmark = pytest.mark.filterwarnings("error")

LANGUAGES = ["de", "ar", "zh", "en"]  # not sorted, as ids are
TRAINED = ["zh", "de"]


@dataclass(frozen=True)
class Case:
    """Queries of one language, candidates of all, and what is relevant."""

    query_ids: list[str]
    queries: np.ndarray
    candidate_ids: dict[str, list[str]]
    candidates: np.ndarray
    qrels: dict[str, list[tuple[str, str]]]

    def ranks(self, seen: list[str]) -> pa.Table:
        return relevant_ranks(
            self.query_ids, self.queries, self.candidate_ids, self.candidates, self.qrels, seen
        )

    def pool(self, languages: list[str]) -> tuple[dict, dict]:
        """trec_eval's qrels and run for the union of the languages, by brute force."""
        vectors, row = {}, 0
        for language, ids in self.candidate_ids.items():
            for id_ in ids:
                if language in languages:
                    vectors[id_] = self.candidates[row].tolist()
                row += 1
        qrels: dict[str, dict[str, int]] = {}
        for language in languages:
            for query, candidate in self.qrels[language]:
                if query in self.query_ids:
                    qrels.setdefault(query, {})[candidate] = 1
        run = {}
        for id_, query in zip(self.query_ids, self.queries.tolist(), strict=True):
            if id_ in qrels:
                run[id_] = {
                    name: float(np.float32(sum(a * b for a, b in zip(query, v, strict=True))))
                    for name, v in vectors.items()
                }
        return qrels, run


def _case(seed: int, tied: bool) -> Case:
    """A ragged case: answers in some languages only, sometimes several in one language.

    Where tied, all vectors are corners of a cube, so that scores have five values and equal
    vectors stand in different languages and paragraphs.
    """
    rng = np.random.default_rng(seed)
    candidate_ids = {
        code: [f"{code}:{i // 4:03d}.000:{i % 4:03d}" for i in range(rng.integers(12, 40))]
        for code in LANGUAGES
    }
    query_ids = [f"q{i}" for i in rng.permutation(30)]
    qrels: dict[str, list[tuple[str, str]]] = {code: [] for code in LANGUAGES}
    for query in [*query_ids, "of another language"]:
        own = rng.random(len(LANGUAGES)) < 0.6
        own[rng.integers(len(LANGUAGES))] = True
        for code in np.array(LANGUAGES)[own]:
            several = rng.choice([1, 1, 1, 2, 12])
            chosen = rng.choice(candidate_ids[code], size=several, replace=False)
            qrels[code] += [(query, str(candidate)) for candidate in chosen]
    shape = (sum(map(len, candidate_ids.values())), 4)
    if tied:
        candidates, queries = (rng.choice([-0.5, 0.5], size=(n, 4)) for n in (shape[0], 30))
    else:
        candidates, queries = (rng.normal(size=(n, 4)) for n in (shape[0], 30))
        candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
        copied = rng.choice(shape[0], size=(2, 20))
        candidates[copied[0]] = candidates[copied[1]]
    return Case(
        query_ids,
        queries.astype(np.float32),
        candidate_ids,
        candidates.astype(np.float32),
        qrels,
    )


def _pools(seen: list[str]) -> dict[str, list[str]]:
    """A monolingual or cross-lingual pool for each language, the multilingual one, and `seen`."""
    return {**{code: [code] for code in LANGUAGES}, ALL: LANGUAGES, SEEN: seen}


def _rows(table: pa.Table, pool: str) -> dict[str, dict]:
    return {row["query_id"]: row for row in table.to_pylist() if row["candidates"] == pool}


def _rank_distance(qrels: dict[str, int], scores: dict[str, float]) -> int | None:
    if len(qrels) < 2:
        return None
    order = sorted(scores, key=lambda id_: (scores[id_], id_), reverse=True)
    found = [order.index(id_) for id_ in qrels]
    return max(found) - min(found)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_metrics_of_every_pool_are_those_of_trec_eval(seed, tied):
    case = _case(seed, tied)
    table = query_metrics(case.ranks(TRAINED), TRAINED)
    assert set(table["candidates"].to_pylist()) == {*LANGUAGES, ALL, SEEN}
    for pool, languages in _pools(TRAINED).items():
        qrels, run = case.pool(languages)
        theirs = pytrec_eval.RelevanceEvaluator(qrels, {"map", "recall.1,10"}).evaluate(run)
        ours = _rows(table, pool)
        assert set(ours) == set(qrels)
        for query, row in ours.items():
            for metric in ("map", "recall_1", "recall_10"):
                assert row[metric] == pytest.approx(theirs[query][metric], abs=1e-9)
            assert row["relevant"] == len(qrels[query])
            assert row["rank_distance"] == _rank_distance(qrels[query], run[query])


@pytest.mark.parametrize("seed", range(6))
def test_ndcg_from_the_ranks_is_that_of_trec_eval(seed):
    case = _case(seed, tied=True)
    table = case.ranks(TRAINED).to_pandas()
    for pool, languages in _pools(TRAINED).items():
        qrels, run = case.pool(languages)
        theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"}).evaluate(run)
        part = table[table["candidate_language"].isin(languages)]
        column = {ALL: "rank_all", SEEN: "rank_seen"}.get(pool, "rank_language")
        ids, query = np.unique(part["query_id"], return_inverse=True)
        ranks = part[column].to_numpy().astype(int)
        ours = ndcg_at(ranks, query, np.bincount(query), 10)
        expected = [theirs[id_]["ndcg_cut_10"] for id_ in ids]
        assert ours == pytest.approx(expected, abs=1e-9)


def test_tied_cases_have_many_ties_across_languages():
    case = _case(0, tied=True)
    _, run = case.pool(LANGUAGES)
    for scores in run.values():
        assert len(set(scores.values())) <= 5
    owners: dict[bytes, set[str]] = {}
    rows = iter(case.candidates)
    for language, ids in case.candidate_ids.items():
        for _ in ids:
            owners.setdefault(next(rows).tobytes(), set()).add(language)
    assert max(map(len, owners.values())) == len(LANGUAGES)


# Query a: its answers score 1 in en (second of en, as en:1 ties with a greater id), 0.6 in fr.
# Query b: answered in fr only, by two candidates.
SMALL = Case(
    ["a", "b"],
    np.array([[1, 0], [0, 1]], dtype=np.float32),
    {"en": ["en:0", "en:1"], "fr": ["fr:0", "fr:1", "fr:2"]},
    np.array([[1, 0], [1, 0], [0.6, 0.8], [0, 1], [-1, 0]], dtype=np.float32),
    {"en": [("a", "en:0"), ("c", "en:1")], "fr": [("a", "fr:0"), ("b", "fr:2"), ("b", "fr:1")]},
)


def test_ranks_by_hand():
    table = SMALL.ranks(["en"])
    assert table.schema == RANK_SCHEMA
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("a", "en:0", "en", 2, 2, 2),
        ("a", "fr:0", "fr", 1, 3, None),
        ("b", "fr:1", "fr", 1, 1, None),
        ("b", "fr:2", "fr", 3, 3, None),
    ]


def test_metrics_by_hand():
    table = query_metrics(SMALL.ranks(["en", "fr"]), ["en", "fr"])
    names = ["query_id", "candidates", "relevant", "map", "recall_1", "recall_10", "rank_distance"]
    assert table.column_names == names
    both = {
        ("a", 2, (1 / 2 + 2 / 3) / 2, 0, 1, 1),
        ("b", 2, (1 + 2 / 3) / 2, 1 / 2, 1, 2),
    }
    for pool, expected in {
        "en": {("a", 1, 1 / 2, 0, 1, None)},
        "fr": {("a", 1, 1, 1, 1, None), ("b", 2, (1 + 2 / 3) / 2, 1 / 2, 1, 2)},
        ALL: both,
        SEEN: both,
    }.items():
        rows = _rows(table, pool).values()
        found = {tuple(v for k, v in row.items() if k != "candidates") for row in rows}
        assert found == expected, pool


def test_query_without_an_answer_in_a_language_is_absent_there_and_not_0():
    table = query_metrics(SMALL.ranks(["en"]), ["en"])
    assert list(_rows(table, "en")) == ["a"]
    assert list(_rows(table, SEEN)) == ["a"]
    assert list(_rows(table, ALL)) == ["a", "b"]


def test_judgements_of_other_queries_do_not_count():
    ranks = SMALL.ranks([])
    assert set(ranks["query_id"].to_pylist()) == {"a", "b"}


def test_without_training_languages_there_is_no_seen_pool():
    ranks = SMALL.ranks([])
    assert ranks["rank_seen"].null_count == len(ranks)
    assert set(query_metrics(ranks, [])["candidates"].to_pylist()) == {"en", "fr", ALL}


def test_with_all_languages_trained_the_seen_pool_is_the_whole():
    ranks = SMALL.ranks(["fr", "en"])
    assert ranks["rank_seen"].to_pylist() == ranks["rank_all"].to_pylist()


def test_rows_are_sorted_by_query_within_a_pool():
    table = query_metrics(_case(0, tied=True).ranks(TRAINED), TRAINED)
    for pool in {*LANGUAGES, ALL, SEEN}:
        ids = list(_rows(table, pool))
        assert ids == sorted(ids)


# Runs, which have the first passages only.


def _graded(rows: list[tuple[str, str, int]]) -> pa.Table:
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=GRADED_SCHEMA)


@pytest.mark.parametrize("seed", range(4))
def test_metrics_of_a_run_are_trec_evals_with_c(seed):
    """Queries that the run lacks, relevant passages it lacks, grades of 0, ties."""
    rng = np.random.default_rng(seed)
    run: dict[str, dict[str, float]] = {}
    graded = []
    for q in range(12):
        documents = [f"{i * 37 % 1009}#{i % 3}" for i in rng.choice(900, 250, replace=False)]
        grades = [int(i % 3 > 0) for i in range(30)] if q != 5 else [0] * 30
        places = rng.choice(250, 30, replace=False)
        graded += [(f"{q}", documents[p], g) for p, g in zip(places, grades, strict=True)]
        graded += [(f"{q}", f"nowhere#{q}", 1)] if q % 2 else []
        if q != 7:
            scores = rng.integers(0, 40, 250).astype(np.float32)
            run[f"{q}"] = dict(zip(documents, scores.tolist(), strict=True))
    rows = [(q, d, s, 0) for q, scores in run.items() for d, s in scores.items()]
    table = pa.table([list(c) for c in zip(*rows, strict=True)], schema=RUN_SCHEMA)
    found = run_metrics(merge([table], 100, "here"), _graded(graded), "sw").to_pydict()
    qrels: dict[str, dict[str, int]] = {}
    for query, document, grade in graded:
        qrels.setdefault(query, {})[document] = grade
    names = {"ndcg_10": "ndcg_cut_10", "recall_100": "recall_100"}
    assert set(names) == set(of_source(RUN))
    theirs = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "recall.100"}).evaluate(run)
    assert found["query_id"] == [f"sw:{query}" for query in sorted(qrels)]
    for name, their_name in names.items():
        for query, value in zip(sorted(qrels), found[name], strict=True):
            expected = theirs[query][their_name] if query in run else 0.0
            assert value == pytest.approx(expected, abs=1e-9)
    assert found["relevant"][sorted(qrels).index("5")] == 1  # the one that is nowhere
    assert set(found["candidates"]) == {"sw"}


def test_a_query_without_a_relevant_passage_scores_0():
    run = pa.table([["1"], ["a"], [0.5], [1]], schema=RUN_SCHEMA)
    found = run_metrics(run, _graded([("1", "a", 0)]), "fi").to_pydict()
    assert (found["relevant"], found["ndcg_10"], found["recall_100"]) == ([0], [0.0], [0.0])
