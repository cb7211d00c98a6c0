"""Make passes folders on whole, whatever their names."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


FOLDERS = ["results", 'it\'s "x" y/é;&', "a $HOME b"]


def recipe(target: str, folder: str, *names: str) -> list[list[str]]:
    """The words of each line that make would run for a target, with the folder under each name."""
    given = folder.replace("$", "$$")  # as make itself wants it on its command line
    command = ["make", "--dry-run", "--no-print-directory", target]
    command += [f"{name}={given}" for name in names or ("RESULTS",)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [words for line in run.stdout.splitlines() if (words := _words(line))]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # one of several lines of a command
        return []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_root_of_the_results_is_one_word_of_the_shell(folder):
    assert recipe("verify", folder)[-1][1:] == ["workflow/verify.py", folder]


@pytest.mark.parametrize("folder", FOLDERS)
def test_folders_that_are_compared_are_words_of_the_shell(folder):
    asked, compared = recipe("compare", folder, "A", "B")[-2:]
    assert asked[:4] == ["[", "-n", folder, "]"]
    assert compared[1:] == ["workflow/compare.py", folder, folder]


@pytest.mark.parametrize("folder", FOLDERS)
def test_snakemake_is_given_no_path_of_a_report_in_which_it_would_fill_in_variables(folder):
    lines = recipe("report", folder)
    (given,) = (words[words.index("--report") + 1] for words in lines if "--report" in words)
    assert "$" not in given
    assert ["mv", given, f"{folder}/report.html"] in lines
    assert lines[-1][1:] == ["workflow/check_report.py", f"{folder}/report.html"]


def test_python_keeps_what_it_has_compiled_where_the_environment_says_otherwise():
    command = ["make", "--no-print-directory", "--eval", "seen:; @env", "seen"]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, env=environment
    )
    assert "PYTHONDONTWRITEBYTECODE" not in run.stdout
    assert "TOKENIZERS_PARALLELISM" in run.stdout


@pytest.mark.parametrize("target", ["verify", "report"])
def test_a_wrong_configuration_is_told_once_and_without_a_traceback(target):
    command = ["make", "--dry-run", target, "CONFIG=config/rendered.yaml"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stderr.count("config/rendered.yaml seems to be laid over") == 1
    assert "Traceback" not in run.stderr
    assert "cannot be read: config/rendered.yaml" in run.stderr
