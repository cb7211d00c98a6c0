"""After an edit Snakemake reruns what tests/unit/test_fingerprints.py says, and nothing else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from checkout import Checkout, small_configuration

from hybridbatch.cost.model import RATES_FILE

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


@contextmanager
def replaced(file: Path, old: str, new: str) -> Iterator[None]:
    """A file with another text in it, and nothing of it afterwards."""
    before = file.read_text()
    assert old in before
    file.write_text(before.replace(old, new, 1))
    try:
        yield
    finally:
        file.write_text(before)


def changed(checkout: Checkout) -> set[str]:
    """The rules that a dry run plans because of their parameters, not of their inputs."""
    run = checkout.snakemake("--dry-run", *SMALL)
    blocks = re.split(r"\n(?=(?:local)?rule )", run.stdout + run.stderr)[1:]
    return {
        re.match(r"(?:local)?rule (\w+):", block)[1]
        for block in blocks
        if re.search(r"^    reason: .*Params have changed", block, re.MULTILINE)
    }


def test_what_no_result_depends_on_reruns_nothing(finished: Checkout):
    """New kinds, the runtime, comments, resources, an entry that is not selected: all at once."""
    new = ("encoders/added.py", "benchmarks/added.py", "data/readers/added.py")
    runtime = ("runtime/gpus.py", "runtime/logs.py", "experiment/names.py")
    config = small_configuration()
    corpora = config["catalogue"]["corpora"]
    corpora["more"] = corpora["small"] | {"path": "more.jsonl"}
    (finished.path / "unused.yaml").write_text(yaml.safe_dump(config))
    package = finished.path / PACKAGE
    with (
        edited(finished, *new, *runtime),
        replaced(package / "evaluation/metrics.py", "import numpy", "# a comment\nimport numpy"),
        replaced(package / "provenance/record.py", "import json", "# a comment\nimport json"),
        replaced(package / "cost/requests.py", "_FACTOR = 1.2", "_FACTOR = 3.2"),
        replaced(finished.path / RATES_FILE, "290.0e+6", "890.0e+6"),
    ):
        assert finished.plan("--configfile=unused.yaml", *SMALL[1:]) == []


@pytest.mark.slow
def test_pages_and_kinds_rerun_their_own_jobs(finished: Checkout):
    # One after the other: of a job whose inputs are made again, Snakemake gives no other reason.
    with edited(finished, "tables/contamination.py", "tables/significance.py"):
        assert changed(finished) == {"contamination_table", "significance_table"}
    with edited(finished, "data/readers/jsonl.py"):
        assert changed(finished) == {"read_corpus"}
    assert finished.plan(*SMALL) == []
