"""Locking and resuming of long jobs: training, translation and search share this one module.

Each job has a folder of its own. It lies outside the declared outputs, since Snakemake deletes
those before a rerun and after a failure. Only one process at a time works in it. It holds

    lock, owner.json   the process that works on the output
    {key}/             the state; the key is a digest of everything that determines the output
        step-000000100/    a checkpoint; the last two are kept
        000000.json        one part of an output that is made part by part
        published/         the finished output, as hard links, which take no space
        published.json     the path of the output

If only Snakemake itself is killed, its jobs go on running. A second Snakemake deletes their
outputs, starts the jobs again, and deletes the outputs once more if a job fails. A finished output
is therefore also kept here until Snakemake has recorded it. The next process publishes it from
here.
"""

import hashlib
import json
import os
import shutil
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote
from typing import Any

import psutil
from filelock import FileLock, Timeout

from hybridbatch.runtime.errors import DamagedError, HybridBatchError
from hybridbatch.runtime.files import (
    DIGEST,
    checked,
    digest_of,
    recorded_digest,
    remove,
    whole,
    write_json,
)
from hybridbatch.runtime.logs import log
from hybridbatch.runtime.persistence import INCOMPLETE, record_path

KEPT = 2  # checkpoints
_POLL = 1.0  # seconds between tries to get the lock
_SAY_EVERY = 10.0  # seconds between the log lines of a waiting process
_LOCK, _OWNER, _PUBLISHED = "lock", "owner.json", "published"
_RECORD = f"{_PUBLISHED}.json"
_SAME_START = 2.0  # seconds by which two readings of one process' start time may differ


