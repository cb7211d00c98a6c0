"""Make passes folders on whole, whatever their names."""

import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("folder", ["results", 'it\'s "x" y/é;&'])
def test_the_root_of_the_results_is_one_word_of_the_shell(folder):
    command = ["make", "--dry-run", "--no-print-directory", "verify", f"RESULTS={folder}"]
    recipe = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert shlex.split(recipe.splitlines()[-1])[1:] == ["workflow/verify.py", folder]
