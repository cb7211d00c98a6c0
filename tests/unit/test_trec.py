"""Runs and judgements in TREC's formats: layout, order, and what is refused."""

import math
from pathlib import Path

import pytest

from hybridbatch.retrieval.trec import write_qrels, write_run
from hybridbatch.runtime.errors import DataError

ROWS = [
    ("q2", "b", 0.5),
    ("q2", "a", 0.5),
    ("q2", "c", 1 / 3),
    ("q1", "a", -1.0),
]


def test_a_run_is_written_in_trec_evals_order(tmp_path: Path):
    write_run(tmp_path / "run.txt", ROWS, "mine")
    assert (tmp_path / "run.txt").read_text() == (
        "q2 Q0 b 1 0.5 mine\n"
        "q2 Q0 a 2 0.5 mine\n"
        "q2 Q0 c 3 0.3333333333333333 mine\n"
        "q1 Q0 a 1 -1.0 mine\n"
    )


def test_qrels_are_written_in_their_order_with_zero_grades(tmp_path: Path):
    write_qrels(tmp_path / "qrels.txt", [("q2", "b", 1), ("q2", "a", 0), ("q1", "a", 1)])
    assert (tmp_path / "qrels.txt").read_text() == "q2 0 b 1\nq2 0 a 0\nq1 0 a 1\n"


def test_pytrec_eval_reads_both(tmp_path: Path):
    import pytrec_eval

    write_run(tmp_path / "run.txt", ROWS, "mine")
    write_qrels(tmp_path / "qrels.txt", [("q2", "a", 1), ("q2", "b", 0), ("q1", "a", 1)])
    with (tmp_path / "run.txt").open() as file:
        run = pytrec_eval.parse_run(file)
    with (tmp_path / "qrels.txt").open() as file:
        qrels = pytrec_eval.parse_qrel(file)
    assert run == {"q2": {"b": 0.5, "a": 0.5, "c": 1 / 3}, "q1": {"a": -1.0}}
    scores = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(run)
    assert {query: of["recip_rank"] for query, of in scores.items()} == {"q2": 0.5, "q1": 1.0}


def test_scores_read_back_the_same(tmp_path: Path):
    import numpy as np

    scores = np.random.default_rng(0).standard_normal(50).astype(np.float32)
    write_run(tmp_path / "run", [("q", f"d{i}", s) for i, s in enumerate(scores)], "t")
    lines = [line.split() for line in (tmp_path / "run").read_text().splitlines()]
    assert {document: np.float32(score) for _, _, document, _, score, _ in lines} == {
        f"d{i}": s for i, s in enumerate(scores)
    }


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("q 1", "a", 1.0)], "query id is 'q 1'"),
        ([("q", "a\tb", 1.0)], r"document id is 'a\\tb'"),
        ([("q", "a\u00a0b", 1.0)], "document id"),
        ([("", "a", 1.0)], "query id is ''"),
        ([("q", "a", 1.0), ("q", "a", 2.0)], "query q has document a twice"),
        ([("q", "a", 1.0), ("p", "a", 2.0), ("q", "b", 2.0)], "query q do not stand together"),
    ],
)
@pytest.mark.parametrize("kind", ["run", "qrels"])
def test_rows_that_the_format_cannot_hold_are_refused(tmp_path: Path, kind, rows, words):
    path = tmp_path / "file"
    path.write_text("older")
    with pytest.raises(DataError, match=words) as error:
        write_run(path, rows, "t") if kind == "run" else write_qrels(path, rows)
    assert str(path) in str(error.value)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("score", [math.nan, math.inf])
def test_a_score_that_is_not_finite_is_refused(tmp_path: Path, score: float):
    with pytest.raises(DataError, match="query q, document a: the score is"):
        write_run(tmp_path / "run", [("q", "a", score)], "t")
    assert not list(tmp_path.iterdir())


def test_a_tag_with_a_space_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="the tag is 'my run'"):
        write_run(tmp_path / "run", ROWS, "my run")


def test_a_grade_that_is_no_whole_number_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"document a: the grade is 0\.5"):
        write_qrels(tmp_path / "qrels", [("q", "a", 0.5)])


def test_no_rows_are_an_empty_file(tmp_path: Path):
    write_run(tmp_path / "run", [], "t")
    assert (tmp_path / "run").read_bytes() == b""
