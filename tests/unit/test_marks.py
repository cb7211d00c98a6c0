"""Marks: best, second, and what is not significantly behind the best."""

import numpy as np
import pandas as pd
import pytest

from hybridbatch.render.grid import BOLD, DAGGER, UNDERLINED
from hybridbatch.tables.markers import GROUP, legend, marked

KEY = dict(zip(GROUP, ("b", "static", "monolingual", "map", "all", "en"), strict=True))


def _scores(metric: str = "map", **values: float) -> pd.DataFrame:
    rows = [{**KEY, "metric": metric, "sampling": s, "value": v} for s, v in values.items()]
    return pd.DataFrame(rows)


def _tests(metric: str = "map", **p: float) -> pd.DataFrame:
    """p_holm of pairs such as `x_y`."""
    return pd.DataFrame(
        [
            {**KEY, "metric": metric, "p_holm": value}
            | dict(zip(("sampling_a", "sampling_b"), pair.split("_"), strict=True))
            for pair, value in p.items()
        ],
        columns=[*GROUP, "sampling_a", "sampling_b", "p_holm"],
    )


def _marks(scores: pd.DataFrame, tests: pd.DataFrame | None = None, confidence: float = 0.95):
    frame = marked(scores, tests, confidence)
    return list(zip(frame["emphasis"], frame["mark"], strict=True))


def test_best_and_second_and_no_other():
    assert _marks(_scores(a=0.1, b=0.4, c=0.3, d=0.2)) == [
        ("", ""), (BOLD, ""), (UNDERLINED, ""), ("", ""),
    ]  # fmt: skip


def test_less_rank_distance_is_better():
    marks = _marks(_scores("rank_distance", a=10.0, b=30.0, c=20.0))
    assert [emphasis for emphasis, _ in marks] == [BOLD, "", UNDERLINED]


def test_equal_values_share_their_place():
    marks = _marks(_scores(a=0.4, b=0.4, c=0.3), _tests(a_b=1.0, a_c=0.01, b_c=0.9))
    assert marks == [(BOLD, ""), (BOLD, ""), (UNDERLINED, "")]


@pytest.mark.parametrize(
    ("p", "confidence", "mark"),
    [(0.049, 0.95, ""), (0.051, 0.95, DAGGER), (0.049, 0.99, DAGGER), (np.nan, 0.95, "")],
)
def test_mark_is_for_a_difference_to_the_best_that_is_not_significant(p, confidence, mark):
    # The pair stands either way round; the test between the others does not count.
    for pair in ("a_c", "c_a"):
        tests = _tests(**{pair: p, "a_b": 0.9, "b_c": 0.001})
        marks = _marks(_scores(a=0.1, b=0.2, c=0.3), tests, confidence)
        assert marks == [("", mark), (UNDERLINED, ""), (BOLD, "")]


def test_alone_is_neither_best_nor_marked():
    frame = marked(_scores(a=0.1), None, 0.95)
    assert (frame["emphasis"].item(), frame["mark"].item()) == ("", "")
    assert legend(frame, 0.95) == ""


@pytest.mark.parametrize("column", GROUP)
def test_groups_are_apart(column):
    other = {"metric": "recall_1"}.get(column, "other")
    scores = pd.concat([_scores(a=0.1, b=0.2), _scores(a=0.4, b=0.3).assign(**{column: other})])
    frame = marked(scores.reset_index(drop=True), _tests(a_b=0.5), 0.95)
    assert list(frame["emphasis"]) == [UNDERLINED, BOLD, BOLD, UNDERLINED]
    assert list(frame["mark"]) == [DAGGER, "", "", ""]


def test_rows_keep_their_order_and_columns():
    scores = pd.concat([_scores(a=0.1, b=0.2), _scores("recall_1", a=0.4, b=0.3)])
    scores = scores.reset_index(drop=True).iloc[[2, 0, 3, 1]]
    frame = marked(scores, None, 0.95)
    pd.testing.assert_frame_equal(frame[scores.columns], scores)
    assert list(frame["emphasis"]) == [BOLD, UNDERLINED, UNDERLINED, BOLD]


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        (None, "Of an encoder's samplings the best is bold and the second underlined; their "
         "differences were not tested."),
        (_tests(a_c=0.5, b_c=0.5), "p above 0.05)."),
        (_tests(a_c=0.5, b_c=np.nan), "(one seed, a single article, a median) carries no mark."),
    ],
)  # fmt: skip
def test_legend_says_what_was_tested(tests, expected):
    assert legend(marked(_scores(a=0.1, b=0.2, c=0.3), tests, 0.95), 0.95).endswith(expected)


def test_legend_says_that_less_is_better():
    text = legend(marked(_scores("rank_distance", a=1, b=2), None, 0.95), 0.95)
    assert "(less is better)" in text
