"""The machine of a job, and the CPU time, memory and GPU time that the job used, as measured.

Snakemake's `benchmark` samples every half second for 15 s and every 30 s after that, and misses
what a job computes after the last sample. A process can ask for its own CPU time and peak memory at
its end, at no cost. A job's log therefore ends with them: see `logs`.
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
# By what was counted: the units that the process's last loop over them did, and its seconds.
LOOPS: dict[str, dict[str, float]] = {}


def machine() -> dict:
    """CPU model, usable cores, memory in GiB and the GPUs that this process holds."""
    return {
        "cpu": _cpu_model(),
        "cores": _cores(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _gpus_held(),
    }


def usage() -> dict:
    """The resources that this process has used since it started, and its machine.

    cpu_seconds: user and system time of all threads of the process and of its ended children.
    peak_memory_mib: peak resident set of the process, or of its largest child if that is more.
    gpu_seconds: wall time times the number of GPUs held, whether they computed or were idle.
    gpu_peak_mib: most that torch held on its GPU; None without one. loops: LOOPS.
    """
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    here, wall = machine(), _seconds_since_start()
    return {
        "wall_seconds": round(wall, 2),
        "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in (own, children)), 2),
        "gpu_seconds": round(wall * len(here["gpus"]), 2),
        "peak_memory_mib": round(_peak_memory(own, children) / 2**20, 1),
        "gpu_peak_mib": _gpu_peak(),
        "loops": {
            unit: {name: round(float(number), 3) for name, number in of.items()}
            for unit, of in LOOPS.items()
        },
        "machine": here,
    }


def _cpu_model() -> str:
    if _CPUS.is_file():
        for line in _CPUS.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _cores() -> int:
    """The number of cores that this process may use; a scheduler may have restricted it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _peak_memory(own: resource.struct_rusage, children: resource.struct_rusage) -> int:
    """Peak memory in bytes.

    On Linux, ru_maxrss starts at the peak of the parent process, so it is not used for this process
    itself. For children it can be: theirs starts at ours, which does not change the maximum.
    """
    unit = 1 if sys.platform == "darwin" else 2**10  # macOS counts in bytes, Linux in KiB
    peak = own.ru_maxrss * unit
    if _STATUS.is_file():
        for line in _STATUS.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) * 2**10
    return max(peak, children.ru_maxrss * unit)


def _gpu_peak() -> float | None:
    """MiB of torch's allocator at its peak; None unless this process has computed on a GPU."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return None
    return round(torch.cuda.max_memory_allocated() / 2**20, 1)


def _gpus_held() -> list[str]:
    """Name and memory of each GPU that this job leased (see `gpus`); asking leases none."""
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
    """Seconds since the process started; since this module's import where that is unknown."""
    if not _STAT.is_file():
        return time.monotonic() - _STARTED
    # proc_pid_stat(5): field 22, in clock ticks after boot; the second field may hold spaces.
    ticks = int(_STAT.read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
