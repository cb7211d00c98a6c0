"""The checkouts that the tests of plan and outcome share."""

import shutil
from pathlib import Path

import pytest
from checkout import Checkout, new_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh copy, nothing run."""
    return new_checkout(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A copy in which all tables of `small.yaml` have been made. Tests leave it as it was."""
    if shutil.which("apertium") is None:
        pytest.skip("apertium is not installed: apt-get install apertium, or `make setup`")
    checkout = new_checkout(tmp_path_factory.mktemp("finished"))
    checkout.snakemake("--configfile=small.yaml", "tables", "ablations")
    return checkout


@pytest.fixture(scope="session")
def reported(finished: Checkout) -> Path:
    """The report of the finished copy."""
    report = "results/small/report.html"
    finished.snakemake("--configfile=small.yaml", "report_pages")
    finished.snakemake("--configfile=small.yaml", "--report", report, "--", "report_pages")
    return finished.path / report
