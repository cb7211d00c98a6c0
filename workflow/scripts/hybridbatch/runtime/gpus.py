"""One GPU a job. On a single machine neither Snakemake nor torch assigns GPUs to jobs."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.logs import log

_VARIABLE = "CUDA_VISIBLE_DEVICES"
_leases: list[FileLock] = []  # held until the process ends


def lease_gpu() -> None:
    """Take a GPU that no other job of this machine holds, before torch looks for one.

    Does nothing without GPUs, or where a scheduler such as Slurm has set CUDA_VISIBLE_DEVICES.
    """
    if _VARIABLE in os.environ:
        return
    count = _gpu_count()
    for number in range(count):
        lock = FileLock(
            Path(tempfile.gettempdir()) / f"hybridbatch-gpu{number}.lock", timeout=0, mode=0o666
        )
        try:
            lock.acquire()
        except Timeout:
            continue
        _leases.append(lock)
        os.environ[_VARIABLE] = str(number)
        log.info("using GPU %d of %d", number, count)
        return
    if count:
        raise HybridBatchError(
            f"all {count} GPUs are held by other jobs: lower `resources: gpu` in the profile, or "
            f"set {_VARIABLE}."
        )


def hide_gpus() -> None:
    """Hide all GPUs from torch, for a job that did not request the `gpu` resource."""
    os.environ[_VARIABLE] = ""


def _gpu_count() -> int:
    if shutil.which("nvidia-smi") is None:
        return 0
    run = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in run.stdout.splitlines())
