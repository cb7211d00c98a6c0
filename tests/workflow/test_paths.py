"""The project, its Python and its results may lie in folders of almost any name."""

import subprocess
import sysconfig
import venv
from pathlib import Path

from checkout import Checkout, new_checkout

ODD = 'My "Pröjekt" it\'s ~x & [a]*;# $HOME'


def _own_python(folder: Path) -> Path:
    """A Python in a virtual environment in `folder`, with the packages of this one."""
    venv.create(folder, symlinks=True)
    (site,) = folder.glob("lib/python3.*/site-packages")
    (site / "these.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/python"


def _run(python: Path, checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess:
    command = [python, "-m", "snakemake", "--cores", "1", *arguments]
    return subprocess.run(
        command, cwd=checkout.path, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_job_runs_with_odd_paths_of_project_python_and_results(tmp_path: Path):
    checkout = new_checkout(tmp_path / ODD)
    python = _own_python(checkout.path / "v {e} n")
    results = './/r é $HOME it\'s "q"//~/'
    options = ("--configfile", "small.yaml", "--config")
    option = "pathvars={results: '" + results.replace("'", "''") + "', downloads: d}"
    place = checkout.path / 'r é $HOME it\'s "q"' / "~"
    target = str((place / "corpora/small/train.parquet").relative_to(checkout.path))
    run = _run(python, checkout, *options, option, "--", target)
    assert run.returncode == 0, run.stdout + run.stderr
    assert (place / "corpora/small/train.parquet").is_file()
    assert (place / "logs/read_corpus/small.log").is_file()


def test_a_project_whose_path_snakemake_cannot_use_is_named_before_any_job(tmp_path: Path):
    checkout = new_checkout(tmp_path / "a{b}")
    target = "results/small/corpora/small/train.parquet"
    run = checkout.snakemake("--configfile", "small.yaml", "--", target, check=False)
    assert run.returncode == 1
    assert f"{checkout.path}: has " in run.stderr
    assert not (checkout.path / "results").exists()


def test_what_snakemake_would_drop_without_a_word_is_refused(checkout: Checkout):
    twice = ("--configfile", "config/demo.yaml", "--configfile", "small.yaml")
    run = checkout.snakemake("-n", *twice, "--", "models", check=False)
    assert run.returncode == 1
    assert "--configfile is given twice" in run.stdout + run.stderr
