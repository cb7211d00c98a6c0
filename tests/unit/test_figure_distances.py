"""Histograms of rank distances weigh every language alike and leave nothing out."""

import numpy as np
import pytest
from figure_frames import distances

from hybridbatch.figures.distances import (
    distance_bins,
    distance_figure,
    distance_words,
    distances_of,
    query_weights,
)


def test_every_query_language_weighs_the_same():
    part = distances().query("candidates == 'all'")
    weights = query_weights(part)
    assert weights.sum() == pytest.approx(1)
    assert weights @ part["rank_distance"] == pytest.approx(45)


def test_bins_hold_everything_and_zero_alone():
    edges = distance_bins(1190)
    assert edges[0] < 1 == edges[1]
    assert edges[-1] == pytest.approx(1191)
    ratios = edges[2:] / edges[1:-1]
    np.testing.assert_allclose(ratios, ratios[0])


def test_histogram_has_shares_of_queries_in_every_panel():
    figure = distance_figure(distances())
    for axes in figure.axes:
        shares, edges, _ = axes.patches[0].get_data()
        assert shares.sum() == pytest.approx(1)
        assert shares[0] == pytest.approx(0.55)
        assert shares.max() == shares[0]
        assert (shares > 0).sum() == 2
        assert edges[0] < 1
    assert figure.axes[0].get_title("right") == "median 0, mean 45"
    assert figure.axes[1].get_title("right") == "median 0, mean 22"
    assert [axes.get_title("left") for axes in figure.axes] == ["hybrid"] * 2
    assert "all languages" in figure.axes[0].get_xlabel()
    assert "training data" in figure.axes[1].get_xlabel()


def test_axis_begins_where_the_queries_do():
    frame = distances().assign(rank_distance=lambda f: f["rank_distance"] + 20)
    low, high = distance_figure(frame).axes[0].get_xlim()
    assert 10 < low <= 20
    assert high == pytest.approx(121)


def test_pools_that_are_the_same_are_drawn_once():
    metrics = distances()[["candidates", "rank_distance"]]
    assert set(distances_of(metrics, trained=True)["candidates"]) == {"all", "seen"}
    same = metrics.assign(rank_distance=5)
    assert set(distances_of(same, trained=True)["candidates"]) == {"all"}
    alone = metrics[metrics["candidates"] == "all"]
    assert set(distances_of(alone, trained=True)["candidates"]) == {"all"}


def test_queries_with_one_answer_have_no_distance_to_draw():
    metrics = distances()[["candidates", "rank_distance"]]
    alone = metrics.assign(rank_distance=metrics["rank_distance"].where(metrics.index % 2 > 0))
    found = distances_of(alone, trained=True)
    assert found["rank_distance"].notna().all()
    assert len(found) == len(metrics) // 2
    for part in (distances().iloc[:0], distances().query("candidates == 'all'")):
        assert distance_figure(part).axes
        assert distance_words(part, "static", "quiz").caption


def test_queries_without_training_data_are_not_among_the_seen():
    metrics = distances()[["candidates", "rank_distance"]]
    assert set(distances_of(metrics, trained=False)["candidates"]) == {"all"}


def test_distance_caption_has_n_seeds_and_medians():
    caption = distance_words(distances(), "static", "quiz").caption
    for part in (
        "n = 10 to 30 queries a language",
        "1 seed.",
        "hybrid 0.",
        "with training data only",
    ):
        assert part in caption
