"""Logging to the job's log file and to the terminal, uncaught errors included."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.usage import LOOPS, usage

log = logging.getLogger("hybridbatch")
EVERY = 10.0  # seconds between two lines of one loop
_USED = " INFO used "


@contextmanager
def logged(path: str | Path | None) -> Iterator[None]:
    """Log to `path` and to stderr while the block runs.

    A `HybridBatchError` ends the process with its message and exit status 1. Any other error is
    logged with its traceback and raised. When the block succeeds, the last line of the file records
    the resources that the job used, for `read_usage`.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="w", encoding="utf-8"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
        if path:
            record = (log.name, logging.INFO, __file__, 0, "used %s", (json.dumps(usage()),), None)
            handlers[-1].handle(log.makeRecord(*record))  # the file only, not the terminal
    except HybridBatchError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:
        log.exception("the job failed")
        raise
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


def read_usage(path: str | Path) -> dict | None:
    """The `usage.usage` that a job recorded in its log; None if none can be read there."""
    path = Path(path)
    if not path.is_file():
        return None
    last = path.read_text(encoding="utf-8", errors="replace").rstrip("\n").rpartition("\n")[2]
    _, found, values = last.partition(_USED)
    try:
        return json.loads(values) if found else None
    except ValueError:  # a log that was cut off or edited: costs are no reason to lose a table
        return None


class Progress:
    """Log progress, rate and remaining time, at most one line every `every` seconds.

    What it counted and how long that took is in the job's `usage.usage`, too.

    total: number of units; if None, neither progress nor remaining time is logged. done: units
    that were done before the start; the rate leaves them out. last: whether a line is always logged
    at the end.
    """

    def __init__(
        self,
        total: int | None,
        unit: str,
        every: float = EVERY,
        done: int = 0,
        last: bool = True,
    ) -> None:
        self.total, self.unit, self.every, self.ends = total, unit, every, last
        self.done = self.before = done
        self.start = self.last = time.monotonic()
        LOOPS[unit] = self.counted = {"done": 0, "seconds": 0.0}

    def add(self, n: int = 1, note: str = "") -> None:
        """Count `n` more units as done; log if the last line is old enough or all are done."""
        self.done += n
        now = time.monotonic()
        self.counted["done"] += n
        self.counted["seconds"] = now - self.start
        ended = self.ends and self.total is not None and self.done >= self.total
        if now - self.last < self.every and not ended:
            return
        self.last = now
        rate = (self.done - self.before) / max(now - self.start, 1e-9)
        words = [f"{self.done:,}", f"{_rate(rate)} a second"]
        if self.total is not None:
            words[0] += f" of {self.total:,}"
            if rate:
                words.append(f"{duration((self.total - self.done) / rate)} left")
        words[0] += f" {self.unit}"
        log.info("%s", ", ".join(words + [note] * bool(note)))


@contextmanager
def waiting(what: str, every: float = EVERY) -> Iterator[None]:
    """Log `what` every `every` seconds while the block runs, for one long call without output."""
    ended, start = Event(), time.monotonic()

    def say() -> None:
        while not ended.wait(every):
            log.info("%s, for %s so far", what, duration(time.monotonic() - start))

    thread = Thread(target=say, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def duration(seconds: float) -> str:
    """A duration as text: in seconds below two minutes, else in minutes, or hours and minutes."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"
