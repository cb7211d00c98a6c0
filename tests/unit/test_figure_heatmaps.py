"""Heat maps have queries down, candidates across and digits that can be read."""

import numpy as np
import pandas as pd
import pytest
from figure_frames import scores

from hybridbatch.figures._style import contrast
from hybridbatch.figures.heatmaps import heatmap_figure, heatmap_words, pair_scores, score_matrix


def test_pair_scores_leave_out_the_unions():
    metrics = pd.DataFrame(
        {"candidates": ["en", "en", "es", "all", "seen"], "map": [0.2, 0.4, 1.0, 0.0, 0.0]}
    )
    found = pair_scores(metrics).set_index("candidates")
    assert found["map"].to_dict() == pytest.approx({"en": 0.3, "es": 1.0})
    assert found["n_queries"].to_dict() == {"en": 2, "es": 1}


def test_heat_map_has_queries_down_candidates_across_and_trained_languages_first():
    figure = heatmap_figure(scores(), ["en", "es"], ["es"])
    first, second, bar = figure.axes
    assert [axes.get_title() for axes in (first, second)] == ["x-x-mono", "x-y"]
    assert [t.get_text() for t in first.get_xticklabels()] == ["es", "en"]
    assert [t.get_text() for t in first.get_yticklabels()] == ["es", "en"]
    np.testing.assert_allclose(first.images[0].get_array(), [[0.15, 0.15], [0.15, 0.55]])
    np.testing.assert_allclose(second.images[0].get_array(), [[0.35, 0.35], [0.35, 0.75]])
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert [t.get_text() for t in second.texts] == [".35", ".35", ".35", ".75"]
    assert bar.get_ylabel() == "mAP"
    assert (first.get_xlabel(), first.get_ylabel()) == ("candidates", "queries")


def test_pair_that_was_not_scored_stays_empty():
    part = scores().query("not (language == 'en' and candidates == 'es')")
    matrix = score_matrix(part[part["sampling"] == "x-y"], ["en", "es"])
    assert np.isnan(matrix).tolist() == [[False, True], [False, False]]
    figure = heatmap_figure(part, ["en", "es"], ["en"])
    assert len(figure.axes[0].texts) == 3


def test_digits_can_be_read_on_every_cell():
    values = np.linspace(0, 1, 21)
    frame = pd.DataFrame(
        {"sampling": "hybrid", "seed": 0, "language": "en", "map": values, "n_queries": 1}
    ).assign(candidates=[f"l{i}" for i in range(21)])
    figure = heatmap_figure(frame, [*frame["candidates"]], [])
    image = figure.axes[0].images[0]
    for text in figure.axes[0].texts:
        cell = image.to_rgba(values[int(text.get_position()[0])])
        assert contrast(text.get_color(), cell[:3]) > 4


def test_heat_map_says_what_it_is_of():
    words = heatmap_words(scores(), "static", "quiz")
    assert "quiz" in words.title
    for part in ("mean over 2 seeds", "n = 7 to 8 queries", "x-y 0.550 and 0.350"):
        assert part in words.caption
