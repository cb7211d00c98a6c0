"""Runs: exact to the last tie, the same however passages are spread over shards, resumable."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.benchmarks.miracl import read_passages
from hybridbatch.encoders.base import CANDIDATE, TEXT
from hybridbatch.retrieval.index import RUN_SCHEMA, SearchConfig, merge, search
from hybridbatch.retrieval.ranking import exact_scores
from hybridbatch.retrieval.search import encode_passages
from hybridbatch.runtime.errors import ConfigError, DataError

FLAT = SearchConfig("Flat", depth=100)


def _unit(rng: np.random.Generator, n: int, d: int = 16) -> np.ndarray:
    vectors = rng.standard_normal((n, d)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _ids(n: int) -> list[str]:
    return [f"{i * 7919 % 1000003}#{i % 7}" for i in range(n)]


def _by_hand(query_ids, queries, ids, vectors, depth: int) -> list[tuple]:
    """Rows of a run by scoring everything."""
    rows = []
    for query, scores in sorted(zip(query_ids, exact_scores(queries, vectors), strict=True)):
        ranked = sorted(zip(scores, ids, strict=True), reverse=True)[:depth]
        rows += [(query, id_, score, rank) for rank, (score, id_) in enumerate(ranked, 1)]
    return rows


def _rows(run: pa.Table) -> list[tuple]:
    assert run.schema == RUN_SCHEMA
    return [tuple(row.values()) for row in run.to_pylist()]


def test_a_flat_index_gives_what_scoring_everything_gives():
    rng = np.random.default_rng(0)
    queries, vectors, ids = _unit(rng, 7), _unit(rng, 1000), _ids(1000)
    names = [f"q{i}" for i in range(7)]
    assert _rows(search(names, queries, ids, vectors, FLAT)) == _by_hand(
        names, queries, ids, vectors, 100
    )


def test_ties_at_the_depth_are_settled_by_descending_id():
    """A passage that stands 600 times: more than are fetched at first."""
    rng = np.random.default_rng(0)
    query = _unit(rng, 1)
    vectors = np.concatenate([_unit(rng, 300), np.repeat(query, 600, axis=0)])
    order = rng.permutation(900)
    vectors, ids = vectors[order], _ids(900)
    found = search(["q"], query, ids, vectors, FLAT)
    assert _rows(found) == _by_hand(["q"], query, ids, vectors, 100)
    assert len(set(found["score"].to_pylist())) == 1


@pytest.mark.parametrize("cuts", [[], [500], [1, 2, 900]])
def test_shards_do_not_show_in_a_merged_run(cuts: list[int]):
    rng = np.random.default_rng(1)
    queries, ids = _unit(rng, 5), _ids(1000)
    # Ties across shards, too.
    vectors = _unit(rng, 100)[rng.integers(0, 100, 1000)]
    names = [f"q{i}" for i in range(5)]
    ends = [0, *cuts, 1000]
    runs = [search(names, queries, ids[a:b], vectors[a:b], FLAT) for a, b in pairwise(ends)]
    assert _rows(merge(runs, 100, "here")) == _by_hand(names, queries, ids, vectors, 100)


def test_fewer_passages_than_the_depth_are_all_given():
    rng = np.random.default_rng(2)
    run = search(["q"], _unit(rng, 1), _ids(3), _unit(rng, 3), FLAT)
    assert run["rank"].to_pylist() == [1, 2, 3]


def test_an_approximate_index_has_the_same_scores_for_what_it_finds():
    rng = np.random.default_rng(3)
    queries, vectors, ids = _unit(rng, 20), _unit(rng, 3000), _ids(3000)
    names = [f"q{i:02d}" for i in range(20)]
    exact = {row[:2]: row[2] for row in _by_hand(names, queries, ids, vectors, 3000)}
    shares = []
    for parameters in ("nprobe=1", "nprobe=16"):
        config = SearchConfig("IVF16,PQ8x4", 100, parameters)
        rows = _rows(search(names, queries, ids, vectors, config))
        assert all(exact[query, id_] == score for query, id_, score, _ in rows)
        best = {row[:2] for row in _by_hand(names, queries, ids, vectors, 20)}
        shares.append(len(best & {row[:2] for row in rows}) / len(best))
    assert shares[0] < shares[1]
    everything = SearchConfig("IVF16,Flat", 100, "nprobe=16")
    assert _rows(search(names, queries, ids, vectors, everything)) == _by_hand(
        names, queries, ids, vectors, 100
    )


@pytest.mark.parametrize(
    ("config", "word"),
    [
        (SearchConfig("Flatt", 100), "'Flatt'"),
        (SearchConfig("IVF4096,Flat", 100), "'IVF4096,Flat'.*do for 50 passages"),
        (SearchConfig("Flat", 100, "probes=3"), "probes=3"),
    ],
)
def test_an_index_that_faiss_does_not_make_is_refused(config: SearchConfig, word: str):
    rng = np.random.default_rng(4)
    with pytest.raises(ConfigError, match=word):
        search(["q"], _unit(rng, 1), _ids(50), _unit(rng, 50), config)


def test_a_passage_in_two_shards_is_refused():
    rng = np.random.default_rng(5)
    runs = [search(["q"], _unit(rng, 1), ["1#0"], _unit(rng, 1), FLAT) for _ in range(2)]
    with pytest.raises(DataError, match="sw: passage 1#0 stands twice"):
        merge(runs, 100, "sw")


def test_merging_nothing_is_an_empty_run():
    assert merge([], 100, "here").equals(RUN_SCHEMA.empty_table())


def test_passages_are_encoded_in_pieces_and_in_order(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("hybridbatch.retrieval.search._TEXTS_AT_ONCE", 2)
    lines = [json.dumps({"docid": f"{i}#0", "title": "t", "text": str(i)}) for i in range(5)]
    (tmp_path / "docs-0.jsonl").write_text("\n".join(lines))
    asked = []

    def encode(side: str, modality: str, texts: list[str]) -> np.ndarray:
        asked.append((side, modality, len(texts)))
        return np.array([[float(text.split()[1])] for text in texts], dtype=np.float32)

    ids, vectors = encode_passages(read_passages(tmp_path / "docs-0.jsonl"), encode)
    assert ids == [f"{i}#0" for i in range(5)]
    assert vectors.ravel().tolist() == [0, 1, 2, 3, 4]
    assert asked == [(CANDIDATE, TEXT, n) for n in (2, 2, 1)]
