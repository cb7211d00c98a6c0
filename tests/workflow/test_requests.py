"""The plan has the jobs that Snakemake plans, and every rule asks for what its jobs cost."""

import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
import yaml
from checkout import ROOT, Checkout, new_checkout

from hybridbatch.cost.model import RATES_FILE
from hybridbatch.cost.page import scaled
from hybridbatch.cost.plan import plan
from hybridbatch.cost.stages import STAGE_OF
from hybridbatch.cost.work import read_rates, read_work
from hybridbatch.experiment.load import load

# The demo's plan has the fewest jobs; the paper's has two thousand.
CONFIGURATIONS = (
    "demo",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("config", "paper")),
)
# Figures are of ablations, too, which for the paper are thousands of jobs.
TARGETS = {"config": ("tables", "figures"), "demo": ("tables", "figures"), "paper": ("tables",)}
FIGURES = {
    f"{name}_figure"
    for name in (
        "heatmap", "rank_distance", "language_share", "curve", "training", "translation_quality",
        "reproduction",
    )
}  # fmt: skip
ASKED = {"mem_mb", "runtime", "disk_mb", "gpu"}
PLAN = runpy.run_path(str(ROOT / "workflow" / "plan.py"))


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Callable:
    """The jobs of a configuration's TARGETS, by `make plan` and by a dry run of a fresh copy."""
    checkout = new_checkout(tmp_path_factory.mktemp("planned"))

    @cache
    def jobs(name: str) -> tuple[list, list]:
        file, targets = f"config/{name}.yaml", TARGETS[name]
        tables, more = PLAN["planned_jobs"]([ROOT / file], checkout.path, targets=targets)
        return tables + more, checkout.plan(f"--configfile={file}", *targets)

    return jobs


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_the_plan_has_snakemakes_jobs(planned, name):
    ours, snakemakes = planned(name)
    counted = Counter(rule for rule, _ in snakemakes)
    for target in TARGETS[name]:
        del counted[target]
    assert Counter(job.rule for job in ours) == counted
    key = [(rule, tuple(sorted(wildcards.items()))) for rule, wildcards in snakemakes]
    assert {(job.rule, tuple(sorted(job.wildcards.items()))) for job in ours} <= set(key)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_table_and_figure_of_every_configuration_is_planned(planned, name):
    rules = {rule for rule, _ in planned(name)[1]}
    assert {"score_table", "training_data_table"} <= rules
    assert "figures" not in TARGETS[name] or rules >= FIGURES
    assert ("image_text_figure" in rules) == ("figures" in TARGETS[name])


@pytest.mark.slow
def test_every_figure_of_the_paper_is_planned(checkout: Checkout):
    """With one ablation, since the others are thousands of jobs for the same figure's rule."""
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8"))["ablations"]
    fewer = {"encoders": ["xlm-r"], "alpha": [0.1, 0.5]}
    none = {name: [] for name, of in paper.items() if isinstance(of, list)}
    kept = {name: paper[name] for name in ("benchmarks", "samplings")}
    (checkout.path / "fewer.yaml").write_text(yaml.safe_dump({"ablations": none | kept | fewer}))
    jobs = checkout.plan("--configfile", "config/paper.yaml", "fewer.yaml", "--", "figures")
    drawn = {rule for rule, _ in jobs}
    assert drawn >= FIGURES
    assert "image_text_figure" not in drawn  # it has no images


@pytest.mark.slow
def test_the_paper_trains_six_models_and_scores_them_on_each_benchmark(planned):
    _, jobs = planned("paper")
    models = {
        f"{encoder}_{sampling}"
        for encoder in ("xlm-r", "labse")
        for sampling in ("x-x-mono", "x-y", "hybrid")
    }
    assert {wildcards["system"] for rule, wildcards in jobs if rule == "finetune"} == models
    scored = [wildcards for rule, wildcards in jobs if rule == "score_system"]
    for benchmark in ("xquad_r", "mlqa_r", "miracl"):
        assert {w["system"] for w in scored if w["benchmark"] == benchmark} > models


@pytest.mark.slow
def test_the_paper_searches_four_shards_a_job_and_keeps_no_vectors(planned):
    _, jobs = planned("paper")
    assert len(jobs) < 2000
    searches = [wildcards for rule, wildcards in jobs if rule == "search_passages"]
    assert len(searches) == (6 + 2) * 55  # six models, and two encoders without training
    assert len({(w["language"], w["part"]) for w in searches}) == 55
    assert {w["benchmark"] for rule, w in jobs if rule in ("encode", "measure_bias")} == {
        "xquad_r", "mlqa_r",
    }  # fmt: skip


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_stages_sum_up_to_all_jobs(planned, name):
    ours, _ = planned(name)
    work = read_work(load([ROOT / "config" / f"{name}.yaml"]), read_rates(), "h100")
    assert sum(row.jobs for row in plan(work, ours).rows) == len(ours)


