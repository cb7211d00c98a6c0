"""One way to log: to the job's log file and to the terminal, uncaught errors included."""

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.usage import usage

log = logging.getLogger("hybridbatch")
_USED = " INFO used "


@contextmanager
def logged(path: str | Path | None) -> Iterator[None]:
    """Log to `path` and to stderr while the block runs.

    A `HybridBatchError` ends the process with its message and status 1; any other error is
    logged with its traceback and raised. The file of a job that succeeds ends with what it used,
    for `read_usage`.
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
            handlers[-1].handle(log.makeRecord(*record))  # nothing for the terminal
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
    """`machines.usage` of the job whose log this is; None if there is none."""
    path = Path(path)
    if not path.is_file():
        return None
    last = path.read_text(encoding="utf-8", errors="replace").rstrip("\n").rpartition("\n")[2]
    _, found, values = last.partition(_USED)
    return json.loads(values) if found else None


class Progress:
    """Log lines with the share done, the rate and the time left, at most one every few seconds.

    Where nobody knows the total, None, lines have the count and the rate.
    """

    def __init__(self, total: int | None, unit: str, every: float = 10.0) -> None:
        self.total, self.unit, self.every = total, unit, every
        self.done = 0
        self.start = self.last = time.monotonic()

    def add(self, n: int = 1, note: str = "") -> None:
        """Count `n` more units done; log if the last line is old enough or all is done."""
        self.done += n
        now = time.monotonic()
        if now - self.last < self.every and (self.total is None or self.done < self.total):
            return
        self.last = now
        rate = self.done / max(now - self.start, 1e-9)
        more = f", {note}" if note else ""
        if self.total is None:
            log.info("%d %s, %.0f a second%s", self.done, self.unit, rate, more)
            return
        left = (self.total - self.done) / max(rate, 1e-9)
        log.info(
            "%d of %d %s, %.0f a second, %.0f s left%s",
            self.done,
            self.total,
            self.unit,
            rate,
            left,
            more,
        )
