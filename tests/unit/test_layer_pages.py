"""Schedules at equal budgets: page, figure, memory and speed."""

from itertools import product

import pandas as pd
import pytest
from layer_scores import GAINS, one
from layer_scores import table as table

from hybridbatch.figures._style import LOOKS
from hybridbatch.figures.budgets import budget_figure, budget_words, schedule_looks
from hybridbatch.render.latex import render as latex
from hybridbatch.render.markdown import render
from hybridbatch.tables.layer_scaling import layer_scaling_page
from hybridbatch.tables.layer_usage import USAGE_COLUMNS, layer_usage_page, layer_usage_table

pytestmark = pytest.mark.filterwarnings("error")


# --- the page ---


def test_the_page_has_the_least_difference_before_the_verdict(table):
    text = render(layer_scaling_page(table, 0.95))
    header = next(line for line in text.splitlines() if line.startswith("| budget, schedules"))
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "budget, schedules", "difference", "p", "Holm", "detectable", "margin", "verdict",
    ]  # fmt: skip
    assert "| 24, rising" in text
    assert "| zero-shot | none" in " ".join(text.split())
    assert "24: rising − uniform" in text
    assert "**holds**" in text
    assert "timings/layer_scaling.md" in text
    rows = [line for line in text.splitlines() if line.startswith("| falling's")]
    assert len(rows) == 3
    # Two budgets in two pools; 'holds' is the first verdict and 'does not' the second.
    assert [cell.strip() for cell in rows[0].strip("|").split("|")][1:3] == ["0", "4"]
    assert r"\begin{tabular}" in latex(layer_scaling_page(table, 0.95))


def test_a_pool_with_the_same_scores_is_shown_once(table):
    whole = table[table["pool"] == "all"]
    twice = pd.concat([whole, whole.assign(pool="seen")], ignore_index=True)
    assert render(layer_scaling_page(twice, 0.95)) == render(layer_scaling_page(whole, 0.95))
    assert len(budget_figure(twice).axes) == 4
    both = render(layer_scaling_page(table, 0.95))
    assert both.count("only the languages with training data") == 2  # scores, differences


# --- the figure ---


def test_the_figure_has_a_line_a_schedule_and_a_panel_a_setting(table):
    figure = budget_figure(table)
    assert len(figure.axes) == 2 * 4  # pools, settings and metrics
    for panel in figure.axes:
        assert [line.get_label() for line in panel.get_lines()] == list(GAINS)
    first = figure.axes[0]
    assert first.get_title() == "monolingual mAP"
    drawn = {line.get_label(): list(line.get_ydata()) for line in first.get_lines()}
    for schedule, values in drawn.items():
        rows = table[(table["schedule"] == schedule) & table["versus"].isna()]
        rows = rows[(rows["setting"] == "monolingual") & (rows["metric"] == "map")]
        rows = rows[(rows["language"] == "mean") & (rows["pool"] == "all")]
        assert values == list(rows["value"])
    assert [t.get_text() for t in first.get_xticklabels()] == ["24", "96"]
    last = figure.axes[3]
    assert last.get_title() == "multilingual rank distance"
    assert sorted(text.get_text() for text in last.texts) == sorted(GAINS)


def test_the_caption_has_metric_n_seeds_and_parameters(table):
    caption = budget_words(table, 0.95).caption
    for part in (
        "mAP and rank distance", "2 values", "1,000 to 4,000 trained parameters",
        "n = 40 queries, 3 seeds", "95%",
    ):  # fmt: skip
        assert part in caption


def test_every_schedule_has_a_look_of_its_own():
    names = ["uniform", "rising", "falling", "middle", "ends", "linear-1-2", "linear-2-1"]
    looks = schedule_looks(names)
    assert len({(look.color, look.dash, look.marker) for look in looks.values()}) == len(names)
    assert {looks[name] for name in names[:5]} == set(LOOKS.values())
    assert schedule_looks(["rising"])["rising"] == looks["rising"]


# --- memory and speed ---


def usage(seconds: float, gpus: list[str] | None = None) -> dict:
    return {
        "peak_memory_mib": 100 * seconds,
        "gpu_peak_mib": 3_000.0 if gpus else None,
        "loops": {"steps": {"done": 80, "seconds": seconds}},
        "machine": {"cpu": "A CPU", "gpus": gpus or []},
    }


def test_speed_and_memory_are_measured_or_not_measured(table, tmp_path):
    path = tmp_path / "table.csv"
    table.to_csv(path, index=False)
    read = pd.read_csv(path, keep_default_na=False, na_values="")
    names = {"encoder": "e5-small", "sampling": "hybrid", "adapter": "lora", "pairs": 64}
    of = [
        names | {"budget": budget, "schedule": schedule, "seed": seed}
        for budget, schedule, seed in product((24, 96), ("uniform", "falling", "rising"), (0, 1))
    ]
    used = [usage(10.0), usage(20.0), None, usage(10.0, ["A GPU"]), *[None] * 8]
    frame = layer_usage_table(read, zip(of, used, strict=True))
    assert list(frame.columns) == USAGE_COLUMNS
    assert frame["schedule"].to_list() == ["uniform", "falling", "rising"] * 2
    assert frame["trained_parameters"].to_list() == [1_000] * 3 + [4_000] * 3
    first, second, third = (frame.iloc[i] for i in range(3))
    assert first["pairs_per_second"] == pytest.approx((512 + 256) / 2)
    assert first["peak_memory_mib"] == 2_000
    assert pd.isna(first["gpu_peak_mib"])
    assert (first["models"], first["models_measured"], first["machine"]) == (2, 2, "A CPU")
    assert (second["models_measured"], second["machine"]) == (1, "A GPU")
    assert second["gpu_peak_mib"] == 3_000
    assert (third["models_measured"], third["machine"]) == (0, "not measured")
    assert pd.isna(third["pairs_per_second"])
    mean = one(table[table["versus"].isna()].assign(versus="-"), "uniform", "-", "multilingual")
    assert first["multilingual mAP"] == pytest.approx(mean["value"])
    text = render(layer_usage_page(frame))
    line = next(row for row in text.splitlines() if row.startswith("| 24, rising"))
    assert line.count("not measured") == 3
    assert "2,000 MiB" in text