def test_every_rule_has_a_stage_and_asks_for_threads_and_resources():
    """Another attempt asks for more memory and time, on as many threads."""
    files, targets = [ROOT / "config/demo.yaml"], ["tables", "ablations", "figures"]
    with PLAN["snakemakes_dag"](files, ROOT, False, targets) as dag:
        rules = [rule for rule in dag.workflow.rules if rule.output]
        assert {rule.name for rule in rules} == set(STAGE_OF)
        for rule in rules:
            assert set(rule.resources) >= ASKED, rule.name
            for name in ("mem_mb", "runtime", "disk_mb"):
                assert rule.resources[name].is_evaluable(), f"{rule.name}: {name} is fixed"
            for name, fixed in (("gpu", 0), ("_cores", 1)):
                if not rule.resources[name].is_evaluable():
                    assert rule.resources[name].value == fixed, (rule.name, name)
        jobs = {job.rule.name: job for job in dag.jobs if job.output}
        assert len(jobs) > 25
        for name, job in jobs.items():
            before, threads = dict(job.resources.items()), job.threads
            job.attempt = 2
            after = dict(job.resources.items())
            for key in ("mem_mb", "runtime", "disk_mb"):
                assert after[key] == 2 * before[key] > 0, (name, key)
            assert (after["gpu"], job.threads) == (before["gpu"], threads), name
            assert before["mem_mb"] >= 500, f"{name}: less than its processes take"


def test_what_trains_from_scratch_keeps_to_one_thread(planned):
    threads = {job.rule: job.threads for name in ("config", "demo") for job in planned(name)[0]}
    assert set(threads.values()) == {1}


@pytest.mark.slow
def test_what_is_large_has_several_threads(planned):
    threads = {job.rule: job.threads for job in planned("paper")[0]}
    several = {rule for rule, number in threads.items() if number > 1}
    assert several == {
        "translate", "translate_references", "translate_back",
        "finetune", "encode", "search_passages",
    }  # fmt: skip


@pytest.mark.slow
def test_a_fine_tuning_job_asks_for_the_tokens_that_it_holds(planned):
    # Nine tenths of 36 GB are mMARCO's.
    asked = [job.mem_mb for job in planned("paper")[0] if job.rule == "finetune"]
    assert len(asked) == 6
    assert all(number > 36_000 for number in asked)


