"""Run Snakemake and say a line a stage of what it does; what goes wrong is shown as it comes.

    python workflow/stages.py snakemake --cores all --configfile=config/demo.yaml table_pages

A stage is a file of workflow/rules. It has a line when all its jobs are done. Where that takes
longer, a line every ten seconds says which stages are at work and how far they are. Only what is
known to be routine in Snakemake's output, and in the jobs', is left out: warnings, errors and
whatever is not known pass unchanged. All of it is in a file beside Snakemake's own logs, which is
named when the run fails. The exit status is Snakemake's.
"""

import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

RULES = Path(__file__).parent / "rules"
LOGS = Path(".snakemake/log")
EVERY = 10.0  # seconds between lines while no stage ends
WIDTH = 80
_DEFINED = re.compile(r"^\s*(?:use rule \w+ as|rule|checkpoint) (\w+)", re.MULTILINE)
_STARTED = re.compile(r"(?:local)?(?:rule|checkpoint) (\w+):$")
# Another process may write in the same line: Snakemake ends its own by a separate call.
_FINISHED = re.compile(r"Finished jobid: \d+ \(Rule: (\w+)\)(.*)$")
_COUNT = re.compile(r"(\w+) +(\d+)$")
_INFO = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO (.*)$")
_RULE = re.compile(r"={20,}$")
_ROUTINE = re.compile(
    r"$|\[\w{3} \w{3} +\d+ [\d:]+ \d{4}\]$|\d+ of \d+ steps \(|Select jobs to execute|"
    r"Execute \d+ jobs|Using (workflow specific )?(profile|shell)|Config file .* is extended by|"
    r"Assuming unrestricted shared|Building DAG of jobs|Provided (cores|resources)|"
    r"Rules claiming more threads|(Conda|Singularity) environments: ignored|host: |"
    r"Complete log\(s\)|Elapsed time|Nothing to be done|Creating report|Report created|"
    r"Adding .* \(.*\)\.$|Loading script code for rule|SNAKEMAKE$|=+$|"
    # Progress of the transformers library with small models.
    r"(Loading weights|Writing model shards): +\d+%\|[^\]]*\]$"
)
_HEADER = re.compile(
    r"  (Date|Workflow ID|Platform|Host|User|Snakemake version|Python version|Command|Snakefile|"
    r"Base directory|Run directory|Working directory|Config file\(s\)|Config MD5): "
)


class Stages:
    """Selects lines of Snakemake's output to show, and tracks the progress of stages."""

    def __init__(self, stage_of: dict[str, str], now: float) -> None:
        """stage_of: the stage of each rule; a rule without one is not counted."""
        self._stage_of, self._start, self._last = stage_of, now, now
        self._total: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self._running: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._block = ""  # the kind of block being read: job counts, a job, or a failed job's log
        self._rules = 0  # horizontal lines still expected around a failed job's log
        self._said = ""  # the last line of a job's log

    def feed(self, line: str, now: float) -> Iterator[str]:
        """The lines to show for one of Snakemake's."""
        if self._block == "jobs" and line:
            if (found := _COUNT.match(line)) and found[1] != "total":
                self._total[self._stage_of.get(found[1], "")] += int(found[2])
            return
        if self._block == "job" and line.startswith("    "):
            return
        if self._block == "log":
            self._rules -= bool(_RULE.match(line))
            self._block = "log" * (self._rules > 0)
            yield line
            return
        self._block = ""
        if line.startswith("Logfile ") and line.endswith(":"):
            self._block, self._rules = "log", 2
            yield line
        elif line == "Job stats:":
            self._block = "jobs"
        elif found := _STARTED.match(line):
            self._block = "job"
            stage = self._stage_of.get(found[1], "")
            self._running[stage] += 1
            self._since.setdefault(stage, now)
        elif found := _FINISHED.match(line):
            yield from self._finish(self._stage_of.get(found[1], ""), now)
            if found[2]:
                yield from self.feed(found[2], now)
        elif found := _INFO.match(line):
            self._said = found[1]
        elif not _ROUTINE.match(line) and not _HEADER.match(line):
            yield line

    def wait(self, now: float) -> Iterator[str]:
        """A line on the stages that are at work, if the last line is old enough."""
        stages = [stage for stage in self._since if stage and self._running[stage] > 0]
        if now - self._last < EVERY or not stages:
            return
        self._last = now
        working = ", ".join(f"{s} {self._done[s]} of {self._total[s]}" for s in stages)
        done, total = self._done.total(), self._total.total()
        line = f"    {now - self._start:.0f} s, {done} of {total} jobs; {working}"
        # With several running jobs, it is unknown which one wrote the line.
        if self._said and self._running.total() == 1:
            line += f": {self._said}"
        yield line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."

    def _finish(self, stage: str, now: float) -> Iterator[str]:
        self._done[stage] += 1
        self._running[stage] -= 1
        self._said = ""
        if stage and self._done[stage] == self._total[stage]:
            self._last = now
            seconds = now - self._since.get(stage, now)
            yield f"{stage:<14}{self._done[stage]:>5} jobs{seconds:7.0f} s"


def stages_of_rules(folder: Path) -> dict[str, str]:
    """The stage of each rule: the name of the file in `folder` that it stands in."""
    return {
        rule: path.stem
        for path in sorted(folder.glob("*.smk"))
        for rule in _DEFINED.findall(path.read_text(encoding="utf-8"))
    }


def run(command: list[str]) -> int:
    """Run `command`, showing its stages; returns its exit status."""
    LOGS.mkdir(parents=True, exist_ok=True)
    everything = LOGS / time.strftime("%Y-%m-%dT%H%M%S.everything.log")
    stages = Stages(stages_of_rules(RULES), time.monotonic())
    with (
        everything.open("w", encoding="utf-8") as record,
        subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace"
        ) as process,
    ):
        # Snakemake stops its jobs itself, and its output on that must still be read.
        signal.signal(signal.SIGINT, lambda *_: None)  # a terminal sends it to Snakemake, too
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        for line in _lines(process):
            if line is not None:
                record.write(line + "\n")
                record.flush()
                for shown in stages.feed(line, time.monotonic()):
                    print(shown, flush=True)
            for shown in stages.wait(time.monotonic()):
                print(shown, flush=True)
    if process.returncode:
        print(f"All that was said: {everything}", flush=True)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def _lines(process: subprocess.Popen) -> Iterator[str | None]:
    """Each line of the standard error; None after a second without one."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        for line in process.stderr:
            lines.put(line.rstrip("\n"))
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        yield line


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(run(sys.argv[1:]))
