"""Language bias, query by query: cases worked out by hand, scipy's figures, bad input."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from hybridbatch.evaluation import language_bias as bias
from hybridbatch.evaluation.language_bias import (
    BIAS_SCHEMA,
    correlations,
    mean_ranks,
    measure_rankings,
    ranking,
)
from hybridbatch.evaluation.per_query import RANK_SCHEMA, relevant_ranks
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import keys_of, read_table, write_table, write_tensors

pytestmark = pytest.mark.filterwarnings("error")

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "measure_bias.py"
IDS = {"de": ["de:0", "de:1", "de:2"], "en": ["en:0"]}


def _measure(scores: dict[str, dict[str, list[float]]], seen=(), ids=IDS) -> pa.Table:
    """Of queries with the given scores, by language and question, of every candidate."""
    n = sum(map(len, ids.values()))
    return measure_rankings(
        {code: list(of_query) for code, of_query in scores.items()},
        {
            code: np.array(list(of_query.values()), dtype=np.float32).reshape(-1, n)
            for code, of_query in scores.items()
        },
        ids,
        np.eye(n, dtype=np.float32),
        seen,
    )


def _values(table: pa.Table, measure: str, pool: str = "all", k: int | None = None) -> dict:
    """{(query language, candidate language, query id): value}."""
    return {
        (row["query_language"], row["candidate_language"], row["query_id"]): row["value"]
        for row in table.to_pylist()
        if (row["measure"], row["pool"], row["k"]) == (measure, pool, k)
    }


# Shares.


def test_shares_by_hand(monkeypatch):
    monkeypatch.setattr(bias, "CUTOFFS", (1, 3))
    table = _measure({"de": {"q": [0.1, 0.4, 0.2, 0.3]}, "en": {"q": [0.1, 0.2, 0.3, 0.4]}})
    assert table.schema == BIAS_SCHEMA
    assert _values(table, "share_at_k", k=1) == {
        ("de", "de", "q"): 1, ("de", "en", "q"): 0, ("en", "de", "q"): 0, ("en", "en", "q"): 1,
    }  # fmt: skip
    assert _values(table, "share_at_k", k=3) == {
        ("de", "de", "q"): 2 / 3, ("de", "en", "q"): 1 / 3,
        ("en", "de", "q"): 2 / 3, ("en", "en", "q"): 1 / 3,
    }  # fmt: skip
    fair = {(r["candidate_language"], r["fair"]) for r in table.to_pylist() if r["k"]}
    assert fair == {("de", 3 / 4), ("en", 1 / 4)}


def test_a_pool_smaller_than_k_is_shared_as_it_is():
    table = _measure({"de": {"q": [0.1, 0.4, 0.2, 0.3]}, "en": {}})
    for k in (10, 100):
        found = _values(table, "share_at_k", k=k)
        assert found == {("de", "de", "q"): 3 / 4, ("de", "en", "q"): 1 / 4}


def test_of_equal_scores_the_greater_id_stands_first(monkeypatch):
    monkeypatch.setattr(bias, "CUTOFFS", (1,))
    table = _measure({"de": {"q": [0.5, 0.5, 0.5, 0.5]}, "en": {"q": [0.5, 0.5, 0.5, 0.4]}})
    shares = _values(table, "share_at_k", k=1)
    assert shares["de", "en", "q"] == 1  # en:0 is greater than de:2
    assert shares["en", "en", "q"] == 0
    # en:0 de:2 de:1 de:0 against de:2 de:1 de:0 en:0.
    assert _values(table, "rank_correlation") == {
        ("de", "en", "q"): pytest.approx(stats.spearmanr([4, 3, 2, 1], [3, 2, 1, 4]).statistic)
    }


def test_pool_seen_has_only_languages_with_training_data(monkeypatch):
    monkeypatch.setattr(bias, "CUTOFFS", (2,))
    ids = {"de": ["de:0"], "en": ["en:0", "en:1"], "es": ["es:0"]}
    scores = [0.1, 0.2, 0.3, 0.4]
    table = _measure({code: {"q": scores} for code in ids}, ["es", "xx", "de"], ids)
    assert _values(table, "share_at_k", "seen", 2) == {
        ("de", "de", "q"): 0.5, ("de", "es", "q"): 0.5,
        ("es", "de", "q"): 0.5, ("es", "es", "q"): 0.5,
    }  # fmt: skip
    assert _values(table, "rank_correlation", "seen") == {("de", "es", "q"): 1}
    assert len(_values(table, "rank_correlation")) == 3
    assert _values(table, "share_at_k", k=2)["de", "en", "q"] == 0.5
    fair = {r["fair"] for r in table.to_pylist() if r["pool"] == "seen" and r["k"]}
    assert fair == {0.5}


# Rank correlation.


def test_correlations_by_hand():
    ranks = np.array([[0, 1, 2], [2, 1, 0], [0, 2, 1.0]])
    expected = [[1, -1, 0.5], [-1, 1, -0.5], [0.5, -0.5, 1]]
    np.testing.assert_allclose(correlations(ranks), expected, rtol=0, atol=1e-15)
    assert np.isnan(correlations(np.zeros((2, 1)))).all()


@pytest.mark.parametrize("n", [2, 3, 50, 20_000])
def test_correlations_are_scipys(n):
    rng = np.random.default_rng(n)
    ranks = np.array([rng.permutation(n) for _ in range(3)], dtype=float)
    found = correlations(ranks)
    assert (np.diag(found) == 1).all()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        expected = stats.spearmanr(ranks[i], ranks[j]).statistic
        assert found[i, j] == pytest.approx(expected, abs=1e-12)


def test_only_questions_that_both_languages_have_are_correlated():
    of_query = [0.1, 0.4, 0.2, 0.3]
    table = _measure({"de": {"a": of_query, "b": of_query}, "en": {"c": of_query, "b": of_query}})
    assert _values(table, "rank_correlation") == {("de", "en", "b"): 1}


FLOATS = st.floats(-1, 1, width=32) | st.sampled_from([0.0, -0.0, 0.5, -0.5])


@given(arrays(np.float32, st.integers(1, 40), elements=FLOATS))
def test_ranking_is_a_stable_sort(scores):
    np.testing.assert_array_equal(ranking(scores), np.argsort(-scores, kind="stable"))


# All together.


def _random(seed: int, tied: bool) -> tuple[dict, dict, dict, np.ndarray]:
    """Queries that not all languages have, and candidates of all; corners of a cube where tied."""
    rng = np.random.default_rng(seed)
    ids = {c: [f"{c}:{i:02d}" for i in range(rng.integers(3, 60))] for c in ("th", "ar", "en")}
    n = sum(map(len, ids.values()))
    asked = {c: [f"q{i}" for i in rng.permutation(20) if rng.random() < 0.7] for c in ids}

    def vectors(count: int) -> np.ndarray:
        found = rng.choice([-0.5, 0.5], (count, 4)) if tied else rng.standard_normal((count, 8))
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    return asked, {c: vectors(len(asked[c])) for c in ids}, ids, vectors(n)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("scores_a_block", [1, 10_000_000])
def test_every_figure_by_brute_force(monkeypatch, tied, scores_a_block):
    monkeypatch.setattr(bias, "SCORES_A_BLOCK", scores_a_block)
    asked, queries, ids, candidates = _random(5, tied)
    table = measure_rankings(asked, queries, ids, candidates, ["en", "ar"])
    number = dict(zip([i for c in ids for i in ids[c]], candidates.astype(float), strict=True))
    count = 0
    for pool, codes in (("all", ["th", "ar", "en"]), ("seen", ["ar", "en"])):
        inside = [i for c in codes for i in ids[c]]
        ranked = {}
        for code in codes:
            for query, vector in zip(asked[code], queries[code].astype(float), strict=True):
                scores = {i: np.float32(vector @ number[i]) for i in inside}
                ranked[code, query] = sorted(inside, key=lambda i: (scores[i], i), reverse=True)
        for k in (10, 100):
            top = {key: order[:k] for key, order in ranked.items()}
            expected = {
                (code, other, query): sum(i.startswith(other) for i in first) / len(first)
                for (code, query), first in top.items()
                for other in codes
            }
            assert _values(table, "share_at_k", pool, k) == pytest.approx(expected, abs=1e-12)
            count += len(expected)
        rho = {
            (a, b, query): stats.spearmanr(
                [ranked[a, query].index(i) for i in inside],
                [ranked[b, query].index(i) for i in inside],
            ).statistic
            for n, a in enumerate(codes)
            for b in codes[n + 1 :]
            for query in set(asked[a]) & set(asked[b])
        }
        assert _values(table, "rank_correlation", pool) == pytest.approx(rho, abs=1e-12)
        count += len(rho)
    assert len(table) == count


# Mean ranks.


def _ranks(*rows: tuple[str, str, int, int | None]) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    return pa.table(
        {
            "query_id": columns[0],
            "candidate_id": [f"{row[1]}:{i}" for i, row in enumerate(rows)],
            "candidate_language": columns[1],
            "rank_language": [1] * len(rows),
            "rank_all": columns[2],
            "rank_seen": columns[3],
        },
        schema=RANK_SCHEMA,
    )


def test_mean_ranks_by_hand():
    ranks = _ranks(
        ("a", "en", 3, 2), ("a", "es", 8, 5), ("a", "zh", 100, None), ("b", "en", 1, 1),
        ("b", "en", 4, 3), ("c", "zh", 7, None),
    )  # fmt: skip
    table = mean_ranks(ranks, "en", ["es", "en"])
    assert table.schema == BIAS_SCHEMA
    assert _values(table, "mean_rank") == {
        ("en", "same", "a"): 3, ("en", "other", "a"): 54,
    }  # fmt: skip
    assert _values(table, "mean_rank", "seen") == {
        ("en", "same", "a"): 2, ("en", "other", "a"): 5,
    }  # fmt: skip
    assert table["k"].null_count == table["fair"].null_count == len(table)


def test_mean_ranks_are_of_queries_with_answers_in_both_groups():
    """Otherwise the two means would be of different queries. Checked on random rankings."""
    rng = np.random.default_rng(2)
    rows = [
        (f"q{query}", code, int(rng.integers(1, 500)), int(rng.integers(1, 90)))
        for query in range(60)
        for code in rng.choice(["en", "es", "zh"], rng.integers(1, 4), replace=False)
    ]
    expected = {}
    for query in {row[0] for row in rows}:
        own = [rank for id_, code, rank, _ in rows if id_ == query and code == "es"]
        other = [rank for id_, code, rank, _ in rows if id_ == query and code != "es"]
        if own and other:
            expected["es", "same", query] = sum(own) / len(own)
            expected["es", "other", query] = sum(other) / len(other)
    assert 10 < len(expected) < 100
    table = mean_ranks(_ranks(*rows), "es", ["es", "en", "zh"])
    assert _values(table, "mean_rank") == pytest.approx(expected)


def test_a_language_without_training_data_has_no_queries_in_pool_seen():
    table = mean_ranks(_ranks(("a", "zh", 3, None), ("a", "en", 9, 4)), "zh", ["en"])
    assert set(table["pool"].to_pylist()) == {"all"}


# Why PEER is not reported.


def test_kruskal_wallis_of_one_answer_a_language_says_nothing():
    rng = np.random.default_rng(0)
    for _ in range(5):
        ranks = rng.choice(13_014, 11, replace=False)
        assert stats.kruskal(*ranks[:, None]).statistic == pytest.approx(10)
        beyond = np.minimum(ranks, 6_000)  # not found: all at one rank
        assert stats.kruskal(*beyond[:, None]).statistic == pytest.approx(10)


# The script, and what does not fit together.


def _job(folder: Path, tied: bool = False) -> SimpleNamespace:
    """Snakemake's object for one model, with files of a random case."""
    asked, queries, ids, candidates = _random(3, tied)
    files: dict[str, list[str]] = {"embeddings": [], "queries": [], "candidates": [], "ranks": []}
    qrels = {c: [(f"q{i}", ids[c][i % len(ids[c])]) for i in range(20)] for c in ids}
    starts = np.cumsum([0, *map(len, ids.values())])
    own = {c: candidates[a:b] for c, a, b in zip(ids, starts, starts[1:], strict=False)}
    for code in ids:
        names = {side: str(folder / f"{code}_{side}") for side in files}
        of = {"benchmark": "quiz", "language": code}
        vectors = {"queries": queries[code], "candidates": own[code]}
        write_tensors(names["embeddings"], vectors, of)
        write_table(names["queries"], pa.table({"query_id": asked[code]}), of)
        write_table(names["candidates"], pa.table({"candidate_id": ids[code]}), of)
        ranks = relevant_ranks(asked[code], queries[code], ids, candidates, qrels, ["en"])
        write_table(names["ranks"], ranks, of)
        for side, name in names.items():
            files[side].append(name)
    return SimpleNamespace(
        input=SimpleNamespace(**files),
        output=[str(folder / "bias.parquet")],
        params=SimpleNamespace(languages=list(ids), seen=["en"], of={"benchmark": "quiz"}),
    )


