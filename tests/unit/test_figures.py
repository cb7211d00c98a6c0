"""Figures are told apart without colour, have a look of their own and are the same again."""

import re
import xml.etree.ElementTree as ET
from itertools import combinations

import matplotlib
import numpy as np
import pandas as pd
import pytest
from figure_frames import ablation, bias, distances, quality, runs, scores, table, words_in
from matplotlib.figure import Figure

from hybridbatch.figures._style import (
    LOOKS,
    WIDTH,
    Words,
    contrast,
    label_ends,
    looks_of,
    luminance,
    message_figure,
    save_figure,
    spread,
    style,
)
from hybridbatch.figures.curves import curve_figure
from hybridbatch.figures.distances import distance_figure
from hybridbatch.figures.heatmaps import heatmap_figure
from hybridbatch.figures.shares import share_figure
from hybridbatch.figures.training_curves import training_figure
from hybridbatch.figures.translations import quality_figure, quality_points
from hybridbatch.training.samplers import SAMPLINGS

SVG = "{http://www.w3.org/2000/svg}"


def test_every_sampling_has_a_look_of_its_own():
    assert set(LOOKS) == set(SAMPLINGS)
    for part in ("color", "dash", "marker"):
        assert len({getattr(look, part) for look in LOOKS.values()}) == len(LOOKS)


def test_samplings_differ_in_grey_and_from_the_paper():
    """In CIE lightness, where 100 is from black to white and 2 is just seen."""
    lightness = {s: 116 * np.cbrt(luminance(look.color)) - 16 for s, look in LOOKS.items()}
    for one, other in combinations(LOOKS, 2):
        assert abs(lightness[one] - lightness[other]) > 10, (one, other)
    for look in LOOKS.values():
        assert contrast(look.color, "white") >= 3  # WCAG 2.1, 1.4.11


# Machado, Oliveira and Fernandes 2009, severity 1, for linear RGB.
PROTAN = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
          [-0.003882, -0.048116, 1.051998]]  # fmt: skip
DEUTAN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
          [-0.011820, 0.042940, 0.968881]]  # fmt: skip


@pytest.mark.parametrize("matrix", [PROTAN, DEUTAN], ids=["protan", "deutan"])
def test_samplings_differ_for_colour_blind_eyes(matrix: list):
    def seen(color: str) -> np.ndarray:
        rgb = np.array(matplotlib.colors.to_rgb(color))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return np.cbrt(np.clip(matrix @ linear, 0, 1))

    for one, other in combinations(LOOKS.values(), 2):
        assert np.linalg.norm(seen(one.color) - seen(other.color)) > 0.15


def test_samplings_with_names_of_their_own_take_the_looks_that_are_left():
    own = [f"mine-{number}" for number in range(5)]
    looks = looks_of([own[0], "x-y", *own[1:], "x-y"])
    assert looks["x-y"] == LOOKS["x-y"]
    for part in ("color", "dash", "marker"):
        all_of_them = {getattr(look, part) for look in [*LOOKS.values(), *looks.values()]}
        assert len(all_of_them) == len(LOOKS) + len(own)
    assert all(contrast(looks[name].color, "white") >= 3 for name in own)
    assert looks_of(own) == {name: looks[name] for name in own}
    assert len(looks_of([*own, "a sixth one"])) == 6


def test_every_figure_draws_a_sampling_with_a_name_of_its_own():
    def named(frame: pd.DataFrame, old: str = "hybrid") -> pd.DataFrame:
        return frame.assign(sampling=frame["sampling"].replace(old, "half-half"))

    drawn = [
        distance_figure(named(distances())),
        share_figure(named(bias()), ["it", "en", "es"], ["en", "es"]),
        curve_figure("steps", named(ablation(["1", "2"]))),
        training_figure(*map(named, runs())),
        quality_figure(quality_points(quality(), named(table()))),
        heatmap_figure(named(scores(), "x-y"), ["en", "es", "it"], ["en", "es"]),
    ]
    for figure in drawn:
        assert "half-half" in words_in(figure)


def test_luminance_and_contrast_are_those_of_wcag():
    assert (luminance("black"), luminance("white")) == (0, pytest.approx(1))
    assert luminance("#808080") == pytest.approx(0.2159, abs=1e-4)
    assert contrast("black", "white") == contrast("white", "black") == pytest.approx(21)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([0.1, 0.9], [0.1, 0.9]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.9, 0.5, 0.5], [0.9, 0.45, 0.55]),
        ([0.52, 0.5, 0.48], [0.6, 0.5, 0.4]),
    ],
)
def test_labels_are_moved_apart_and_no_further(values: list[float], expected: list[float]):
    np.testing.assert_allclose(spread(values, 0.1), expected)


def test_names_stand_in_the_order_of_the_ends():
    figure = Figure()
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(1, 100), yscale="log")
    label_ends(axes, {"a": (1, 1), "b": (1, 10)}, {"a": "k", "b": "k"}, 0.1)
    assert [(t.get_text(), round(t.xyann[1], 6)) for t in axes.texts] == [("a", 0), ("b", 0.5)]


def test_users_own_settings_do_not_count():
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9}):
        with style():
            assert (matplotlib.rcParams["font.size"], matplotlib.rcParams["lines.linewidth"]) == (
                9,
                1.6,
            )
        assert matplotlib.rcParams["font.size"] == 30


WORDS = Words("Share of <b> & $x$", "n = 3 < 4 & more")


def test_svg_is_the_same_again_and_has_title_and_description(tmp_path):
    for name in ("a", "b"):
        place = tmp_path / name
        figure = heatmap_figure(scores(), ["en", "es"], ["en"])
        save_figure(figure, WORDS, place / "map.svg", place / "map.txt", "map_x")
    first, second = ((tmp_path / name / "map.svg").read_bytes() for name in ("a", "b"))
    assert first == second
    root = ET.fromstring(first)
    assert [child.tag for child in root][:2] == [SVG + "title", SVG + "desc"]
    assert [child.text for child in root][:2] == [WORDS.title, WORDS.caption]
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "map_x-title map_x-description"
    assert {child.get("id") for child in root} >= {"map_x-title", "map_x-description"}
    assert (tmp_path / "a/map.txt").read_text() == f"{WORDS.title}\n\n{WORDS.caption}\n"


def test_svg_has_no_script_no_date_no_text_that_needs_a_font_and_loads_nothing(tmp_path):
    figure = heatmap_figure(scores(), ["en", "es"], ["en"])
    save_figure(figure, WORDS, tmp_path / "a.svg", tmp_path / "a.txt", "a")
    text = (tmp_path / "a.svg").read_text()
    tags = {element.tag.split("}")[-1] for element in ET.fromstring(text).iter()}
    assert not tags & {"script", "text", "date", "creator"}
    links = re.findall(r'href="([^"]*)"', text)
    assert links
    assert all(link.startswith(("#", "data:")) for link in links)


def test_a_sentence_is_a_figure(tmp_path):
    figure = message_figure("Nothing here.")
    assert figure.get_figwidth() == WIDTH
    assert words_in(figure) == "Nothing here."
