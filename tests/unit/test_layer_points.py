"""Schedules at equal budgets: their points, names and systems, and which are refused."""

import json

import pytest
from layer_scores import ROOT

from hybridbatch.cost.memory import Texts
from hybridbatch.cost.page import plan_text
from hybridbatch.cost.plan import Job, plan
from hybridbatch.cost.stages import cost_of
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.experiment import load as conf
from hybridbatch.experiment import outputs
from hybridbatch.experiment import systems as variants
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime.errors import ConfigError

pytestmark = pytest.mark.filterwarnings("error")
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
    # What the page says that the memory is of: 64 pairs of texts of at most 128 tokens.
    assert whole.training.batch == (Texts(64, 128), Texts(64, 128))
    job = Job("finetune", {"system": "e5-small_hybrid", "seed": "0"})
    assert "| 64 x 128 + 64 x 128 |" in plan_text(plan(work, [job]), work.rates, ["mine.yaml"])
    wildcards = {"schedules": "e5-small@lora-24_hybrid", "benchmark": "xquad_r"}
    assert cost_of(work, "compare_schedules", wildcards).memory > 0


def test_one_gpu_of_80_gb_is_enough_for_the_largest_encoder():
    """What the plan of config/layers.yaml prints, and docs/trainable.md quotes."""
    work = read_work(conf.load([ROOT / "config/layers.yaml"]), read_rates(), "h100")
    names = ["xlm-r", "xlm-r-large", "xlm-r-xl", "xlm-r-xxl"]
    jobs = [Job("finetune", {"system": f"{name}_hybrid", "seed": "0"}) for name in names]
    page = plan_text(plan(work, jobs), work.rates, ["config/layers.yaml"])
    docs = (ROOT / "docs" / "trainable.md").read_text(encoding="utf-8")
    for name in names:
        (row,) = (line for line in page.splitlines() if line.startswith(f"| {name} "))
        assert row in docs
        assert "100 x 256 + 100 x 256" in row
        assert row.endswith("enough |")
    # A batch of twenty times as many pairs is not: the last column says by how much.
    options = ["training={batch_size: 2000}"]
    more = read_work(conf.load([ROOT / "config/layers.yaml"], options), read_rates(), "h100")
    assert "too little" in plan_text(plan(more, jobs), more.rates, ["config/layers.yaml"])
