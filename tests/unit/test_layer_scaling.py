"""Schedules at equal budgets: points and names, differences to uniform, verdicts, page, figure."""

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridbatch.cost.stages import cost_of
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.claims import Margins
from hybridbatch.evaluation.layer_scaling import (
    COMPARED,
    LAYER_COLUMNS,
    Compared,
    Point,
    layer_claims,
    layer_scaling_table,
)
from hybridbatch.evaluation.settings import MEANS, PARAMETERS_COLUMNS
from hybridbatch.evaluation.significance import compare, holm
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import outputs
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.figures._style import LOOKS
from hybridbatch.figures.budgets import budget_figure, budget_words, schedule_looks
from hybridbatch.render.latex import render as latex
from hybridbatch.render.markdown import render
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.tables.layer_scaling import layer_scaling_page
from hybridbatch.tables.layer_usage import USAGE_COLUMNS, layer_usage_page, layer_usage_table
from hybridbatch.tables.published import read_published

pytestmark = pytest.mark.filterwarnings("error")

ROOT = Path(__file__).parents[2]
FILES = [ROOT / "config" / "pretrained.yaml", ROOT / "config" / "layer_schedules.yaml"]
LINEAR = {"linear": {"from": 0.5, "to": 2.0}}
LORA = {
    "adapter": "lora",
    "scale": 2.0,
    "budgets": [24, 96],
    "schedules": ["uniform", "falling", "rising", LINEAR],
}
BOTTLENECK = {"adapter": "bottleneck", "budgets": [24], "schedules": ["uniform", "ends"]}


def configured(*scalings: dict, **others) -> Experiment:
    """config/pretrained.yaml with this ablation; others: keys of `ablations`."""
    options = {"layer_scaling": list(scalings), "samplings": ["hybrid", "x-y"], **others}
    return conf.load(FILES[:1], [f"ablations={json.dumps(options)}"])


# --- points ---


def test_a_point_is_each_schedule_at_each_budget_with_each_sampling():
    experiment = configured(LORA, BOTTLENECK)
    points = variants.layer_points(experiment)
    assert len(points) == 2 * (2 * 4 + 2)
    named = {(p.adapter, p.budget, p.schedule, p.system.sampling): p.system for p in points}
    system = named["lora", 24, "linear-0.5-2", "x-y"]
    assert system.name == "e5-small@lora-24-linear-0.5-2_x-y"
    assert variants.training_values(experiment, system)["trainable"] == {
        "kind": "lora",
        "budget": 24,
        "schedule": LINEAR,
        "scale": 2.0,
    }
    system = named["bottleneck", 24, "ends", "hybrid"]
    values = variants.training_values(experiment, system)
    assert values["trainable"] == {"kind": "bottleneck", "budget": 24, "schedule": "ends"}
    assert values["alpha"] == 0.5
    table = variants.ablation_points(experiment, "layer_scaling")
    assert [point.value for point in table[:3]] == ["zero-shot", "24 uniform", "24 falling"]
    assert len(variants.ablation_systems(experiment)) == len(points) + 1


def test_no_two_points_have_one_name():
    schedules = ["uniform", "rising", LINEAR, {"linear": {"from": 0.5, "to": 0.2}}]
    scalings = [
        {**LORA, "budgets": [9, 96, 960], "schedules": schedules},
        {**BOTTLENECK, "budgets": [9, 96, 960], "schedules": schedules},
    ]
    experiment = configured(*scalings, temperature=[0.1], samplings=["x-x", "x-x-mono", "hybrid"])
    points = variants.layer_points(experiment)
    assert len(points) == 2 * 3 * 4 * 3
    names = [point.system.name.casefold() for point in points]
    assert len(set(names)) == len(names)
    assert len({point.group.casefold() for point in points}) == 2 * 3 * 3
    others = variants.ablation_points(experiment, "temperature")
    assert not {point.system.name for point in others[1:]} & set(names)


