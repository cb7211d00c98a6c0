"""What a job ran on and what it used of it, asked of the system and not estimated.

Snakemake's `benchmark` samples every half second for 15 s and every 30 s after that; what a job
computes after the last sample is lost to it. A process knows its own CPU time and peak memory to
the end, at no cost, so a job's log ends with them: see `logs`.
"""

import os
import platform
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

_CPUS = Path("/proc/cpuinfo")
_STAT, _STATUS = Path("/proc/self/stat"), Path("/proc/self/status")
_STARTED = time.monotonic()


def machine() -> dict:
    """CPU model, usable cores, memory in GiB and the GPUs that this process holds."""
    return {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _gpus_held(),
    }


def usage() -> dict:
    """What this process has used since it started, and its machine.

    cpu_seconds: user and system time of it and of its children that have ended, all threads.
    peak_memory_mib: its own peak resident set, or that of its largest child if that is more.
    gpu_seconds: wall seconds that it held GPUs for, times their number; at work or not.
    """
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    here, wall = machine(), _seconds_since_start()
    return {
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in (own, children)), 2),
        "gpu_seconds": round(wall * len(here["gpus"]), 2),
        "peak_memory_mib": round(_peak_memory(own, children) / 2**20, 1),
        "machine": here,
    }


def _cpu_model() -> str:
    if _CPUS.is_file():
        for line in _CPUS.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """Those this process may use, which a scheduler may have narrowed."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _peak_memory(own: resource.struct_rusage, children: resource.struct_rusage) -> int:
    """Bytes. Linux' ru_maxrss starts at the peak of whoever started the process: not for our own.

    A child's starts at ours, which changes no maximum.
    """
    unit = 1 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    peak = own.ru_maxrss * unit
    if _STATUS.is_file():
        for line in _STATUS.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) * 2**10
    return max(peak, children.ru_maxrss * unit)


def _gpus_held() -> list[str]:
    """Name and memory of each GPU, if this job took one (see `devices`); asking takes no GPU."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if (
        "hybridbatch.runtime.gpus" not in sys.modules
        or not visible
        or not shutil.which("nvidia-smi")
    ):
        return []
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    run = subprocess.run([*command, "-i", visible], capture_output=True, text=True, check=False)
    return [line.strip() for line in run.stdout.splitlines()] if run.returncode == 0 else []


def _seconds_since_start() -> float:
    """Of the process, imports included; of this module where the system does not say."""
    if not _STAT.is_file():
        return time.monotonic() - _STARTED
    # proc_pid_stat(5): field 22, in clock ticks after boot; the second field may hold spaces.
    ticks = int(_STAT.read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
