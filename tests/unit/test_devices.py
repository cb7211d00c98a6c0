"""Each job that looks for a GPU finds one of its own, or an error that says why not."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
# Says which GPU it sees, and holds it until its input ends.
PROGRAM = """
import os, sys
from hybridbatch.runtime.gpus import lease_gpu
from hybridbatch.runtime.errors import HybridBatchError
try:
    for _ in range({times}):
        lease_gpu()
except HybridBatchError as error:
    print("error:", error, flush=True)
else:
    print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""
NVIDIA_SMI = """#!/bin/sh
[ "$*" = -L ] || exit 2
{lines}
exit {status}
"""


class Job:
    """A process that has called `lease_gpu`; `says` is the device it sees, or the error."""

    def __init__(self, environment: dict[str, str], times: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(times=times)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.says = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.end()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A machine of its own: no program but those in `bin`, and its own temporary folder."""
    for name in ("bin", "tmp"):
        (tmp_path / name).mkdir()
    mine = {"PATH": str(tmp_path / "bin"), "TMPDIR": str(tmp_path / "tmp")}
    kept = {k: v for k, v in os.environ.items() if k not in ("CUDA_VISIBLE_DEVICES", *mine)}
    return {**kept, **mine, "PYTHONPATH": str(SCRIPTS)}


@pytest.fixture
def job(environment: dict[str, str]) -> Iterator[Callable[..., Job]]:
    """Starts a job; those that still run when the test ends are ended then."""
    with ExitStack() as stack:

        def start(times: int = 1, **variables: str) -> Job:
            job = Job(environment | variables, times)
            stack.callback(job.kill)
            return job

        yield start


def _gpus(tmp_path: Path, *names: str, status: int = 0) -> None:
    """Put an `nvidia-smi` on the path that lists these lines."""
    program = tmp_path / "bin" / "nvidia-smi"
    lines = "\n".join(f"echo '{name}'" for name in names)
    program.write_text(NVIDIA_SMI.format(lines=lines, status=status), encoding="utf-8")
    program.chmod(0o755)


def _named(count: int) -> list[str]:
    return [f"GPU {i}: NVIDIA Something (UUID: GPU-{i}a{i}b)" for i in range(count)]


def test_first_device_is_taken(tmp_path, job):
    _gpus(tmp_path, *_named(2))
    assert job().says == "0"


def test_jobs_have_different_devices(tmp_path, job):
    _gpus(tmp_path, *_named(3))
    assert [job().says for _ in range(3)] == ["0", "1", "2"]


def test_job_that_asks_twice_keeps_its_device(tmp_path, job):
    _gpus(tmp_path, *_named(2))
    assert job(times=2).says == "0"
    assert job().says == "1"


@pytest.mark.parametrize("how", ["end", "kill"])
def test_device_is_free_again_when_its_job_is_over(tmp_path, job, how):
    _gpus(tmp_path, *_named(2))
    first, second = job(), job()
    assert (first.says, second.says) == ("0", "1")
    getattr(first, how)()
    assert job().says == "0"


def test_more_jobs_than_devices_is_an_error_that_says_what_to_do(tmp_path, job):
    _gpus(tmp_path, *_named(2))
    held = [job(), job()]
    says = job().says
    assert says.startswith("error: all 2 GPUs are held by other jobs")
    assert "`resources: gpu`" in says
    assert "CUDA_VISIBLE_DEVICES" in says
    held[1].end()
    assert job().says == "1"


@pytest.mark.parametrize("value", ["1", "3,4", "", "GPU-0a0b"])
def test_variable_that_is_set_is_respected_and_nothing_is_held(tmp_path, job, value):
    _gpus(tmp_path, *_named(1))
    assert job(CUDA_VISIBLE_DEVICES=value).says == value
    assert list((tmp_path / "tmp").iterdir()) == []
    assert job().says == "0"


def test_without_nvidia_smi_nothing_happens(tmp_path, job):
    assert job().says == "None"
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(
    ("lines", "status"),
    [([], 0), (["No devices were found"], 6), (["NVIDIA-SMI has failed because it could not"], 9)],
)
def test_without_gpus_nothing_happens(tmp_path, job, lines, status):
    _gpus(tmp_path, *lines, status=status)
    assert job().says == "None"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_job_without_a_token_sees_no_gpu_and_holds_none(tmp_path, environment):
    _gpus(tmp_path, *_named(1))
    program = (
        "import os; from hybridbatch.runtime.gpus import hide_gpus, lease_gpu; hide_gpus();"
        "lease_gpu();"
        "import torch; print(repr(os.environ['CUDA_VISIBLE_DEVICES']), torch.cuda.device_count())"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "'' 0"
    assert list((tmp_path / "tmp").glob("*.lock")) == []


def test_parts_of_a_device_are_no_devices(tmp_path, job):
    _gpus(tmp_path, _named(1)[0], "  MIG 1g.10gb     Device  0: (UUID: MIG-0)")
    assert job().says == "0"
    assert job().says.startswith("error: all 1 GPUs")
