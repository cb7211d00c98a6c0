"""A line a stage of a run; whatever is not routine is shown unchanged."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "workflow"))

from stages import RULES, Stages, stages_of_rules  # noqa: E402

STAGE_OF = {"translate": "translate", "finetune": "train", "encode": "encode"}
BEGIN = """\
Using workflow specific profile profiles/default for setting default command line arguments.
Config file config/catalogue.yaml is extended by additional config specified via the command line.
Assuming unrestricted shared filesystem usage.

SNAKEMAKE
=========
  Date: 2026-11-25 22:48:12
  Command: snakemake -c2
  Config MD5: 233d522a8eadbc1fcc490563ef4049e1

Building DAG of jobs...
Using shell: /usr/bin/bash
Provided cores: 2
Rules claiming more threads will be scaled down.
Provided resources: gpu=Resource("gpu", 1)
Conda environments: ignored
Job stats:
job            count
-----------  -------
translate          2
finetune           1
tables             1
total              4

Select jobs to execute...
Execute 2 jobs...
"""


def started(rule: str, number: int) -> str:
    return f"""
[Wed Nov 25 22:48:15 2026]
localrule {rule}:
    input: a
    log: logs/{rule}.log
    jobid: {number}
    resources: tmpdir=/tmp, gpu=0
"""


def finished(rule: str, number: int) -> str:
    return f"""\