def test_what_is_compared_differs_in_its_schedule_alone():
    experiment = configured(LORA, BOTTLENECK)
    groups = variants.layer_groups(experiment)
    assert len(groups) == 2 * 3
    assert list(groups["e5-small@lora-96_hybrid"]) == [
        "rising", "linear-0.5-2", "falling", "uniform",
    ]  # fmt: skip
    for systems in groups.values():
        values = [variants.training_values(experiment, system) for system in systems.values()]
        for of in values:
            of["trainable"] = {k: v for k, v in of["trainable"].items() if k != "schedule"}
        assert all(of == values[0] for of in values)
        seeds = [variants.seeds_of(experiment, system) for system in systems.values()]
        assert all(of == seeds[0] for of in seeds)


@pytest.mark.parametrize(("seeds", "again"), [(3, False), (2, True)])
def test_a_point_of_the_configuration_is_not_trained_again(seeds, again):
    own = {"kind": "lora", "budget": 96, "schedule": "rising", "scale": 2.0}
    options = [
        f"training={json.dumps({'trainable': own})}",
        f"ablations={json.dumps({'layer_scaling': [LORA], 'seeds': seeds})}",
    ]
    experiment = conf.load(FILES[:1], options)
    points = variants.layer_points(experiment)
    (mine,) = [
        p.system
        for p in points
        if (p.budget, p.schedule, p.system.sampling) == (96, "rising", "hybrid")
    ]
    # With fewer seeds it would not have those of what it is compared with.
    assert mine.name == ("e5-small@lora-96-rising_hybrid" if again else "e5-small_hybrid")
    assert variants.training_values(experiment, mine)["trainable"] == own


def test_no_list_is_no_ablation():
    experiment = conf.load(FILES[:1])
    assert experiment.ablations.layer_scaling == []
    assert variants.layer_points(experiment) == []
    assert variants.layer_groups(experiment) == {}
    for name in ("config", "demo", "paper"):
        assert conf.load([ROOT / f"config/{name}.yaml"]).ablations.layer_scaling == []


def test_the_shipped_schedules_are_laid_over_the_pretrained_encoder():
    experiment, plain = conf.load(FILES), conf.load(FILES[:1])
    assert variants.systems(experiment) == variants.systems(plain)
    (scaling,) = experiment.ablations.layer_scaling
    assert len(scaling.budgets) > 1
    assert min(scaling.budgets) >= 12  # layers
    part = outputs.part_for(experiment, "layer_scaling")
    assert part["ablations"]["layer_scaling"] == [scaling.plain()]
    assert "layer_scaling" not in json.dumps(outputs.part_for(experiment, "main"))


@pytest.mark.parametrize(
    ("scalings", "problem"),
    [
        ([{**LORA, "budgets": []}], "0.budgets: [] must not be empty"),
        ([{**LORA, "budgets": [0]}], "0.budgets.0: 0 must be at least 1"),
        ([{**LORA, "budgets": [24, 24]}], "0.budgets: 24 stands twice"),
        ([{**LORA, "schedules": ["rising"]}], "0.schedules: 'uniform' is missing"),
        ([{**LORA, "schedules": ["uniform", "rizing"]}], "0.schedules.1: 'rizing' must be one of"),
        ([{**LORA, "schedules": ["uniform", [1, 2]]}], "0.schedules.1: [1, 2] must be one of"),
        (
            [{**LORA, "schedules": ["uniform", {"linear": {"from": 0.0, "to": 0.0}}]}],
            "0.schedules.1: must be one of uniform, rising, falling, middle, ends or {linear: ",
        ),
        (
            [
                {
                    **LORA,
                    "schedules": ["uniform", LINEAR, {"linear": {"from": 0.5, "to": 2.00000001}}],
                }
            ],
            "0.schedules: two of them are named linear-0.5-2",
        ),
        ([{k: v for k, v in LORA.items() if k != "scale"}], "0.scale: is missing"),
        ([{**BOTTLENECK, "scale": 2.0}], "0.scale: is only of lora, and the adapter is bottl"),
        ([{**BOTTLENECK, "modules": ["a"]}], "0.modules: is only of lora"),
        ([{**LORA, "adapter": "ia3"}], "0.adapter: 'ia3' is not one of lora, bottleneck"),
        ([{**LORA, "margin": 0.0}], "0.margin: 0.0 must be more than 0"),
        ([LORA, LORA], "1.adapter: 'lora' stands twice"),
    ],
)
def test_a_scaling_that_cannot_be_is_named(scalings, problem):
    with pytest.raises(ConfigError) as caught:
        configured(*scalings)
    _, line = str(caught.value).splitlines()
    assert line.strip().startswith(f"ablations.layer_scaling.{problem}")


