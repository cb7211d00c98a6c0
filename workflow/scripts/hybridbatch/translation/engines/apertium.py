"""Apertium. Every line gives one output line or a recorded failure.

Lines are separated by superblanks that contain the line's number (`[\\n12\\n]`), which the engine
passes on unchanged. The output therefore shows which lines arrived, and a crash, a short output or
merged lines are detected. Batches of missing lines are split in half until each failing line is
alone.

Null flushing (`-z`) would be the obvious separator, but some programs in Debian 12's pipelines
drop nulls (eng-cat gives one line for eight).
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hybridbatch.runtime.errors import TranslationError
from hybridbatch.runtime.logs import Progress, log
from hybridbatch.translation.translate import Translation

_MODES = Path("/usr/share/apertium/modes")
_RESERVED = re.compile(r"([\\\[\]{}^$/@<>])")
_ESCAPED = re.compile(r"\\(.)")
_SEPARATOR = re.compile(r"\[\n(\d+)\n\]")
_ADDED_STOP = re.compile(r"\s*\.\[\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BATCH = 500  # lines in a run of the engine; fixed, since some rules read past a line's end


class Apertium:
    """Apertium with one installed mode, such as `eng-spa`."""

    def __init__(self, mode: str, package: str, seconds_per_line: float = 1.0) -> None:
        """Raise `TranslationError`, saying what to install, if engine or mode is missing."""
        self.mode, self.seconds_per_line = mode, seconds_per_line
        if shutil.which("apertium") is None or not (_MODES / f"{mode}.mode").is_file():
            raise TranslationError(
                f"Apertium's mode {mode} is not installed. Type: apt-get install apertium {package}"
            )

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """Translate `lines`; the marks of unknown words are counted and removed."""
        results: list[Translation] = []
        progress = Progress(len(lines), f"lines of {self.mode}")
        for start in range(0, len(lines), _BATCH):
            batch = {i: _CONTROL.sub(" ", lines[i]) for i in range(start, len(lines))[:_BATCH]}
            done = {i: Translation("") for i, line in batch.items() if not line.strip()}
            done |= self._translate({i: line for i, line in batch.items() if i not in done})
            results += [done[i] for i in batch]
            progress.add(len(batch))
        return results

    def _translate(self, batch: dict[int, str]) -> dict[int, Translation]:
        if not batch:
            return {}
        arrived, complaint = self._run(batch)
        done = {i: _read(batch[i], output) for i, output in arrived.items()}
        missing = [i for i in batch if i not in arrived]
        if not missing:
            return done
        if len(batch) == 1:
            log.warning("%s: line %d failed: %s", self.mode, missing[0], complaint)
            return {missing[0]: Translation(None, error=complaint)}
        if len(missing) == len(batch):
            # Split in half, so that each part is smaller than the batch that just failed.
            missing_parts = (missing[: len(missing) // 2], missing[len(missing) // 2 :])
        else:
            missing_parts = (missing,)
        for part in missing_parts:
            done |= self._translate({i: batch[i] for i in part})
        return done

    def _run(self, batch: dict[int, str]) -> tuple[dict[int, str], str]:
        text = "".join(_write(line) + f"[\n{i}\n]" for i, line in batch.items())
        timeout = 60 + self.seconds_per_line * len(batch)
        # A session of its own, so that all processes of a hanging pipeline can be killed.
        with subprocess.Popen(
            ["apertium", "-f", "none", self.mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                stdout, stderr = process.communicate(text.encode("utf-8"), timeout=timeout)
            except BaseException as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(error, subprocess.TimeoutExpired):
                    return {}, f"no answer within {timeout:.0f} s"
                raise
        pieces = _SEPARATOR.split(stdout.decode("utf-8", errors="replace"))
        arrived: dict[int, str] = {}
        expected = iter(batch)
        for output, number in zip(pieces[::2], pieces[1::2], strict=False):
            # After a number out of order, it is unknown which text belongs to which line.
            if int(number) != next(expected, None):
                break
            arrived[int(number)] = output
        complaints = stderr.decode("utf-8", errors="replace").strip().splitlines()
        reason = complaints[-1] if complaints else f"no output (status {process.returncode})"
        return arrived, re.sub(r"/\S*/", "", reason)


def translator(route: dict) -> Apertium:
    """The engine of a route."""
    return Apertium(route["mode"], route["package"])


def _write(line: str) -> str:
    # A marked full stop ends the sentence, so that rules do not reach into the next line.
    stop = "" if line.rstrip().endswith((".", "?", "!")) else ".[]"
    return _RESERVED.sub(r"\\\1", line) + stop


def _read(source: str, output: str) -> Translation:
    text = _ADDED_STOP.sub("", output).replace("[]", "")
    unknown = 0
    for mark in "*#@":
        # Some generators escape a mark as `\@`; `\\@` is a backslash of the source and a mark. A
        # mark may stand inside a word (24*oz). If the source itself has the character before a
        # word, marks cannot be told from text, and none is removed.
        if re.search(rf"{re.escape(mark)}\w", source):
            continue
        text, found = re.subn(rf"(?<!\\)((?:\\\\)*)\\?{re.escape(mark)}(?=\w)", r"\1", text)
        unknown += found
    text = " ".join(_ESCAPED.sub(r"\1", text).split())
    return Translation(text, unknown=unknown)