[Wed Nov  5 22:48:19 2026]
Finished jobid: {number} (Rule: {rule})
{number} of 4 steps (25%) done
Select jobs to execute...
Execute 1 jobs...
"""


def shown(stages: Stages, text: str, now: float) -> list[str]:
    return [line for given in text.splitlines() for line in stages.feed(given, now)]


@pytest.fixture
def stages() -> Stages:
    """A run that has begun: its clock stands at 0."""
    stages = Stages(STAGE_OF, 0.0)
    assert shown(stages, BEGIN, 0.0) == []
    return stages


def test_a_stage_has_one_line_when_all_its_jobs_are_done(stages):
    assert shown(stages, started("translate", 1) + started("translate", 2), 1.0) == []
    assert shown(stages, finished("translate", 1), 5.0) == []
    (line,) = shown(stages, finished("translate", 2), 13.0)
    assert line.split() == ["translate", "2", "jobs", "12", "s"]


def test_long_stages_say_every_ten_seconds_where_they_are(stages):
    shown(stages, started("translate", 1) + started("finetune", 2), 0.0)
    assert list(stages.wait(9.0)) == []
    assert list(stages.wait(10.0)) == ["    10 s, 0 of 4 jobs; translate 0 of 2, train 0 of 1"]
    assert list(stages.wait(19.0)) == []
    shown(stages, finished("translate", 1), 19.5)
    # No job of translate runs now.
    assert list(stages.wait(20.0)) == ["    20 s, 1 of 4 jobs; train 0 of 1"]


def test_what_a_job_alone_says_is_passed_on(stages):
    job = "2026-11-25 22:48:17,698 INFO 12 of 400 steps, 3 a second"
    shown(stages, started("finetune", 2) + job, 0.0)
    (line,) = stages.wait(10.0)
    assert line == "    10 s, 0 of 4 jobs; train 0 of 1: 12 of 400 steps, 3 a second"
    shown(stages, job + ", and more than a line holds" * 3, 11.0)
    (line,) = stages.wait(20.0)
    assert len(line) == 80
    shown(stages, started("translate", 1) + job, 21.0)
    assert list(stages.wait(30.0)) == ["    30 s, 0 of 4 jobs; train 0 of 1, translate 0 of 2"]


def test_a_line_in_which_a_job_writes_too_counts_and_loses_nothing(stages):
    shown(stages, started("finetune", 2), 0.0)
    lines = shown(stages, "Finished jobid: 2 (Rule: finetune)a warning", 9.0)
    assert lines[0].split() == ["train", "1", "jobs", "9", "s"]
    assert lines[1:] == ["a warning"]
    shown(stages, started("translate", 1), 10.0)
    said = "2026-11-25 22:48:17,698 INFO 2 of 3"
    assert shown(stages, f"Finished jobid: 1 (Rule: translate){said}", 11.0) == []


def test_bars_of_small_models_are_routine(stages):
    bars = (
        "Loading weights:   0%|          | 0/36 [00:00<?, ?it/s]\r"
        "Loading weights: 100%|##########| 36/36 [00:00<00:00, 5931.52it/s]\n"
        "Writing model shards: 100%|##########| 1/1 [00:00<00:00, 363.28it/s]\n"
    )
    assert shown(stages, bars, 1.0) == []
    cut = "Loading weights:   0%|          | 0/36 [00:00<?, ?it/s]OSError: no space left"
    assert shown(stages, cut, 1.0) == [cut]


def test_targets_are_no_stage(stages):
    assert shown(stages, started("tables", 1) + finished("tables", 1), 1.0) == []
    assert list(stages.wait(60.0)) == []


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-25 22:48:17,698 WARNING 3 lines failed",
        "2026-11-25 22:48:17,698 ERROR pairs.jsonl: line 3: is not JSON.",
        "ablations.languages: without 9, beyond target_languages",
        'Traceback (most recent call last):\n  File "x.py", line 1\n    raise E\nE: wrong',
        "Error in rule finetune:\n    message: None\n    jobid: 3\n    log: a.log (check it)",
        "WorkflowError:\nencoders: 'statik' is unknown; did you mean 'static'?",
        "Killed",
    ],
)
def test_what_is_not_routine_is_shown_as_it_is(stages, text):
    assert shown(stages, started("finetune", 3) + text, 1.0) == text.splitlines()


def test_log_of_a_failed_job_is_shown_whole(stages):
    rule = "=" * 30
    log = f"Logfile a.log:\n{rule}\n2026-11-25 22:48:17,698 INFO step 3\n    [rest]\n\nend\n{rule}"
    assert shown(stages, log, 1.0) == log.splitlines()
    assert shown(stages, finished("translate", 1), 1.0) == []


@pytest.mark.parametrize("said", ["Logfile a.log not found.", "Logfile a.log: empty file"])
def test_failed_job_without_a_log_hides_nothing_and_shows_no_routine(stages, said):
    assert shown(stages, f"{said}\n" + started("finetune", 3), 1.0) == [said]


def test_errors_before_there_are_jobs_are_shown():
    stages = Stages(STAGE_OF, 0.0)
    text = "SyntaxError in file Snakefile, line 3:\ninvalid syntax"
    assert shown(stages, text, 0.0) == text.splitlines()


def test_report_is_routine_but_for_its_warnings():
    stages = Stages(STAGE_OF, 0.0)
    text = (
        "Creating report...\nAdding main.html (6.4 KB).\nLoading script code for rule encode\n"
        "Missing metadata for file a.\nReport created.\n"
    )
    assert shown(stages, text, 0.0) == ["Missing metadata for file a."]


def test_every_rule_has_the_stage_of_its_file():
    found = stages_of_rules(RULES)
    assert found["finetune"] == "train"
    assert found["front_page"] == found["table_page"] == "report"
    assert set(found.values()) <= {path.stem for path in RULES.glob("*.smk")}
    text = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.smk"))
    assert len(found) >= text.count("\nrule ")


def run(folder: Path, code: str) -> subprocess.CompletedProcess:
    """A process in Snakemake's place, which runs `code`."""
    command = [sys.executable, str(ROOT / "workflow/stages.py"), sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_status_and_errors_come_through(tmp_path):
    done = run(tmp_path, "import sys; print('fatal', file=sys.stderr); sys.exit(3)")
    assert done.returncode == 3
    *lines, last = done.stdout.splitlines()
    assert lines == ["fatal"]
    record = tmp_path / last.rpartition(": ")[2]
    assert record.read_text(encoding="utf-8") == "fatal\n"


def test_success_is_quiet_and_keeps_standard_output(tmp_path):
    code = "import sys; print('asked for'); print('Building DAG of jobs...', file=sys.stderr)"
    done = run(tmp_path, code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "asked for\n", "")


def test_killed_run_has_a_status_of_its_own(tmp_path):
    done = run(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert done.returncode == 128 + 9