def test_an_encoder_without_adapters_is_refused():
    options = [f"ablations={json.dumps({'layer_scaling': [LORA]})}"]
    with pytest.raises(ConfigError, match=r"0\.adapter: 'lora', and static, of kind"):
        conf.load([ROOT / "config/demo.yaml"], options)


def test_the_plan_counts_every_schedule():
    experiment, work = conf.load(FILES), read_work(conf.load(FILES), read_rates(), "h100")
    schedules = [point.system.name for point in variants.layer_points(experiment)]
    costs = [cost_of(work, "finetune", {"system": name, "seed": "0"}) for name in schedules]
    whole = cost_of(work, "finetune", {"system": "e5-small_hybrid", "seed": "0"})
    assert len(costs) == 6
    # Schedules of one budget cost the same; adapters hold less than all layers do.
    assert len({cost.gpu_memory for cost in costs}) == 2
    assert max(cost.gpu_memory for cost in costs) < whole.gpu_memory
    wildcards = {"schedules": "e5-small@lora-24_hybrid", "benchmark": "xquad_r"}
    assert cost_of(work, "compare_schedules", wildcards).memory > 0


# --- the table ---

LANGUAGES, SEEN = ["en", "es", "it"], ["en", "es"]
GAINS = {"rising": 0.02, "falling": -0.06, "uniform": 0.0}
STATISTICS = StatisticsConfig(confidence=0.95, resamples=100, seed=0)
MARGINS = Margins(read_published(ROOT / "resources/published/hybrid_batch.csv"))
PARAMETERS = {24: 1_000, 96: 4_000}


def metrics(gain: float, seeds: int, noise: float, salt: int) -> dict:
    """Per-query metrics of 40 questions; by language and seed."""
    of_query = np.random.default_rng(0).uniform(0.3, 0.7, 40)
    rng = np.random.default_rng(salt)
    frames = {}
    for language, seed in product(LANGUAGES, range(seeds)):
        parts = []
        for pool in (*LANGUAGES, "all", "seen"):
            values = of_query + gain + rng.normal(0, noise, 40) + rng.normal(0, noise / 4)
            names = {"query_id": [f"q{i}" for i in range(40)], "candidates": pool}
            scores = {"map": values, "recall_1": values, "rank_distance": 100 - 50 * values}
            parts.append(pd.DataFrame({**names, **scores}))
        frames[language, seed] = pd.concat(parts, ignore_index=True)
    return frames


@cache
def scored(seeds: int) -> pd.DataFrame:
    """Scores of uniform; those of the other schedules are made of them."""
    return score_system(metrics(0.0, seeds, 0.01, 0), LANGUAGES, SEEN, STATISTICS)


@cache
def compared(seeds: int, noise: float, salt: int) -> pd.DataFrame:
    frames = {
        schedule: metrics(gain, seeds, noise, salt + number)
        for number, (schedule, gain) in enumerate(GAINS.items())
    }
    return compare(frames, LANGUAGES, SEEN, 0.95)


