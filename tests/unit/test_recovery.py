"""What a killed process leaves behind is removed, and nothing of a living one."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hybridbatch.runtime.checkpoints import Owner
from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.files import scratch, whole, write_json
from hybridbatch.runtime.recovery import (
    LOCKS,
    NOT_LOCKED,
    OWNERS,
    begin,
    end,
    remove_abandoned,
    unlock,
)

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
WRITES = """
import sys, time
sys.path.insert(0, sys.argv[1])
from hybridbatch.runtime.files import scratch, whole
with whole("out/model") as folder, whole("out/table.csv") as file, scratch("out/rows") as rows:
    folder.mkdir()
    (folder / "weights").write_text("half")
    file.write_text("half")
    (rows / "cached").write_text("half")
    print("writes", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def test_temporary_files_of_a_killed_process_are_removed(here: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(SCRIPTS)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "writes\n"
    before = names(here)
    assert remove_abandoned(here / "out") == []  # it lives
    assert names(here) == before
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert len(remove_abandoned(here / "out")) == 3
    assert names(here) == {"out"}


def test_temporary_files_of_others_stay(here: Path):
    with whole("out/table.csv") as file, scratch("out/rows"):
        file.write_text("half")
        (host, _) = file.name.split(".")[-2].split("-", 1)
        other = here / "out" / file.name.replace(host, "0" * 8).replace(str(os.getpid()), "4194301")
        other.write_text("of another machine")
        (here / "out/.mine.tmp").write_text("no name of ours")
        before = names(here)
        assert remove_abandoned(here) == []
        assert names(here) == before
    assert names(here) == {"out", "out/table.csv", "out/.table.csv.xxh128"} | {
        f"out/{name}" for name in (other.name, ".mine.tmp")
    }


def lock() -> None:
    Path(LOCKS).mkdir(parents=True)
    Path(LOCKS, "0.output.lock").write_text("results/x\n")


def owned(**values) -> None:
    owner = replace(Owner.this_process("", "the workflow"), **values)
    write_json(Path(OWNERS, f"{owner.host}.{owner.pid}.json"), asdict(owner), digest=False)


def test_the_lock_of_a_dead_process_is_removed():
    assert unlock() == NOT_LOCKED
    lock()
    owned(pid=4194301)  # more than Linux gives
    assert "process 4194301 on" in unlock()
    assert not Path(LOCKS).exists()
    assert not list(Path(OWNERS).iterdir())
    assert unlock() == NOT_LOCKED


def test_the_lock_of_a_living_process_stays():
    lock()
    owned(pid=4194301)
    begin([])
    with pytest.raises(HybridBatchError, match=f"Snakemake runs here, process {os.getpid()}"):
        unlock()
    assert Path(LOCKS).exists()
    end()
    assert "has died" in unlock()


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        ({"host": "elsewhere"}, "is locked by process .* on elsewhere"),
        (None, "is locked by an unknown process"),
    ],
)
def test_the_lock_of_a_process_that_cannot_be_seen_stays(owner: dict | None, words: str):
    lock()
    if owner:
        owned(**owner)
        assert owner["host"] != socket.gethostname()
    with pytest.raises(HybridBatchError, match=words) as raised:
        unlock()
    assert "snakemake --unlock" in str(raised.value)
    assert Path(LOCKS).exists()
