"""Published figures stand across, ours up, and grades are told apart."""

from collections.abc import Sequence

import pandas as pd
import pytest
from figure_frames import words_in

from hybridbatch.figures.published import reproduction_figure, reproduction_words


def cells(grades: Sequence[str]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "metric": ["map", "rank_distance"] * len(grades),
            "sampling": "hybrid",
            "published": [0.5, 200.0] * len(grades),
            "grade": [grade for grade in grades for _ in range(2)],
        }
    )
    run = frame["grade"] != "not run"
    values = (frame["published"] * 1.01).where(run)
    return frame.assign(
        value=values, ci_low=values - 0.1, ci_high=values + 0.1,
        n_queries=run.map({True: 6, False: None}), n_seeds=run.map({True: 1, False: None}),
    )  # fmt: skip


def test_published_is_across_and_ours_is_up():
    figure = reproduction_figure(cells(["agrees", "differs", "not run"]), "paper")
    scores_panel, ranks_panel = figure.axes
    assert "mAP and recall" in scores_panel.get_title()
    assert "rank distance" in ranks_panel.get_title()
    line, agrees, differs = scores_panel.get_lines()
    assert list(line.get_xdata()) == list(line.get_ydata())
    for marks in (agrees, differs):
        assert (list(marks.get_xdata()), list(marks.get_ydata())) == ([0.5], pytest.approx([0.505]))
    assert agrees.get_markerfacecolor() == "white" != differs.get_markerfacecolor()
    words = reproduction_words(cells(["agrees", "differs", "not run"]), "paper", 0.95)
    for part in ("4 of 6 cells were run", "n = 6 queries", "1 seed", "2 not run"):
        assert part in words.caption


@pytest.mark.parametrize(
    ("scale", "said"), [("laptop", "scale is `laptop`"), ("paper", "None of the paper's cells")]
)
def test_where_nothing_is_graded_the_figure_says_so(scale: str, said: str):
    frame = cells(["not run"])
    assert said in words_in(reproduction_figure(frame, scale))
    words = reproduction_words(frame, scale, 0.95)
    assert said in words.caption
    assert "2 cells are not run" in words.caption