def made(
    seeds: int = 3,
    noise: float = 0.01,
    margin: float | None = 0.01,
    benchmark: str = "quiz",
    parameters: dict = PARAMETERS,
    budgets: tuple[int, ...] = (24, 96),
) -> tuple[pd.DataFrame, list]:
    """The table of three schedules, and the comparisons that it is made of."""
    scores, comparisons = [], []
    names = {"benchmark": benchmark, "encoder": "e5-small", "sampling": "hybrid", "steps": 80.0}
    cells = scored(seeds).assign(**names)

    def with_parameters(frame: pd.DataFrame, number: int | None) -> pd.DataFrame:
        values = pd.array([number] * len(frame), "Int64")
        return frame.assign(**dict.fromkeys(PARAMETERS_COLUMNS, values))

    for budget in budgets:
        for schedule, gain in GAINS.items():
            trained = parameters.get((budget, schedule), parameters.get(budget))
            of_point = cells.assign(value=cells["value"] + gain + budget / 1e4)
            scores.append((Point("lora", budget, schedule), with_parameters(of_point, trained)))
        of = Compared(benchmark, "e5-small", "hybrid", "lora", budget)
        comparisons.append((of, compared(seeds, noise, budget)))
    reference = cells.assign(sampling="zero-shot", steps=0.0)
    scores.insert(0, (Point(), with_parameters(reference, None)))
    table = layer_scaling_table(scores, comparisons, MARGINS, {"lora": margin}, 0.95)
    return table, comparisons


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return made()[0]


def differences_of(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["versus"].notna()]


def one(table: pd.DataFrame, schedule: str, versus: str, setting: str, **others) -> pd.Series:
    where = {"schedule": schedule, "versus": versus, "setting": setting, "metric": "map"}
    where |= {"pool": "all", "language": "mean", "budget": 24} | others
    found = table
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


def test_the_least_difference_stands_before_the_verdict(table):
    assert list(table.columns) == LAYER_COLUMNS
    order = [LAYER_COLUMNS.index(c) for c in ("value", "p", "p_holm", "detectable", "verdict")]
    assert order == sorted(order)
    assert not any("second" in column or "memory" in column for column in LAYER_COLUMNS)


def test_scores_are_there_with_the_parameters_that_were_trained(table):
    scores = table[table["versus"].isna()]
    assert set(scores["schedule"].dropna()) == set(GAINS)
    for budget, trained in PARAMETERS.items():
        assert set(scores[scores["budget"] == budget]["trained_parameters"]) == {trained}
    reference = scores[scores["sampling"] == "zero-shot"]
    assert reference[["budget", "schedule", *PARAMETERS_COLUMNS]].isna().all(axis=None)
    assert {"en", "es", "it", "mean"} <= set(scores["language"])


def test_differences_are_those_of_the_one_estimate():
    table, comparisons = made(budgets=(24,))
    ((_, rows),) = comparisons
    found = differences_of(table)
    assert set(zip(found["schedule"], found["versus"], strict=True)) == {
        ("rising", "uniform"), ("falling", "uniform"), ("rising", "falling"),
    }  # fmt: skip
    assert set(zip(found["setting"], found["metric"], strict=True)) == set(COMPARED)
    assert set(found["language"]) == set(MEANS)
    keys = ["setting", "metric", "pool", "language"]
    for schedule, versus in (("rising", "uniform"), ("falling", "uniform"), ("rising", "falling")):
        mine = found[(found["schedule"] == schedule) & (found["versus"] == versus)].set_index(keys)
        theirs = rows[(rows["sampling_a"] == schedule) & (rows["sampling_b"] == versus)]
        theirs = theirs.set_index(keys).loc[mine.index]
        np.testing.assert_array_equal(mine["value"], theirs["difference"])
        for column in ("standard_error", "df", "ci_low", "ci_high", "p", "detectable"):
            np.testing.assert_array_equal(mine[column].astype(float), theirs[column])
    row = one(table, "rising", "uniform", "cross-lingual")
    assert row["value"] == pytest.approx(GAINS["rising"], abs=0.01)
    assert (row["n_seeds"], row["n_queries"], row["trained_parameters"]) == (3, 40, 1_000)


def test_holm_counts_every_distinct_test_of_the_table_once(table):
    found = differences_of(table)
    assert (found["p_holm"] >= found["p"]).all()
    # Monolingual means over the languages with training data are the same in both pools.
    keys = ["budget", "schedule", "versus", "setting", "metric", "value", "p"]
    same = found.drop_duplicates(keys)
    assert len(same) < len(found)
    expected = dict(zip(same["p"], holm(same["p"].to_numpy(float)), strict=True))
    np.testing.assert_allclose(found["p_holm"].astype(float), found["p"].map(expected))