def _run(job: SimpleNamespace) -> pa.Table:
    runpy.run_path(str(SCRIPT))["main"](job)
    return read_table(job.output[0])


def test_the_script_measures_everything(tmp_path):
    table = _run(_job(tmp_path, tied=True))
    assert table.schema == BIAS_SCHEMA
    assert keys_of(table, "bias.parquet") == {"benchmark": "quiz"}
    measures = {(r["pool"], r["measure"]) for r in table.select(["pool", "measure"]).to_pylist()}
    names = ("share_at_k", "mean_rank", "rank_correlation")
    both = {(pool, name) for pool in ("all", "seen") for name in names}
    # With one language in the pool there is nothing to compare it with.
    assert measures == both - {("seen", "rank_correlation"), ("seen", "mean_rank")}


def test_the_order_of_the_files_does_not_matter(tmp_path):
    """Each says itself of which language it is."""
    job = _job(tmp_path)
    expected = _run(job)
    for side, paths in vars(job.input).items():
        setattr(job.input, side, paths[1:] + paths[:1] if side == "queries" else paths[::-1])
    assert _run(job).equals(expected)


def _without_its_first_row(path: str) -> None:
    table = read_table(path)
    write_table(path, table.slice(1), keys_of(table, path))


def _without_a_candidate(job: SimpleNamespace) -> None:
    _without_its_first_row(job.input.candidates[1])


