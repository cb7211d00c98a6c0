"""What Snakemake plans: what reruns after a change, and what does not."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from checkout import ROOT, Checkout, as_option, small_configuration

sys.path.insert(0, str(ROOT / "tests"))
from lint_workflow import complaints

SMALL = ("--configfile=small.yaml",)
TARGETS = {"tables", "ablations", "translations", "models"}


def rules(jobs: list[tuple[str, dict]]) -> set[str]:
    return {rule for rule, _ in jobs} - TARGETS


def wildcards_of(jobs: list[tuple[str, dict]], rule: str, name: str) -> set[str]:
    return {wildcards[name] for found, wildcards in jobs if found == rule}


def changed(checkout: Checkout, name: str, **values) -> tuple[str]:
    """A configuration file like `small.yaml` with other top-level values."""
    config = small_configuration()
    for key, value in values.items():
        config[key] = value
    (checkout.path / name).write_text(yaml.safe_dump(config))
    return (f"--configfile={name}",)


def test_a_finished_run_has_nothing_to_do(finished: Checkout):
    assert finished.plan(*SMALL, "tables", "ablations") == []


def test_an_ablation_trains_the_new_point_alone(finished: Checkout):
    ablations = small_configuration()["ablations"] | {"alpha": [0.3, 0.5, 0.7, 1.0]}
    more = changed(finished, "more_points.yaml", ablations=ablations)
    jobs = finished.plan(*more, "ablations")
    assert wildcards_of(jobs, "finetune", "system") == {"static@alpha-0.7_hybrid"}
    assert wildcards_of(jobs, "ablation_table", "ablation") == {"alpha"}
    cell = "results/small/scores/static@alpha-0.7_hybrid/small.parquet"
    assert rules(finished.plan(*more, cell)) == {
        "finetune", "encode", "evaluate", "score_system",
    }  # fmt: skip


def test_an_ablation_of_the_configuration_s_own_values_trains_nothing(finished: Checkout):
    """Alpha 0.5 and 1, all data and languages, its temperature, corpora by their sizes."""
    models = finished.path.glob("results/small/models/static*")
    assert {folder.name for folder in models} == {
        "static_x-x-mono", "static_hybrid", "static@alpha-0.3_hybrid",
        *(f"static@{changed}_{sampling}"
          for changed in ("pairs-0.5", "without-es", "steps-20")
          for sampling in ("x-x-mono", "hybrid")),
    }  # fmt: skip


def test_adding_a_target_language_translates_that_language_only(finished: Checkout):
    more = changed(finished, "more.yaml", target_languages=["es", "ast", "eo"])
    jobs = finished.plan(*more, "tables")
    assert wildcards_of(jobs, "translate", "language") == {"eo"}
    assert wildcards_of(jobs, "filter_pairs", "language") == {"eo"}
    # What depends on the training languages is made again; what does not is kept.
    assert {"prepare_encoder", "finetune", "encode"} <= rules(jobs)
    assert not rules(jobs) & {"read_corpus", "read_benchmark", "shard_texts"}


def test_adding_a_benchmark_language_encodes_that_language_only(finished: Checkout):
    config = small_configuration()["catalogue"]
    config["benchmarks"]["small"]["languages"] = ["en", "es", "it", "fr"]
    more = changed(finished, "more_benchmark.yaml", catalogue=config)
    jobs = finished.plan(*more, "tables")
    assert wildcards_of(jobs, "encode", "language") == {"fr"}
    assert wildcards_of(jobs, "read_benchmark", "language") == {"fr"}
    assert not rules(jobs) & {"translate", "finetune", "tokenize_pairs", "prepare_encoder"}


def test_removing_a_target_language_translates_nothing_and_deletes_nothing(finished: Checkout):
    less = changed(finished, "less.yaml", target_languages=["es"])
    before = sorted(finished.path.glob("results/small/**/*"))
    jobs = finished.plan(*less, "tables")
    assert "translate" not in rules(jobs)
    finished.snakemake(*less, "translations")
    assert sorted(finished.path.glob("results/small/**/*")) == before


def test_a_list_on_the_command_line_makes_that_part_alone(checkout: Checkout):
    lists = as_option(target_languages=["es"], samplings=["hybrid"], seeds=[3])
    jobs = checkout.plan(*SMALL, "models", *lists)
    assert wildcards_of(jobs, "translate", "language") == {"es"}
    assert [w for rule, w in jobs if rule == "finetune"] == [
        {"system": "static_hybrid", "seed": "3"}
    ]


def test_one_sampling_of_a_finished_run_makes_no_model_again(finished: Checkout):
    jobs = finished.plan(*SMALL, "tables", *as_option(samplings=["hybrid"]))
    assert not rules(jobs) & {"translate", "finetune", "encode", "evaluate"}


def test_one_language_of_one_system_is_evaluated_again_by_naming_its_file(finished: Checkout):
    file = "results/small/ranks/static_hybrid/seed0/small/es.parquet"
    jobs = finished.plan(*SMALL, "--force", file)
    assert [rule for rule, _ in jobs] == ["evaluate"]


def test_a_formula_reruns_what_uses_it(finished: Checkout):
    """tests/workflow/test_reruns.py has what reruns nothing, a comment among it."""
    module = finished.path / "workflow/scripts/hybridbatch/evaluation/metrics.py"
    text = module.read_text()
    try:
        module.write_text(text.replace("ranks <= k", "ranks < k"))
        jobs = finished.plan(*SMALL, "tables")
    finally:
        module.write_text(text)
    assert "evaluate" in rules(jobs)
    assert not rules(jobs) & {"translate", "finetune", "encode"}


def test_another_threshold_filters_again_but_does_not_translate_again(finished: Checkout):
    filtering = small_configuration()["filtering"] | {"max_unknown_share": 0.2}
    jobs = finished.plan(*changed(finished, "strict.yaml", filtering=filtering), "tables")
    assert {"filter_pairs", "finetune"} <= rules(jobs)
    assert "translate" not in rules(jobs)


def test_zero_shot_alone_plans_no_corpus_no_translation_and_no_training(checkout: Checkout):
    options = as_option(samplings=["zero-shot"], benchmarks=["xquad_r"])
    heatmap = "results/paper/figures/labse/xquad_r/heatmap.svg"  # `figures` has those of ablations
    jobs = checkout.plan("--configfile=config/paper.yaml", "tables", "models", heatmap, *options)
    assert rules(jobs) == {
        "fetch", "read_benchmark", "prepare_encoder", "encode", "evaluate", "measure_bias",
        "score_system", "compare_samplings", "score_table", "bias_detail_table",
        "significance_table", "reproduction_table", "claims_table", "evaluation_data_table",
        "record_provenance", "heatmap_figure", "count_tokens", "tokens_table",
    }  # fmt: skip
    assert wildcards_of(jobs, "encode", "system") == {"xlm-r_zero-shot", "labse_zero-shot"}
    assert wildcards_of(jobs, "encode", "seed") == {"0"}
    assert not any("train" in wildcards.get("source_file", "") for _, wildcards in jobs)


def test_an_ablation_that_is_not_configured_has_no_figure(checkout: Checkout):
    nothing = {"languages": [], "temperature": [], "steps": []}
    ablations = small_configuration()["ablations"] | nothing
    jobs = checkout.plan(*changed(checkout, "fewer.yaml", ablations=ablations), "figures")
    assert wildcards_of(jobs, "curve_figure", "curve") == {"alpha", "data_size"}


def test_every_schedule_is_trained_at_every_budget(checkout: Checkout):
    """The demo with a transformer whose weights nothing reads before it is trained."""
    (checkout.path / "tiny").mkdir()
    size = {"num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 64, "vocab_size": 800}
    (checkout.path / "tiny/config.json").write_text(json.dumps(size))
    text = {"max_tokens": 64, "query_prefix": "", "passage_prefix": "", "pooling": "mean"}
    schedules = ["uniform", "rising", "falling"]
    layers = {
        "encoders": ["tiny"],
        "ablations": {
            "samplings": ["hybrid"],
            "layer_scaling": [
                {"adapter": "lora", "scale": 2.0, "budgets": [4, 8], "schedules": schedules}
            ],
        },
        "catalogue": {"encoders": {"tiny": {"kind": "transformer", "model": "tiny", **text}}},
    }
    (checkout.path / "layers.yaml").write_text(yaml.safe_dump(layers))
    root = "results/demo"
    jobs = checkout.plan(
        *(
            "--configfile",
            "config/demo.yaml",
            "layers.yaml",
            "--",
            f"{root}/tables/layer_scaling.csv",
        ),
        *(f"{root}/figures/layer_scaling.svg", f"{root}/timings/layer_scaling.csv"),
        f"{root}/report/tables/layer_scaling.html",
    )
    names = {f"tiny@lora-{b}-{s}_hybrid" for b in (4, 8) for s in schedules}
    assert wildcards_of(jobs, "finetune", "system") == names
    assert [rule for rule, _ in jobs].count("finetune") == 2 * len(names)
    assert wildcards_of(jobs, "compare_schedules", "schedules") == {
        "tiny@lora-4_hybrid", "tiny@lora-8_hybrid",
    }  # fmt: skip
    assert rules(jobs) >= {
        "layer_scaling_table", "record_provenance", "layer_scaling_figure", "layer_scaling_usage",
    }  # fmt: skip
    assert not rules(jobs) & {"ablation_table", "compare_samplings"}


def test_a_wrong_configuration_is_refused_with_the_key(checkout: Checkout):
    """tests/unit/test_options.py has wrong values of every sort."""
    wrong = ("sample=0.3", "training={max_steps: half}")
    run = checkout.snakemake("--dry-run", *SMALL, "--config", *wrong, check=False)
    assert run.returncode == 1
    for word in ("sample: no such key; did you mean scale?", "training.max_steps: 'half' must be"):
        assert word in run.stderr + run.stdout
    assert "Traceback" not in run.stderr


def test_without_network_and_mirror_the_message_says_what_to_do(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HYBRIDBATCH_MIRROR", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    catalogue = yaml.safe_load((checkout.path / "config/catalogue.yaml").read_text())
    base = catalogue["catalogue"]["sources"]["xquad_r"]["base"]
    file = "downloads/" + base.removeprefix("https://") + "en.json"
    run = checkout.snakemake(file, check=False)
    assert run.returncode == 1
    message = run.stderr + run.stdout
    for word in (base + "en.json", "HYBRIDBATCH_MIRROR", "make demo"):
        assert word in message
    assert not (checkout.path / file).exists()


def test_the_workflow_passes_snakemakes_linter(checkout: Checkout):
    assert complaints(checkout.path) == []


def test_the_environment_file_has_the_locked_versions():
    environment = yaml.safe_load((ROOT / "envs/hybridbatch.yaml").read_text())
    pip = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    direct = set(pinned(ROOT / "requirements.in"))
    assert {line.lower() for line in pip} <= direct
    assert direct <= set(pinned(ROOT / "requirements.txt"))


def pinned(path: Path) -> list[str]:
    """Requirements with the names as pip compares them."""
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    return [line.lower().replace("_", "-") for line in lines]
