"""A copy of the project to run Snakemake in, and a small configuration with real parts."""

import atexit
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from hybridbatch.provenance.fingerprint import STORE, remember

ROOT = Path(__file__).parents[2]
PARTS = ("workflow", "config", "envs", "profiles", "resources")


@dataclass(frozen=True)
class Checkout:
    """A copy of the project in which Snakemake runs."""

    path: Path

    def snakemake(
        self, *arguments: str, check: bool = True, libraries: Sequence[str] = ()
    ) -> subprocess.CompletedProcess:
        """Run Snakemake on two cores; with `check`, fail the test with its output.

        libraries: what most of its jobs import, beside what all jobs find imported.
        """
        run = _snakemake(self.path, ["--cores", "2", *arguments], libraries)
        if check and run.returncode:
            command = " ".join(["snakemake", *run.args])
            pytest.fail(f"{command}\n{run.stdout[-4000:]}\n{run.stderr[-4000:]}")
        return run

    def plan(self, *arguments: str) -> list[tuple[str, dict[str, str]]]:
        """(rule, wildcards) of every job a dry run plans."""
        run = self.snakemake("--dry-run", *arguments)
        jobs = []
        for block in re.split(r"\n(?=(?:local)?rule )", run.stdout + run.stderr)[1:]:
            rule = re.match(r"(?:local)?rule (\w+):", block).group(1)
            found = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
            pairs = found.group(1).split(", ") if found else []
            jobs.append((rule, dict(pair.split("=", 1) for pair in pairs)))
        return jobs


def _snakemake(
    folder: Path, arguments: list[str], libraries: Sequence[str]
) -> subprocess.CompletedProcess:
    """What `python -m snakemake` does in a folder, by `preloaded.py`."""
    with tempfile.TemporaryDirectory() as place:
        said = [Path(place, name) for name in ("stdout", "stderr")]
        run = {
            "folder": str(folder),
            "arguments": arguments,
            "environment": dict(os.environ),
            "python": python_of_jobs(*libraries),
            "said": list(map(str, said)),
            "seconds": 900,
        }
        preloaded = _preloaded()
        print(json.dumps(run), file=preloaded.stdin, flush=True)
        code = int(preloaded.stdout.readline())
        texts = [file.read_text(encoding="utf-8") for file in said]
    return subprocess.CompletedProcess(arguments, code, *texts)


@cache
def python_of_jobs(*libraries: str) -> str:
    """A command that runs a script as `python` does, by `jobs.py`, which ends with this process."""
    jobs = str(Path(__file__).with_name("jobs.py"))
    folder = tempfile.TemporaryDirectory()
    place = os.path.join(folder.name, "jobs")
    command = [sys.executable, jobs, "serve", place, *libraries]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    atexit.register(lambda: (process.communicate(), folder.cleanup()))
    while not os.path.exists(place):
        assert process.poll() is None
        time.sleep(0.05)
    return shlex.join([sys.executable, "-IS", jobs, place])


@cache
def _preloaded() -> subprocess.Popen:
    """A process for all tests of this one. It ends with it, when its input is closed."""
    command = [sys.executable, str(Path(__file__).with_name("preloaded.py"))]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    atexit.register(process.communicate)
    return process


def small_configuration() -> dict:
    """Two target languages (one through a pivot), three benchmark languages, seconds to train."""
    config = yaml.safe_load((ROOT / "config" / "demo.yaml").read_text())
    config["pathvars"] = {"results": "results/small", "downloads": "downloads"}
    config["target_languages"] = ["es", "ast"]
    config["samplings"] = ["x-x-mono", "hybrid"]
    config["seeds"] = [0]
    del config["image_text"]
    config["corpora"], config["validation"] = ["small"], ["small"]
    config["benchmarks"] = ["small"]
    config["training"] |= {"batch_size": 16, "max_steps": 30, "evaluate_every": 10}
    config["training"] |= {"warmup_steps": 3}
    config["statistics"]["resamples"] = 100
    config["ablations"] |= {
        "benchmarks": ["small"],
        "samplings": ["x-x-mono", "hybrid"],
        "alpha": [0.3, 0.5, 1.0],
        "data_size": [0.5, 1.0],
        "languages": [3],
        "unseen_languages": ["es"],
        "temperature": [0.05],
        "batch_size": [],
        "steps": [20],
        "corpus_weighting": [1.0],
        "lareqa": [],
    }
    config["catalogue"]["encoders"]["static"] |= {"dimension": 16, "vocabulary": 1000}
    config["catalogue"]["corpora"] = {
        "small": {
            "kind": "jsonl",
            "path": "small.jsonl",
            "language": "en",
            "holdout": 0.2,
            "shards": 2,
        }
    }
    config["catalogue"]["benchmarks"] = {
        "small": {
            "title": "Small",
            "kind": "lareqa",
            "path": "resources/bundled/benchmark/{language}.json",
            "languages": ["en", "es", "it"],
        }
    }
    return config


def new_checkout(path: Path) -> Checkout:
    """A copy of the project with `small.yaml` and `small.jsonl` in it."""
    path.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            # With what is compiled, but not while it is written.
            shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("*.pyc.*"))
        else:
            shutil.copy(source, path / part)
    (path / STORE).parent.mkdir()
    (path / STORE).write_text(_modules())
    (path / "small.yaml").write_text(yaml.safe_dump(small_configuration()))
    lines = (ROOT / "resources/bundled/train.en.jsonl").read_text().splitlines()[:120]
    (path / "small.jsonl").write_text("\n".join(lines) + "\n")
    return Checkout(path)


@cache
def _modules() -> str:
    """What the modules say, so that not every copy parses them anew."""
    with tempfile.TemporaryDirectory() as folder:
        remember(Path(folder, "modules.json"))
        return Path(folder, "modules.json").read_text()


def as_option(**lists: list) -> list[str]:
    """`--config` arguments for lists."""
    return ["--config", *(f"{key}={json.dumps(value)}" for key, value in lists.items())]
