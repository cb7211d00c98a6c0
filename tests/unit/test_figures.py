"""Figures put the right numbers in the right places, and are told apart without colour."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from itertools import combinations, product

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hybridbatch.experiment import outputs as constants
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
from hybridbatch.figures.curves import CURVES, curve_figure, curve_points, curve_words
from hybridbatch.figures.distances import (
    distance_bins,
    distance_figure,
    distance_words,
    distances_of,
    query_weights,
)
from hybridbatch.figures.heatmaps import heatmap_figure, heatmap_words, pair_scores, score_matrix
from hybridbatch.figures.published import reproduction_figure, reproduction_words
from hybridbatch.figures.shares import share_figure, share_words
from hybridbatch.figures.training_curves import smoothed, training_figure, training_words, window
from hybridbatch.figures.translations import quality_figure, quality_points, quality_words
from hybridbatch.training.samplers import SAMPLINGS

SVG = "{http://www.w3.org/2000/svg}"
THREE = ("x-x-mono", "x-y", "hybrid")


def lines(axes: Axes, sampling: str) -> list[tuple[list[float], list[float]]]:
    """x and y of the lines of a sampling."""
    return [
        (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.get_lines()
        if line.get_label() == sampling
    ]


def words_in(figure: Figure) -> str:
    """All text of a figure."""
    return "\n".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


# The look.


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


# Files.

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


# Heat maps.


def scores(seeds: Sequence[int] = (0, 1)) -> pd.DataFrame:
    """x-y: .2 more than x-x-mono; seed 1: .1 more than seed 0; en for en: .4 more."""
    return pd.DataFrame(
        [
            {
                "sampling": sampling,
                "seed": seed,
                "language": language,
                "candidates": candidates,
                "map": 0.1 + 0.2 * (sampling == "x-y") + 0.1 * seed
                + 0.4 * (language == candidates == "en"),
                "n_queries": 7 + (language == "es"),
            }
            for sampling, seed, language, candidates in product(
                ("x-x-mono", "x-y"), seeds, ("en", "es"), ("en", "es")
            )
        ]
    )  # fmt: skip


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


# Rank distances.


def distances() -> pd.DataFrame:
    """en: 30 queries at 0; es: 1 at 0 and 9 at 100, in `all`; half of it in `seen`."""
    rows = [
        ("hybrid", 0, language, pool, value * share)
        for pool, share in (("all", 1), ("seen", 0.5))
        for language, number, value in (("en", 30, 0), ("es", 1, 0), ("es", 9, 100))
        for _ in range(number)
    ]
    columns = ["sampling", "seed", "language", "candidates", "rank_distance"]
    return pd.DataFrame(rows, columns=columns)


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


# Shares.


def bias() -> pd.DataFrame:
    rows = []
    for pool, members in (("all", ("en", "es", "it")), ("seen", ("en", "es"))):
        for k, sampling, query, candidate in product((10, 100), THREE, members, members):
            value = 0.2 if query != candidate else 0.3 + 0.1 * THREE.index(sampling) + k / 1000
            rows.append((sampling, pool, "share_at_k", query, candidate, k, value))
        for k, sampling in product((10, 100), THREE):
            value = 0.3 + 0.1 * THREE.index(sampling) + k / 1000
            rows.append((sampling, pool, "share_at_k", "mean", "same", k, value))
            rows.append((sampling, pool, "share_at_k", "mean", "en", k, 0.9))
    rows.append(("hybrid", "all", "mean_rank", "en", "en", np.nan, 9.0))
    columns = ["sampling", "pool", "measure", "query_language", "candidate_language", "k", "value"]
    frame = pd.DataFrame(rows, columns=columns)
    fair = np.where(frame["pool"] == "all", 1 / 3, 1 / 2)
    return frame.assign(
        fair=fair, ci_low=frame["value"] - 0.1, ci_high=frame["value"] + 0.1, n_queries=5, n_seeds=2
    )


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


# Curves.


def ablation(points: Sequence[str], samplings: Sequence[str] = THREE) -> pd.DataFrame:
    """Pool `seen` is .1 above `all`; a sampling .05 above the one before; all rise with x."""
    rows = []
    for pool, language, point, sampling in product(
        ("all", "seen"), ("mean", "en"), points, samplings
    ):
        for setting, metric in (
            ("multilingual", "rank_distance"),
            ("monolingual", "map"),
            ("cross-lingual", "map"),
            ("multilingual", "map"),
            ("monolingual", "recall_1"),
        ):
            value = float(point) / 10 + 0.05 * samplings.index(sampling) + 0.1 * (pool == "seen")
            value *= 1000 if metric == "rank_distance" else 1
            rows.append((point, sampling, pool, language, setting, metric, value))
    columns = ["point", "sampling", "pool", "language", "setting", "metric", "value"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        benchmark="quiz", encoder="static", n_queries=9, n_seeds=3, versus=np.nan,
        ci_low=frame["value"] * 0.9, ci_high=frame["value"] * 1.1,
    )  # fmt: skip


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


# Training.


def runs(steps: int = 41) -> tuple[pd.DataFrame, pd.DataFrame]:
    training = pd.DataFrame(
        [
            (sampling, seed, step, 1 + seed + (step == 20))
            for sampling, seed, step in product(("x-y", "hybrid"), (0, 1), range(steps))
        ],
        columns=["sampling", "seed", "step", "loss"],
    )
    validation = pd.DataFrame(
        [
            (sampling, seed, step, abs(step - 20) / 10 + 0.5 + seed)
            for sampling, seed, step in product(("x-y", "hybrid"), (0, 1), (10, 20, 30))
        ],
        columns=training.columns,
    )
    return training, validation


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


# Translation quality.


def quality(sets: Sequence[str] = ("human",)) -> pd.DataFrame:
    rows = [
        (name, texts, language, chrf)
        for name, texts in product(sets, ("questions", "sentences"))
        for language, chrf in (("es", 60.0), ("gl", 50.0), ("ast", np.nan), ("pt", 55.0))
    ]
    frame = pd.DataFrame(rows, columns=["references", "texts", "language", "chrf++"])
    return frame.assign(**{"chrf++": frame["chrf++"] + (frame["texts"] == "questions")})


def table() -> pd.DataFrame:
    rows = [
        (setting, metric, pool, language, sampling, 0.5 + 0.01 * len(sampling))
        for setting, metric, pool, language, sampling in product(
            ("monolingual", "multilingual"), ("map", "recall_1"), ("all", "seen"),
            ("en", "es", "gl", "ast", "mean"), ("x-y", "hybrid"),
        )
    ]  # fmt: skip
    columns = ["setting", "metric", "pool", "language", "sampling", "value"]
    return pd.DataFrame(rows, columns=columns).assign(
        benchmark="quiz", ci_low=0.4, ci_high=0.6, n_queries=8, n_seeds=1
    )


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


# Published figures.


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
