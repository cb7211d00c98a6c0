"""Training curves have a line a seed and a ring at the best step."""

import pandas as pd
import pytest
from figure_frames import lines, runs

from hybridbatch.figures.training_curves import smoothed, training_figure, training_words, window


def test_smoothing_is_a_centred_mean():
    losses = pd.Series([0.0] * 20 + [3.0] + [0.0] * 40)
    assert window(61) == 3
    assert smoothed(losses).iloc[18:23].to_list() == pytest.approx([0, 1, 1, 1, 0])
    assert smoothed(losses).iloc[0] == 0
    assert [window(n) for n in (1, 19, 400, 700)] == [1, 1, 21, 35]


def test_training_has_a_line_a_seed_and_a_ring_at_the_best_step():
    left, right = training_figure(*runs()).axes
    for axes in (left, right):
        assert [len(lines(axes, s)) for s in ("x-y", "hybrid")] == [2, 2]
        assert [t.get_text() for t in axes.texts] == ["x-y", "hybrid"]
    assert lines(left, "hybrid")[0][1][19:22] == pytest.approx([4 / 3] * 3)
    assert lines(right, "hybrid")[1] == ([10, 20, 30], pytest.approx([2.5, 1.5, 2.5]))
    rings = [line for line in right.get_lines() if line.get_markerfacecolor() == "none"]
    assert [(ring.get_xdata()[0], ring.get_ydata()[0]) for ring in rings] == [
        (20, 0.5), (20, 1.5), (20, 0.5), (20, 1.5),
    ]  # fmt: skip


def test_losses_between_powers_of_ten_are_labelled_in_plain_numbers():
    training, validation = runs()
    steps = training.groupby(["sampling", "seed"]).cumcount()
    figure = training_figure(training.assign(loss=6 - 4.5 * steps / steps.max()), validation)
    figure.draw_without_rendering()
    axis = figure.axes[0].yaxis
    labels = [tick.label1.get_text() for tick in axis.get_major_ticks() + axis.get_minor_ticks()]
    assert {"2", "3", "5"} <= set(labels)
    assert not [label for label in labels if "$" in label]


def test_training_caption_has_seeds_steps_and_losses():
    caption = training_words(*runs(), "static").caption
    for part in ("2 seeds, 41 steps", "mean over 3 steps", "x-y 1.000; hybrid 1.000"):
        assert part in caption