def test_a_loss_that_is_larger_than_the_margin_does_not_hold(table):
    for budget, setting in product((24, 96), ("monolingual", "cross-lingual", "multilingual")):
        holds = one(table, "rising", "uniform", setting, budget=budget)
        assert (holds["verdict"], holds["margin"]) == ("holds", 0.01)
        assert holds["detectable"] <= holds["margin"]
        assert holds["statement"] == f"rising's {setting} mAP is not below uniform's"
        fails = one(table, "falling", "uniform", setting, budget=budget)
        assert fails["verdict"] == "does not"
    above = one(table, "rising", "falling", "cross-lingual")
    assert (above["verdict"], above["statement"]) == (
        "holds",
        "rising's cross-lingual mAP is above falling's",
    )
    assert np.isnan(above["margin"])


def test_only_means_over_all_languages_are_judged(table):
    judged = differences_of(table).dropna(subset=["verdict"])
    assert set(judged["language"]) == {"mean"}
    assert set(judged["metric"]) == {"map"}
    # Rising and falling in three settings, and the two of them across languages, in two pools.
    assert len(judged) == 2 * 2 * (2 * 3 + 1)


def test_a_run_that_is_too_small_cannot_say():
    noisy, _ = made(noise=0.3, budgets=(24,))
    row = one(noisy, "rising", "uniform", "multilingual")
    assert row["detectable"] > row["margin"]
    assert row["verdict"] == "cannot say with 3 seeds"
    single, _ = made(seeds=1, budgets=(24,))
    row = one(single, "rising", "uniform", "multilingual")
    assert np.isnan(row["p"])
    assert np.isnan(row["detectable"])
    assert row["verdict"] == "cannot say with 1 seed"
    assert one(single, "rising", "falling", "cross-lingual")["verdict"] == "cannot say with 1 seed"


def test_margins_are_the_paper_s_unless_another_is_given():
    ours, _ = made(margin=None, benchmark="xquad_r", budgets=(24,))
    for setting in ("monolingual", "cross-lingual", "multilingual"):
        margin = one(ours, "rising", "uniform", setting)["margin"]
        assert margin == MARGINS.margin("xquad_r", "e5-small", setting, "map")
        assert 0.005 < margin < 0.02
    unknown, _ = made(margin=None, budgets=(24,))
    row = one(unknown, "rising", "uniform", "monolingual")
    assert row["verdict"] == "no margin"
    assert np.isnan(row["margin"])
    assert row["detectable"] > 0


def test_unequal_budgets_are_no_comparison():
    with pytest.raises(DataError, match="budget of 96: the schedules have trained 4,000 and 4,100"):
        made(parameters={**PARAMETERS, (96, "rising"): 4_100})


def test_statements_are_of_the_schedules_that_are_there():
    assert [claim.name for claim in layer_claims(["rising", "uniform"])] == [
        "rising_monolingual", "rising_cross-lingual", "rising_multilingual",
    ]  # fmt: skip
    assert "rising_above_falling" in [c.name for c in layer_claims(["rising", "falling"])]
    assert layer_claims(["uniform"]) == []


def test_uniform_alone_is_a_table_without_differences():
    rows = compare({"uniform": metrics(0.0, 2, 0.01, 1)}, LANGUAGES, SEEN, 0.95)
    names = {"benchmark": "quiz", "encoder": "e", "sampling": "hybrid", "steps": 1.0}
    cells = scored(3).assign(**names, **dict.fromkeys(PARAMETERS_COLUMNS, 7))
    of = Compared("quiz", "e", "hybrid", "lora", 24)
    scores = [(Point("lora", 24, "uniform"), cells)]
    table = layer_scaling_table(scores, [(of, rows)], MARGINS, {"lora": None}, 0.95)
    assert table["versus"].isna().all()
    assert "Differences: " not in render(layer_scaling_page(table, 0.95))


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
