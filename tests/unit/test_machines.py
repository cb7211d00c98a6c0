"""What a job used is measured: its CPU time, its children's, its own memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridbatch.runtime import usage as machines

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"


def _usage(program: str = "", environment: dict | None = None) -> dict:
    """`usage()` at the end of a process that runs `program`."""
    ending = (
        "\nfrom hybridbatch.runtime.usage import usage\nimport json; print(json.dumps(usage()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program + ending],
        env={**os.environ, **(environment or {}), "PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(run.stdout)


def test_cpu_seconds_are_those_of_the_process():
    burn = "import time\nwhile time.process_time() < 0.6: pass"
    used = _usage(burn)
    assert 0.6 <= used["cpu_seconds"] < 2
    assert used["wall_seconds"] >= 0.55
    assert _usage()["cpu_seconds"] < 0.5


def test_children_count():
    child = "import time\nwhile time.process_time() < 0.6: pass"
    used = _usage(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])")
    assert used["cpu_seconds"] >= 0.6


def test_waiting_is_wall_time_only():
    used = _usage("import time; time.sleep(1)")
    assert used["wall_seconds"] >= 1
    assert used["cpu_seconds"] < 0.6


def test_peak_memory_is_of_the_process_and_not_of_its_parent():
    ours = bytearray(200 * 2**20)
    ours[::4096] = b"x" * len(ours[::4096])
    assert _usage()["peak_memory_mib"] < 150
    assert _usage("x = bytearray(300 * 2**20); x[::4096] = b'x' * 76800")["peak_memory_mib"] > 300


def test_machine_names_itself_and_no_gpu_without_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machines.shutil, "which", lambda _: None)
    found = machines.machine()
    assert found["cpu"]
    assert 1 <= found["cores"] <= os.cpu_count()
    assert found["memory_gib"] > 0
    assert found["gpus"] == []


FAKE = """#!/bin/sh
[ "$4" = 1 ] || exit 1
echo "NVIDIA Something, 81559 MiB"
"""


def test_gpu_is_counted_for_the_job_that_took_one_only(tmp_path: Path):
    fake = tmp_path / "nvidia-smi"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    held = {"PATH": path, "CUDA_VISIBLE_DEVICES": "1"}
    used = _usage("import hybridbatch.runtime.gpus", held)
    assert used["machine"]["gpus"] == ["NVIDIA Something, 81559 MiB"]
    assert used["gpu_seconds"] == used["wall_seconds"]
    assert _usage("", held)["gpu_seconds"] == 0
    hidden = {"PATH": path, "CUDA_VISIBLE_DEVICES": ""}
    assert _usage("import hybridbatch.runtime.gpus", hidden)["machine"]["gpus"] == []
