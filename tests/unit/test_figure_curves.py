"""Curves of ablations have a line a sampling, a panel a setting, and intervals."""

import numpy as np
import pandas as pd
import pytest
from figure_frames import THREE, ablation, lines
from matplotlib.lines import Line2D

from hybridbatch.experiment import outputs as constants
from hybridbatch.figures._style import LOOKS
from hybridbatch.figures.curves import CURVES, curve_figure, curve_points, curve_words


@pytest.mark.parametrize("name", ["data_size", "languages", "temperature"])
def test_curves_have_a_column_a_setting_and_a_line_a_sampling(name: str):
    figure = curve_figure(name, ablation(["1", "4", "2"]))
    assert [axes.get_title() for axes in figure.axes[:4]] == [
        "monolingual mAP",
        "cross-lingual mAP",
        "multilingual mAP",
        "multilingual rank distance",
    ]
    assert len(figure.axes) == 8
    ((x, y),) = lines(figure.axes[0], "x-y")
    assert x == [1, 2, 4]
    assert y == pytest.approx([0.15, 0.25, 0.45])
    ((_, y),) = lines(figure.axes[4], "x-y")
    assert y == pytest.approx([0.25, 0.35, 0.55])
    bars = figure.axes[0].collections[1].get_segments()
    ends = [[low, high] for (_, low), (_, high) in bars]
    np.testing.assert_allclose(ends, [[0.135, 0.165], [0.225, 0.275], [0.405, 0.495]])
    for row in (figure.axes[3], figure.axes[7]):
        assert [t.get_text() for t in row.texts] == list(THREE)
    assert [t.get_text() for t in figure.axes[4].get_xticklabels()] == ["1", "2", "4"]
    assert figure.axes[0].get_xscale() == ("linear" if name == "languages" else "log")


def test_ends_of_alpha_are_the_other_samplings_and_on_one_curve():
    table = pd.concat(
        [
            ablation(["0"], ["x-y"]),
            ablation(["0.5"], ["hybrid"]),
            ablation(["1"], ["x-x-mono"]),
        ]
    )
    axes = curve_figure("alpha", table).axes[4]
    ((x, y),) = lines(axes, "hybrid")
    assert x == [0, 0.5, 1]
    assert y == pytest.approx([0.1, 0.15, 0.2])
    assert [t.get_text() for t in axes.get_xticklabels()] == ["0\nx-y", "0.5", "1\nx-x-mono"]
    ends: dict[str, Line2D] = {line.get_marker(): line for line in axes.get_lines()}
    assert list(ends[LOOKS["x-y"].marker].get_xdata()) == [0]
    assert list(ends[LOOKS["x-x-mono"].marker].get_xdata()) == [1]


def test_pool_that_is_the_same_is_drawn_once():
    table = ablation(["1", "2"])
    whole = table[table["pool"] == "all"]
    same = pd.concat([whole, whole.assign(pool="seen")])
    assert set(curve_points("languages", table)["pool"]) == {"all", "seen"}
    assert set(curve_points("languages", same)["pool"]) == {"all"}
    assert len(curve_figure("languages", same).axes) == 4


def test_bars_of_samplings_stand_beside_each_other():
    axes = curve_figure("languages", ablation(["1", "2"])).axes[0]
    shown = [line.get_transform().transform((1, 0.3))[0] for line in axes.get_lines()]
    steps = np.diff(shown) * 72 / axes.figure.dpi
    assert steps == pytest.approx([5, 5])
    low, high = axes.get_ylim()
    assert low < 0.09 < 0.33 < high  # every bar is inside


def test_differences_between_samplings_are_not_drawn():
    table = ablation(["1", "2"])
    more = pd.concat([table, table.assign(versus="x-y", value=9.0)])
    drawn, expected = (curve_points("data_size", t)["value"].to_list() for t in (more, table))
    assert drawn == expected


def test_every_curve_is_of_an_ablation():
    assert set(CURVES) == set(constants.CURVES) <= set(constants.ABLATIONS)


def test_point_without_an_interval_has_no_bar():
    table = ablation(["1", "2"]).assign(ci_low=np.nan, ci_high=np.nan)
    assert "no intervals" in curve_words("data_size", table, 0.95).caption
    assert len(curve_figure("data_size", table).axes) == 8


def test_curve_caption_has_metric_n_and_seeds():
    caption = curve_words("data_size", ablation(["1", "2"]), 0.9).caption
    for part in ("mAP and rank distance", "2 values", "n = 9 queries, 3 seeds", "90%"):
        assert part in caption
