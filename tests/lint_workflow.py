"""Snakemake's linter, but for one of its rules: functions may stand in a file of rules.

An input function that one rule file needs is read together with its rules; only what several of
them ask stands in common.smk. Run by `make lint` and by a test.
"""

import re
import subprocess
import sys
from pathlib import Path

ALLOWED = "Mixed rules and functions in same snakefile"


def complaints(folder: str | Path = ".") -> list[str]:
    """What the linter says of the workflow in `folder`, the file first; empty if it is content."""
    command = [sys.executable, "-m", "snakemake", "--lint"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    found, place, count = [], "", 0
    for line in (run.stdout + run.stderr).splitlines():
        if line.startswith("Lints for "):
            place = line.removeprefix("Lints for ").rstrip(":")
        elif lint := re.match(r"    \* (.*?):?$", line):
            count += 1
            if not lint[1].startswith(ALLOWED):
                found.append(f"{place}: {lint[1]}")
    if run.returncode and not count:
        found.append(f"the linter stopped: {run.stderr[-2000:]}")
    return found


if __name__ == "__main__":
    said = complaints()
    print(*said, sep="\n", end="\n" if said else "")
    sys.exit(bool(said))