def _without_a_query(job: SimpleNamespace) -> None:
    _without_its_first_row(job.input.queries[1])


def _with_dimensions(job: SimpleNamespace, **dimensions: int) -> None:
    vectors = {
        side: np.ones((len(read_table(getattr(job.input, side)[1])), d), dtype=np.float32)
        for side, d in dimensions.items()
    }
    write_tensors(job.input.embeddings[1], vectors, {"language": "ar"})


def _of_another_model(job: SimpleNamespace) -> None:
    _with_dimensions(job, queries=5, candidates=5)


def _of_two_models(job: SimpleNamespace) -> None:
    _with_dimensions(job, queries=5, candidates=8)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without_a_candidate, ["ar_embeddings: has vectors of", "the benchmark has", "again"]),
        (_without_a_query, ["ar_queries: the benchmark has", "have vectors", "encode them again"]),
        (_of_another_model, ["ar_embeddings: its queries have 5 dim", "others 8", "encode them"]),
        (_of_two_models, ["ar_embeddings: its queries have 5 dim", "others 8", "encode them"]),
    ],
)
def test_what_does_not_fit_together_is_named_and_leaves_nothing(tmp_path, spoil, words):
    job = _job(tmp_path)
    spoil(job)
    with pytest.raises(DataError) as caught:
        _run(job)
    for word in words:
        assert word in str(caught.value)
    assert not Path(job.output[0]).exists()