@dataclass(frozen=True)
class Owner:
    """The process that works on an output."""

    host: str
    pid: int
    process_started: float  # seconds since the epoch; tells apart processes that reuse a pid
    since: str  # UTC
    key: str
    makes: str
    token: str

    @staticmethod
    def this_process(key: str, makes: str) -> "Owner":
        """An owner record for this process, starting now."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        started = psutil.Process().create_time()
        host, token = socket.gethostname(), uuid.uuid4().hex
        return Owner(host, os.getpid(), started, since, key, makes, token)

    def here(self) -> bool:
        """Whether the owner runs on this machine."""
        return self.host == socket.gethostname()

    def is_gone(self) -> bool:
        """Whether the owner is known to have ended; always False for one on another machine."""
        if not self.here():
            return False
        try:
            process = psutil.Process(self.pid)
            started, status = process.create_time(), process.status()
        except psutil.NoSuchProcess:
            return True
        another = abs(started - self.process_started) > _SAME_START
        return another or status == psutil.STATUS_ZOMBIE  # dead, and its parent has not asked

    def __str__(self) -> str:
        key = f", key {self.key}" if self.key else ""
        return f"process {self.pid} on {self.host}, since {self.since}{key}"


def key_of(
    values: Any, contents: Iterable[str | int | None] = (), files: Iterable[Path] = ()
) -> str:
    """The digest of everything that determines an output, 16 hex digits.

    values: JSON values, such as configuration, seed and fingerprints of code. contents: texts, or
    digests of data. files: files and folders that the job reads; their contents count, their paths
    do not.
    """
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for content in contents:
        digest.update(json.dumps(content).encode() + b"\n")
    for file in files:
        digest.update(f"{digest_of(file)}\n".encode())
    return digest.hexdigest()[:16]


def intact(path: Path) -> bool:
    """Whether a checkpoint or a part exists and matches its digest.

    One that is damaged, or that has no digest, is set aside under another name, and logged.
    """
    if not path.exists():
        return False
    with suppress(DamagedError):
        if recorded_digest(path):
            checked(path)
            return True
    _set_aside(path)
    return False


def _set_aside(path: Path) -> None:
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.damaged")
    path.rename(aside)
    log.warning("%s: is damaged; set aside as %s", path, aside)


class Work:
    """The work of one process on one output. `state` is the folder of its key."""

    def __init__(self, folder: Path, owner: Owner, output: Path) -> None:
        self.state = folder / owner.key
        self._folder, self._owner, self._output = folder, owner, output
        self._copy = self.state / _PUBLISHED / output.name

    @contextmanager
    def checkpoint(self, step: int) -> Iterator[Path]:
        """Yield an empty folder; when the block succeeds it becomes the checkpoint of `step`.

        Only the last two checkpoints are kept.
        """
        self._require_ownership()
        with whole(self.state / f"step-{step:09d}") as temporary:
            temporary.mkdir()
            yield temporary
        for older in self._checkpoints()[KEPT:]:
            shutil.rmtree(older)

    def latest(self) -> Path | None:
        """The newest intact checkpoint, or None; damaged ones are set aside."""
        return next((path for path in self._checkpoints() if intact(path)), None)

    def is_published(self, of: Any = None) -> bool:
        """Whether this output was finished before. If so, it is published again from here.

        of: what determines it besides the key, as given to `publish`.
        """
        record = _read_record(self.state / _RECORD)
        if record is None or record["of"] != of:
            return False
        if not intact(self._copy):
            return False
        log.info("%s: was finished before; published from %s", self._output, self._copy)
        self._place(again=True)
        return True

    @contextmanager
    def publish(self, of: Any = None) -> Iterator[Path]:
        """Yield a temporary path; when the block succeeds, it is renamed to the output.

        The checkpoints are removed once the output has been read back and matches its digest. A
        hard-linked copy stays until `remove_published`.

        of: what determines the output besides the key, as JSON, for work whose parts stay valid
        when it changes.
        """
        self._require_ownership()
        (self.state / _RECORD).unlink(missing_ok=True)  # of an older copy
        with whole(self._copy) as temporary:
            yield temporary
        record = {"output": str(self._output), "of": of}
        write_json(self.state / _RECORD, record, digest=False)
        self._place()
        for rest in self.state.iterdir():
            if rest.stem != _PUBLISHED:
                remove(rest)

    def _checkpoints(self) -> list[Path]:
        """The checkpoints, newest first."""
        found = (p for p in self.state.glob("step-*") if p.suffix != ".damaged")
        return sorted(found, reverse=True)

    def _place(self, again: bool = False) -> None:
        self._require_ownership()
        with whole(self._output) as temporary:
            _link(self._copy, temporary)
            if again:  # Snakemake reruns a job whose output is older than its inputs
                for path in (temporary, *temporary.rglob("*")):
                    os.utime(path)
        # `whole` has read all of the output for its digest.
        if recorded_digest(self._output) != recorded_digest(self._copy):
            raise DamagedError(
                f"{self._output}: was not written as it was finished in {self._copy}: check the "
                "disk, and start again."
            )

    def _require_ownership(self) -> None:
        found = read_owner(self._folder / _OWNER)
        if found is None or found.token != self._owner.token:
            raise HybridBatchError(
                f"{self._output}: {found or 'another process'} has taken over {self._folder} while "
                f"this process, {self._owner}, was at work: it stops, and publishes nothing."
            )


@contextmanager
def working(folder: Path, key: str, output: Path) -> Iterator[Work]:
    """Hold the lock of `folder` while the block makes `output`.

    key: the digest of everything that determines the output (`key_of`). While another process holds
    the folder, this one waits and logs the owner every ten seconds. States of other keys are then
    removed, since nothing will resume them. Call `Work.is_published` first: the other process may
    have made this same output.
    """
    owner = Owner.this_process(key, str(output))
    with _ended_by_sigterm(), _held(folder, owner):
        work = Work(folder, owner, output)
        for other in folder.iterdir():
            if other.is_dir() and other != work.state:
                log.info("removing the state %s of another configuration or other data", other)
                shutil.rmtree(other)
        work.state.mkdir(exist_ok=True)
        yield work


def remove_published(root: Path) -> None:
    """Remove below `root` the copies of outputs that Snakemake has recorded.

    A copy stays while its folder is in use, while Snakemake marks its output as incomplete (it may
    still delete the output), and where the output is missing or differs.
    """
    for record in sorted(root.rglob(_RECORD)):
        state, folder = record.parent, record.parents[1]
        lock = _try_lock(folder)
        if lock is None:
            continue
        owner = read_owner(folder / _OWNER)
        if owner is None or owner.is_gone():
            found = _read_record(record)
            output = found["output"] if found else None
            if output and record_path(INCOMPLETE, output) is None:
                copy = state / _PUBLISHED / Path(output).name
                if _is_copy(copy, Path(output)):
                    shutil.rmtree(folder)
        lock.release()
        _remove_empty(folder.parent, root)
    with suppress(OSError):
        root.rmdir()


def _read_record(path: Path) -> dict[str, Any] | None:
    """What was published, and what decided it; None without a record that can be read.

    A damaged one is set aside: the work is then done again, and no job waits for a person.
    """
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"output": str(found["output"]), "of": found["of"]}
    except (ValueError, KeyError, TypeError):
        _set_aside(path)
        return None


def release(folder: Path) -> str:
    """Declare the owner of `folder` dead; returns a message that says what was done.

    Needed for an owner on another machine, which no process here can check. Raises
    `HybridBatchError` if the owner is alive on this machine.
    """
    owner = read_owner(folder / _OWNER)
    if owner is None:
        return f"{folder}: has no owner; nothing to do."
    if owner.here() and not owner.is_gone():
        raise HybridBatchError(f"{folder}: {owner} lives; end it first: kill {owner.pid}")
    (folder / _OWNER).unlink(missing_ok=True)
    return f"{folder}: {owner} is no longer its owner."


@contextmanager
def _held(folder: Path, owner: Owner) -> Iterator[None]:
    """Hold the lock and an owner record; some network file systems grant a lock to everyone."""
    said = -_SAY_EVERY
    while True:
        lock = _try_lock(folder)
        other = read_owner(folder / _OWNER)
        if lock and other and other.is_gone():
            log.warning("%s: %s has died; going on from what it left", owner.makes, other)
            other = None
        if lock and not other:
            break
        if lock:
            lock.release()
        if time.monotonic() - said >= _SAY_EVERY:
            said = time.monotonic()
            _say(folder, owner, other)
        time.sleep(_POLL)
    try:
        write_json(folder / _OWNER, asdict(owner), digest=False)
        yield
    finally:
        found = read_owner(folder / _OWNER)
        if found and found.token == owner.token:
            (folder / _OWNER).unlink()
        lock.release()


def _try_lock(folder: Path) -> FileLock | None:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)
    # FileNotFoundError: the previous holder has just removed the folder.
    with suppress(Timeout, FileNotFoundError):
        lock.acquire(blocking=False)
        return lock
    return None


def _say(folder: Path, owner: Owner, other: Owner | None) -> None:
    advice = ""
    if other and not other.here():
        advice = (
            f" If it is dead, which cannot be seen from here, type: "
            f"python workflow/unlock.py {quote(str(folder))}"
        )
    elif other:
        same = "the same, which will be used" if other.key == owner.key else "another one"
        advice = f" What it makes is {same}."
    log.warning("%s: waiting for %s.%s", owner.makes, other or "another process", advice)


def read_owner(path: Path) -> Owner | None:
    """The owner record, or None. An unreadable one counts as a live owner on another machine."""
    try:
        return Owner(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError):
        return Owner("an unknown machine", 0, 0.0, "?", "?", "?", "?")


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Turn SIGTERM, which schedulers send first, into an exit that removes the owner record."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _link(source: Path, target: Path) -> None:
    """Hard-link all files except the digests; copy them where the file system has no links."""
    if source.is_dir():
        target.mkdir()
        for path in sorted(source.iterdir()):
            if path.name != DIGEST:
                _link(path, target / path.name)
        return
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _is_copy(copy: Path, output: Path) -> bool:
    """Whether the output exists, is intact, and has the contents of `copy`."""
    if not output.exists() or recorded_digest(copy) != recorded_digest(output):
        return False
    names = [p.relative_to(copy) for p in (copy, *copy.rglob("*")) if p.is_file()]
    with suppress(OSError):
        # Hard links share the output's bytes: removing the copy loses nothing, even if damaged.
        if all(os.path.samefile(copy / n, output / n) for n in names if n.name != DIGEST):
            return True
    with suppress(DamagedError):
        checked(output)
        return True
    return False


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_relative_to(root):
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