def test_profiles_say_nothing_of_rules():
    for file in (ROOT / "profiles").rglob("*.yaml"):
        keys = set(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert not keys & {"set-resources", "set-threads", "default-resources"}, file


def test_a_corpus_of_unknown_size_runs_with_a_default(finished: Checkout):
    first = min((finished.path / ".snakemake/log").glob("*.log"))  # by their names, which are times
    said = first.read_text()
    assert said.count("corpora has no 'small'") == 1
    assert "jobs that depend on it ask for a default" in said


# --- make plan ---


@pytest.fixture(scope="module")
def text_of():
    return PLAN["text_of"]


@pytest.mark.slow
def test_the_documentation_has_what_is_printed(text_of, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    printed = text_of(["config/paper.yaml"], "h100", None)
    written = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    assert f"```\n{printed}```\n" in written, (
        "docs/scale.md shows another plan: put in what `make plan CONFIG=config/paper.yaml` "
        "prints, and look at the figures around it"
    )


def test_the_readme_has_the_hours_of_the_plan():
    """The paper's plan on one GPU, which docs/scale.md has in the last row of its first table."""
    plan = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    row = next(line for line in plan.splitlines() if line.startswith("| all "))
    hours = row.split("|")[7].strip().replace(" - ", " to ")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"estimated {hours} of an H100" in readme


# By the first column of the table of smaller runs in docs/scale.md.
SMALLER = {
    "none": {},
    "`benchmarks: [xquad_r, mlqa_r]`": {"benchmarks": ["xquad_r", "mlqa_r"]},
    "miracl with `judged_only: true` (another task)": {
        "catalogue": {"benchmarks": {"miracl": {"judged_only": True}}}
    },
    "`corpora` without mmarco": {
        "corpora": [
            "wikiqa",
            "mr_tydi",
            "duorc",
            "newsqa",
            "google_nq",
            "yahoo_qa",
            "entity_questions",
            "mfaq",
        ]
    },
    "`corpora: [wikiqa, duorc, newsqa, entity_questions]`": {
        "corpora": ["wikiqa", "duorc", "newsqa", "entity_questions"]
    },
    "`target_languages: [ar, es, zh]`": {
        "target_languages": ["ar", "es", "zh"],
        "ablations": {"languages": [], "unseen_languages": []},
    },
    "nllb with `kind: ctranslate2_mt`, `quantization: float16`": {
        "catalogue": {
            "translators": {"nllb": {"kind": "ctranslate2_mt", "quantization": "float16"}}
        }
    },
    "`translator: m2m100`": {"translator": "m2m100"},
    "`encoders: [xlm-r]`": {"encoders": ["xlm-r"]},
}


@pytest.mark.slow
@pytest.mark.parametrize("change", SMALLER)
def test_smaller_runs_of_the_documentation_are_what_their_plans_say(planned, tmp_path, change):
    written = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    line = next(line for line in written.splitlines() if line.startswith(f"| {change} |"))
    *spans, disk, memory = [cell.strip() for cell in line.strip("|").split("|")[1:]]
    (tmp_path / "change.yaml").write_text(yaml.safe_dump(SMALLER[change]), encoding="utf-8")
    files = [ROOT / "config" / "paper.yaml", tmp_path / "change.yaml"]
    work = read_work(load(files), read_rates(), "h100", tmp_path)
    if SMALLER[change]:
        jobs, _ = PLAN["planned_jobs"](files, targets=("tables",))
    else:
        jobs, _ = planned("paper")
    shown = plan(work, jobs)
    rows = {row.stage: row for row in shown.rows}
    for stage, cell in zip(("translate", "fine-tune", "encode"), spans, strict=True):
        hours_1, shown_ends = rows[stage].hours_1, [float(end) for end in cell.split(" - ")]
        ends = [hours_1.low, hours_1.high]
        assert [shown_ends[0], shown_ends[-1]] == pytest.approx(ends, rel=0.05, abs=0.06)
    assert disk == scaled(sum(row.disk for row in shown.rows), "B")
    asked = next(of.mem_mb for of in shown.largest if of.rule == "finetune")
    assert memory == scaled(1e6 * asked, "B")


def test_measured_laptop_run_lies_in_its_plan(text_of, monkeypatch, tmp_path):
    # 12 min 39 s on two cores with three seeds at 700 steps, the downloads already there:
    # docs/scale.md. Apertium then translated lines in batches, at the rate that this has.
    rates = read_rates()
    in_batches = replace(rates.rates["apertium_lines"], low=300, high=500)
    rates = replace(rates, rates=rates.rates | {"apertium_lines": in_batches})
    monkeypatch.setitem(text_of.__globals__, "read_rates", lambda: rates)
    measured = "training: {max_steps: 700}\nseeds: [0, 1, 2]\nimage_text: null\n"
    (tmp_path / "measured.yaml").write_text(measured)
    printed = text_of(
        [str(ROOT / "config/config.yaml"), str(tmp_path / "measured.yaml")], "h100", 2
    )
    line = next(line for line in printed.splitlines() if line.startswith("| all "))
    low, high = line.split("|")[7].removesuffix("min ").split("-")
    assert int(low) <= 12.65 <= int(high)


def test_corpora_that_were_read_are_counted_and_what_is_there_is_not_missing(finished: Checkout):
    """The small corpus is not in the rates: once it is read, all but words a text are known."""
    rates = finished.path / RATES_FILE
    command = [sys.executable, "workflow/plan.py", "--missing", "small.yaml"]
    text = rates.read_text()
    more = text.replace(
        "\ncorpora:\n",
        "\ncorpora:\n  small: {question_words: 9, passage_words: 20, source: made up}\n",
    ).replace(
        "\nbenchmarks:\n",
        "\nbenchmarks:\n  small: {query_words: 9, candidate_words: 20, queries: 167, "
        "candidates: 272, source: made up}\n",
    )
    try:
        rates.write_text(more)
        run = subprocess.run(command, cwd=finished.path, capture_output=True, text=True, check=True)
    finally:
        rates.write_text(text)
    assert "Read already, and counted: small." in run.stdout
    assert "Nothing is missing." in run.stdout


def test_later_files_and_values_win_as_with_snakemake(text_of, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    (tmp_path / "more.yaml").write_text("seeds: [0, 1, 2, 3]\ntraining: {max_steps: 60}\n")
    files, options = ["config/demo.yaml", str(tmp_path / "more.yaml")], ["training={max_steps: 50}"]
    printed = text_of(files, "a100", None, options=options)
    assert "12 models of 50 steps" in printed
    assert printed.startswith(f"Cost of {' '.join([*files, *options])}, on paper")
    assert "No stage takes a GPU." in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.yaml"], "none.yaml: there is no such configuration."),
        (["--gpu", "tpu"], "gpus has no 'tpu'; known are h100, a100, none."),
        (["--cores", "0"], "--cores: at least 1"),
        (["wrong.yaml"], "sed: no such key; did you mean seeds?"),
        (["--config", "seed=[1]", "a=b", "config/demo.yaml"], "seed: no such key; did you mean"),
        (["--config", "seeds", "config/demo.yaml"], "seeds: there is no such configuration."),
        (["config/demo.yaml", "gone.yaml"], "bundled.path: there is no folder or file none.jsonl."),
    ],
)
def test_command_line_says_what_is_wrong(tmp_path, monkeypatch, capsys, arguments, message):
    text = (ROOT / "config" / "demo.yaml").read_text(encoding="utf-8")
    (tmp_path / "wrong.yaml").write_text(text + "\nsed: [1]\n")
    gone = "catalogue: {corpora: {bundled: {path: none.jsonl}}}\n"
    (tmp_path / "gone.yaml").write_text(gone, encoding="utf-8")
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["plan.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        PLAN["main"]()
    assert ended.value.code
    assert message in f"{ended.value.code}\n{capsys.readouterr().err}"
