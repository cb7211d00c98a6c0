"""Apertium, where it is installed, and jobs that translate with it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from hybridbatch.runtime.errors import TranslationError
from hybridbatch.translation.engines import apertium
from hybridbatch.translation.engines._chain import Limits
from hybridbatch.translation.engines.apertium import Apertium

ROOT = Path(__file__).parents[2]
ENGLISH = (
    "The house is big.",
    "Where did the old teacher live?",
    "Water boils at a lower temperature in the mountains",
)
SPANISH = (
    "La casa es grande.",
    "¿Dónde vivía el viejo maestro?",
    "El agua hierve a menor temperatura en las montañas",
)
# A mode, sentences in its source language, and the first of them translated.
MODES = [
    ("eng-spa", ENGLISH, "La casa es grande."),
    ("eng-cat", ENGLISH, "La casa és gran."),
    ("en-gl", ENGLISH, "A casa é grande."),
    ("en-eo", ENGLISH, "La domo estas granda."),
    ("spa-ast", SPANISH, "La casa ye grande ."),
    ("es-pt", SPANISH, "A casa é grande."),
    ("spa-eng", SPANISH, "The house is big."),
]


def real(mode: str) -> Apertium:
    try:
        return Apertium(mode, "")
    except TranslationError as error:
        pytest.skip(str(error))


JOB = """
import json, sys
from pathlib import Path
from hybridbatch.translation.engines import apertium
from hybridbatch.translation.engines._chain import Limits
modes, mode, cpu, idle, lines = json.loads(sys.argv[1])
apertium._MODES = Path(modes)
engine = apertium.Apertium(mode, "", Limits(cpu, idle, tick=0.05))
print("ready", flush=True)
print(json.dumps([[r.text, r.error, r.retries] for r in engine.translate(lines)]))
"""


def job_of(
    mode: str, limits: Limits, lines: list[str], modes: Path = apertium._MODES
) -> subprocess.Popen:
    """A process that translates; it has said that it is ready."""
    values = json.dumps([str(modes), mode, limits.cpu_seconds, limits.idle_seconds, lines])
    job = subprocess.Popen(
        [sys.executable, "-c", JOB, values],
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow" / "scripts")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert job.stdout.readline() == "ready\n"
    return job


def programs_of(job: subprocess.Popen, least: int) -> list[psutil.Process]:
    for _ in range(600):
        found = psutil.Process(job.pid).children(recursive=True)
        if len(found) >= least:
            return found
        time.sleep(0.05)
    pytest.fail("the engine's programs did not start")


def alive(processes: list[psutil.Process]) -> Iterator[psutil.Process]:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # one that ends between the two questions
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                yield process
