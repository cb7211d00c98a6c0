"""After an edit Snakemake reruns what tests/unit/test_fingerprints.py says, and nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from checkout import Checkout

SMALL = ("--configfile=small.yaml", "tables", "ablations")
PACKAGE = Path("workflow/scripts/hybridbatch")
ADDED = "\n\ndef added():\n    return 1\n"


@contextmanager
def edited(checkout: Checkout, *modules: str) -> Iterator[None]:
    """An unused function in each of the modules, and nothing of it afterwards."""
    paths = [checkout.path / PACKAGE / module for module in modules]
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    for path in paths:
        path.write_bytes((before[path] or b"") + ADDED.encode())
    try:
        yield
    finally:
        for path, content in before.items():
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)


def changed(checkout: Checkout) -> set[str]:
    """The rules that a dry run plans because of their parameters, not of their inputs."""
    run = checkout.snakemake("--dry-run", *SMALL)
    blocks = re.split(r"\n(?=(?:local)?rule )", run.stdout + run.stderr)[1:]
    return {
        re.match(r"(?:local)?rule (\w+):", block)[1]
        for block in blocks
        if re.search(r"^    reason: .*Params have changed", block, re.MULTILINE)
    }


def test_new_kinds_and_the_runtime_rerun_nothing(finished: Checkout):
    new = ("encoders/added.py", "benchmarks/added.py", "data/readers/added.py")
    with edited(finished, *new, "runtime/gpus.py", "runtime/logs.py", "experiment/names.py"):
        assert finished.plan(*SMALL) == []


@pytest.mark.slow
def test_pages_and_kinds_rerun_their_own_jobs(finished: Checkout):
    # One after the other: of a job whose inputs are made again, Snakemake gives no other reason.
    with edited(finished, "tables/contamination.py", "tables/significance.py"):
        assert changed(finished) == {"contamination_table", "significance_table"}
    with edited(finished, "data/readers/jsonl.py"):
        assert changed(finished) == {"read_corpus"}
    assert finished.plan(*SMALL) == []
