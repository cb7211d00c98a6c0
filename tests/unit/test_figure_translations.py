"""Quality of translation is drawn beside scores, of languages that have both."""

import pytest
from figure_frames import lines, quality, table, words_in

from hybridbatch.figures.translations import quality_figure, quality_points, quality_words


def test_only_languages_that_both_have_are_drawn():
    points = quality_points(quality(), table())
    assert sorted(points["language"]) == ["es", "es", "gl", "gl"]
    assert dict(zip(points["language"], points["chrf++"], strict=True)) == {"es": 60, "gl": 50}
    (axes,) = quality_figure(points).axes
    ((x, y),) = lines(axes, "x-y")
    assert x == pytest.approx([50, 60], abs=0.1)
    assert y == pytest.approx([0.53, 0.53])
    assert {t.get_text() for t in axes.texts} == {"es", "gl", "x-y", "hybrid"}
    assert axes.get_ylabel() == "monolingual mAP, quiz"


def test_reference_set_is_named_where_there_are_several():
    points = quality_points(quality(["human", "bundled"]), table())
    (axes,) = quality_figure(points).axes
    assert {t.get_text() for t in axes.texts} >= {"es (human)", "es (bundled)", "gl (human)"}


def test_no_language_in_common_is_said():
    points = quality_points(quality(), table().query("language == 'en'"))
    assert "No benchmark has a language" in words_in(quality_figure(points))
    assert "No benchmark has a language" in quality_words(points, "static", 0.95).caption


def test_quality_caption_counts_languages():
    points = quality_points(quality(), table())
    caption = quality_words(points, "static", 0.95).caption
    for part in ("chrF++", "(2 languages that", "n = 8 queries a language, 1 seed."):
        assert part in caption
