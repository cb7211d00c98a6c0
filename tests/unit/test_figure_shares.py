"""Shares of the queries' own language stand beside the fair share."""

import pytest
from figure_frames import THREE, bias, lines

from hybridbatch.figures.shares import share_figure, share_words


def test_share_of_the_own_language_stands_beside_the_fair_share():
    figure = share_figure(bias(), ["it", "en", "es"], ["en", "es"])
    titles = [axes.get_title() for axes in figure.axes]
    assert [title.split(",")[0] for title in titles] == ["first 10", "first 100"] * 2
    first, last = figure.axes[0], figure.axes[3]
    assert [t.get_text() for t in first.get_xticklabels()] == ["en", "es", "it", "mean"]
    assert [t.get_text() for t in last.get_xticklabels()] == ["en", "es", "mean"]
    ((_, heights),) = lines(first, "x-y")
    assert heights == pytest.approx([0.41] * 3)
    ((_, heights),) = lines(last, "hybrid")
    assert heights == pytest.approx([0.6] * 2)
    fair = first.collections[-1].get_segments()
    assert [segment[0][1] for segment in fair] == pytest.approx([1 / 3] * 4)
    assert lines(first, "x-y, mean")[0][1] == pytest.approx([0.41])
    assert {t.get_text() for t in last.texts} == {*THREE, "fair share"}
    for axes in figure.axes:
        assert {line.get_label() for line in axes.get_lines()} > set(THREE)


def test_share_of_languages_that_are_all_trained_on_is_drawn_once():
    frame = bias().query("candidate_language != 'it' and query_language != 'it'")
    assert len(share_figure(frame, ["en", "es"], ["es", "en"]).axes) == 2


def test_share_caption_has_the_means():
    caption = share_words(bias(), "static", "quiz", 0.95).caption
    for part in ("n = 5 queries a language", "2 seeds", "x-x-mono 0.31 (fair 0.33)", "95%"):
        assert part in caption
