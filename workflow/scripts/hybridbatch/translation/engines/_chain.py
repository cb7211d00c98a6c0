"""A chain of programs connected by pipes, which answers documents.

A document is text that ends in a null character. Each program reads a document, writes what it
makes of it, and flushes at the null. An answer therefore belongs to one document. Of documents that
are asked together, the programs work on several at once.

Limits do not depend on the machine's load. A call may cost so many seconds of the programs' CPU
time. A chain that waits without using any CPU time is given up after so many seconds in which
it could have run: a program that is suspended, or that waits for a processor, does not count, nor
does time in which this process itself did not run.
"""

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from hybridbatch.runtime.errors import TranslationError

_BLOCK = 1 << 16  # bytes read or written at once
# How programs are ended when one of them has failed. Nobody else sends it, and nobody ignores it
# (`nohup` makes them ignore SIGHUP).
_ENDED = signal.SIGVTALRM
# Signals by which a program ends through its own fault; all others come from outside.
_FAULTS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGBUS}
# States in which a program would go on if it were let: it is not what it waits for.
_HELD_UP = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP, psutil.STATUS_RUNNING)


@dataclass(frozen=True)
class Limits:
    """What an answer may cost."""

    cpu_seconds: float = 120.0  # of all programs together, for one call
    idle_seconds: float = 600.0  # without CPU time, while all programs could run
    tick: float = 1.0  # seconds between two looks at the programs


class Broken(Exception):
    """The chain gave no answer. from_outside: the document may not be the cause.

    Another process ended a program, such as the kernel for want of memory. answered: how many of
    the documents had whole answers before.
    """

    def __init__(self, reason: str, from_outside: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.from_outside, self.answered = reason, from_outside, 0


class Chain:
    """Running programs; they end with this object's `close`, or with this process."""

    def __init__(self, commands: Sequence[Sequence[str]], limits: Limits) -> None:
        """Start `commands`, each reading what the one before it writes."""
        self._limits = limits
        self._complaints = [tempfile.TemporaryFile() for _ in commands]  # noqa: SIM115
        self._read: list[int] = [0] * len(commands)  # bytes of each file that were looked at
        self.processes: list[subprocess.Popen] = []
        # C.UTF-8: the result must not depend on the user's locale.
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        source: object = subprocess.PIPE
        try:
            for command, complaints in zip(commands, self._complaints, strict=True):
                process = subprocess.Popen(
                    [*_dying_with_us(), *command],
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=complaints,
                    bufsize=0,
                    env=environment,
                    # A signal to the terminal's programs must not reach the engine before the job.
                    start_new_session=True,
                )
                if self.processes:
                    source.close()  # only the two programs hold their pipe
                self.processes.append(process)
                source = process.stdout
        except BaseException:
            self.close()
            raise
        self._input, self._output = self.processes[0].stdin, self.processes[-1].stdout
        os.set_blocking(self._input.fileno(), False)

    def ask(self, documents: Sequence[bytes]) -> list[bytes]:
        """The answers to documents, in their order; each ends with its only null.

        Raises Broken if a program ends, answers too much, or needs more CPU time than the limit. It
        does not say which document is the cause, if there are several. Raises TranslationError if
        all programs do nothing for longer than the limit.
        """
        unsent, answer, ended = memoryview(b"".join(documents)), bytearray(), 0
        watch = _watch(self.processes, self._limits)
        while ended < len(documents):
            writing = [self._input] if unsent else []
            readable, writable, _ = select.select([self._output], writing, [], self._limits.tick)
            if readable:
                block = os.read(self._output.fileno(), _BLOCK)
                if not block:
                    broken = self._end()
                    broken.answered = ended
                    raise broken
                answer += block
                ended += block.count(b"\0")
            if writable:
                try:
                    unsent = unsent[os.write(self._input.fileno(), unsent[:_BLOCK]) :]
                except BrokenPipeError:
                    unsent = unsent[:0]  # its output will end, too
            next(watch)
        if unsent or ended > len(documents) or not answer.endswith(b"\0"):
            raise Broken("more than one answer")
        return [bytes(part) + b"\0" for part in answer.split(b"\0")[:-1]]

    def said(self, words: bytes) -> bool:
        """Whether a program has complained with these words since the last call."""
        found = False
        for number, file in enumerate(self._complaints):
            new = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, self._read[number])
            self._read[number] += len(new)
            found = found or words in new
        return found

    def close(self) -> None:
        """End all programs."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    pipe.close()
        for file in self._complaints:
            file.close()

    def _end(self) -> Broken:
        """Why the output has ended: the first program that ended by itself, and its last words."""
        # A program that is already ending keeps its own status.
        for process in self.processes:
            process.send_signal(_ENDED)
            process.send_signal(signal.SIGCONT)
        for process, complaints in zip(self.processes, self._complaints, strict=True):
            status = process.wait()
            if status in (-_ENDED, -signal.SIGPIPE):
                continue
            complaints.seek(0)
            said = complaints.read().decode("utf-8", errors="replace").strip().splitlines()
            reason = said[-1] if said else f"no output (status {status})"
            from_outside = (status < 0 and -status not in _FAULTS) or "bad_alloc" in reason
            return Broken(re.sub(r"/\S*/", "", reason), from_outside)
        return Broken("no output", from_outside=True)


def _dying_with_us() -> list[str]:
    """What to put before a command, so that a program in a loop ends with a job that is killed."""
    setpriv = shutil.which("setpriv")  # of util-linux; elsewhere programs end with their input
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _watch(processes: Sequence[subprocess.Popen], limits: Limits) -> Iterator[None]:
    """Each `next` looks at the programs, if the last look is a tick ago; raises at a limit."""
    looked, idle = time.monotonic(), 0.0
    first = last = None
    while True:
        yield
        now = time.monotonic()
        if now - looked < limits.tick:
            continue
        # At most two ticks: more have passed only if this process did not run.
        passed, looked = min(now - looked, 2 * limits.tick), now
        used, held_up = _used(processes)
        first = used if first is None else first
        if used - first > limits.cpu_seconds:
            raise Broken(f"more than {limits.cpu_seconds:g} s of CPU time")
        if used != last:
            idle = 0.0
        elif not held_up:
            idle += passed
        last = used
        if idle > limits.idle_seconds:
            raise TranslationError(
                "the translation engine has not answered, nor used any CPU time, for "
                f"{idle:.0f} s. Nothing is written. Look at its programs, and start again."
            )


def _used(processes: Sequence[subprocess.Popen]) -> tuple[float, bool]:
    """The CPU seconds of all programs so far, and whether something holds one of them up."""
    used, held_up = 0.0, False
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # one that has ended; its output will show it
            found = psutil.Process(process.pid)
            times = found.cpu_times()
            used += times.user + times.system
            held_up = held_up or found.status() in _HELD_UP
    return used, held_up
