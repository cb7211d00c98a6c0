"""Snakemake alone is killed; its job lives on. Whatever happens next, no finished work is lost."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from checkout import ROOT

SNAKEFILE = """
from pathlib import Path
sys.path.insert(0, "{scripts}")
from hybridbatch.runtime.checkpoints import remove_published

onsuccess:
    remove_published(Path("out/checkpoints"))

rule all:
    input: "out/model", "out/first"

rule first:
    output: "out/first"
    priority: 1
    shell: "until [ -e first ]; do sleep .1; done; touch {{output}}"

rule train:
    output: directory("out/model")
    log: "out/train.log"
    params: key="{key}"
    script: "train.py"
"""
# Trains until there is a file `end`; a line in `trained` for each process that has to.
TRAIN = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, "{scripts}")
from hybridbatch.runtime.checkpoints import key_of, working
from hybridbatch.runtime.logs import logged

key = snakemake.params.key
with logged(snakemake.log[0]):
    output = Path(snakemake.output[0])
    with working(Path("out/checkpoints/model"), key_of(key), output) as work:
        if not work.is_published():
            with open("trained", "a") as file:
                file.write(f"{{key}} {{os.getpid()}}\\n")
            while not Path("end").exists():
                time.sleep(0.1)
            with work.publish() as folder:
                folder.mkdir()
                (folder / "weights").write_text(key)
Path("returned").touch()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A workflow that trains a model; whatever still runs there is ended."""
    write(tmp_path)
    (tmp_path / "train.py").write_text(TRAIN.format(scripts=ROOT / "workflow/scripts"))
    (tmp_path / "first").touch()
    yield tmp_path
    for pid in trained(tmp_path).values():
        if psutil.pid_exists(pid):
            os.kill(pid, signal.SIGKILL)


def write(folder: Path, key: str = "a") -> None:
    text = SNAKEFILE.format(scripts=ROOT / "workflow/scripts", key=key)
    (folder / "Snakefile").write_text("import sys\n" + text)


def trained(folder: Path) -> dict[str, int]:
    """The process that had to train, by key; an error if two had to for one key."""
    file = folder / "trained"
    lines = file.read_text().splitlines() if file.exists() else []
    found = dict(line.split() for line in lines)
    assert len(found) == len(lines), "trained twice"
    return {key: int(pid) for key, pid in found.items()}


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "snakemake", "--cores", "1", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command,
        cwd=folder,
        stdout=pipe,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def orphan(folder: Path) -> int:
    """The process that trains, after Snakemake has been killed and the folder unlocked."""
    head = start(folder)
    until(lambda: bool(trained(folder)))
    head.kill()
    head.wait()
    shutil.rmtree(folder / ".snakemake/locks")  # as `snakemake --unlock` does, at once
    (pid,) = trained(folder).values()
    assert psutil.pid_exists(pid)
    return pid


def waits(folder: Path) -> bool:
    log = folder / "out/train.log"
    return log.exists() and "waiting for process" in log.read_text()


def model(folder: Path) -> str:
    return (folder / "out/model/weights").read_text()


def test_the_second_job_waits_for_the_orphan_and_takes_what_it_made(folder):
    pid = orphan(folder)
    head = start(folder, "--rerun-incomplete")
    until(lambda: waits(folder))
    assert f"waiting for process {pid} on" in (folder / "out/train.log").read_text()
    (folder / "end").touch()
    output, _ = head.communicate(timeout=90)
    assert head.returncode == 0, output
    assert model(folder) == "a"
    assert trained(folder) == {"a": pid}
    assert not (folder / "out/checkpoints").exists()


@pytest.mark.slow
def test_what_the_orphan_made_outlives_the_end_of_the_job_that_waits(folder):
    """Snakemake removes the outputs of a job that fails, those of the orphan with them."""
    pid = orphan(folder)
    head = start(folder, "--rerun-incomplete")
    until(lambda: waits(folder))
    (waiting,) = (process for process in children(head) if is_train(process))
    waiting.suspend()
    (folder / "end").touch()
    until(lambda: (folder / "out/model/weights").exists() and not psutil.pid_exists(pid))
    waiting.kill()
    output, _ = head.communicate(timeout=90)
    assert head.returncode == 1
    assert "Removing output files of failed job" in output
    assert not (folder / "out/model").exists()
    output, _ = start(folder).communicate(timeout=90)
    assert model(folder) == "a", output
    assert trained(folder) == {"a": pid}


@pytest.mark.slow
def test_what_the_orphan_made_outlives_the_removal_before_the_job_starts(folder):
    """Snakemake removes the outputs before a job, though they may have come since it planned."""
    pid = orphan(folder)
    (folder / "first").unlink()
    (folder / "out/first").unlink()
    head = start(folder, "--rerun-incomplete")
    until(lambda: any("until" in " ".join(command(process)) for process in children(head)))
    (folder / "end").touch()
    until(lambda: (folder / "out/model/weights").exists() and not psutil.pid_exists(pid))
    (folder / "first").touch()
    output, _ = head.communicate(timeout=90)
    assert head.returncode == 0, output
    assert model(folder) == "a"
    assert trained(folder) == {"a": pid}
    assert not (folder / "out/checkpoints").exists()


@pytest.mark.slow
def test_another_configuration_waits_and_then_makes_its_own(folder):
    pid = orphan(folder)
    write(folder, "b")
    head = start(folder, "--rerun-incomplete")
    until(lambda: waits(folder))
    assert psutil.pid_exists(pid)
    assert set(trained(folder)) == {"a"}
    (folder / "end").touch()
    output, _ = head.communicate(timeout=90)
    assert head.returncode == 0, output
    assert model(folder) == "b"
    assert set(trained(folder)) == {"a", "b"}


def test_an_orphan_that_is_killed_leaves_no_lock(folder):
    os.kill(orphan(folder), signal.SIGKILL)
    (folder / "end").touch()
    write(folder, "b")
    output, _ = start(folder, "--rerun-incomplete").communicate(timeout=90)
    assert model(folder) == "b", output


def children(head: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(head.pid).children(recursive=True)


def command(process: psutil.Process) -> list[str]:
    """The command line; none of a process that has ended since it was listed, a zombie too."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def is_train(process: psutil.Process) -> bool:
    return any(argument.endswith("train.py") for argument in command(process))
