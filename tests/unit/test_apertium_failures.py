"""A line at which the engine breaks is a recorded failure, and costs no other line.

A stand-in for the engine breaks at lines that hold CRASH, in the ways in which a real one can.
"""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from engines import ENGLISH, alive, job_of, programs_of, real

from hybridbatch.runtime.errors import TranslationError
from hybridbatch.translation.engines import apertium, translator
from hybridbatch.translation.engines._chain import Limits
from hybridbatch.translation.engines.apertium import Apertium
from hybridbatch.translation.translate import Translation

# A stand-in for the engine: capitals for a translation, `CRASH` for what it breaks at. It keeps a
# dot a start in the file `starts`.
STAND_IN = r"""#!{python} -IS
import os, re, signal, sys, time
with open({starts!r}, "a") as starts:
    starts.write(".")
_, flag, way = sys.argv
assert flag == "-z"
text = b""
while block := os.read(0, 1 << 16):
    text += block
    while b"\0" in text:
        document, _, text = text.partition(b"\0")
        answer = document.decode("utf-8").upper().encode("utf-8") + b"\0"
        if b"CRASH" in document:
            if way == "dies":
                sys.exit("Error in /usr/share/x/eng-spa.t4x: line 4086: index > limit")
            if way == "ends":
                sys.exit(0)
            if way == "is killed" or way == "is killed once" and len(open({starts!r}).read()) == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            while way == "loops":
                pass
            if way == "sleeps":
                time.sleep(600)
            if way == "loses the line":
                answer = b"\0"
            if way == "takes another number":
                answer = re.sub(rb"\[\d+\]", b"[77]", answer)
            if way == "answers twice":
                answer += answer
            if way == "breaks UTF-8":
                answer = b"\xff" + answer
        os.write(1, answer)
"""
WAYS = {
    "dies": "Error in eng-spa.t4x: line 4086: index > limit",
    "ends": "no output (status 0)",
    "loops": "more than 0.3 s of CPU time",
    "loses the line": "output without the line's number",
    "takes another number": "output without the line's number",
    "answers twice": "more than one answer",
    "breaks UTF-8": "output that is not UTF-8",
}


@dataclass(frozen=True)
class StandIn:
    """An engine that breaks in one way, and how often it has been started."""

    engine: Apertium
    file: Path

    @property
    def starts(self) -> int:
        return len(self.file.read_text()) if self.file.exists() else 0


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], StandIn]:
    """Makes the stand-in that breaks in the named way."""

    def make(way: str) -> StandIn:
        starts, program = tmp_path / "starts", tmp_path / "stand_in"
        text = STAND_IN.format(python=sys.executable, starts=str(starts))
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
        (tmp_path / "eng-spa.mode").write_text(f"'{program}' '{way}'\n", encoding="utf-8")
        monkeypatch.setattr(apertium, "_MODES", tmp_path)
        limits = Limits(cpu_seconds=0.3, idle_seconds=0.5, tick=0.05)
        try:
            return StandIn(Apertium("eng-spa", "apertium-eng-spa", limits), starts)
        except TranslationError as error:
            pytest.skip(str(error))

    return make


def test_sound_engine_is_started_once(stand_in):
    fake = stand_in("never")
    results = fake.engine.translate(["a [b] ^c$.", "CRASH", "", "d"])
    assert results == [Translation(text) for text in ("A [B] ^C$.", "CRASH", "", "D")]
    assert fake.starts == 1


def test_route_leads_to_the_engine_of_its_mode(stand_in):
    stand_in("never")
    route = {"kind": "apertium", "source": "en", "mode": "eng-spa", "package": "apertium-eng-spa"}
    engine = translator(route)
    assert isinstance(engine, Apertium)
    assert engine.mode == "eng-spa"
    assert engine.translate(["a"]) == [Translation("A")]


def test_route_whose_mode_is_missing_says_what_to_install(stand_in):
    stand_in("never")
    route = {"kind": "apertium", "source": "en", "mode": "en-eo", "package": "apertium-eo-en"}
    with pytest.raises(TranslationError, match="apt-get install apertium apertium-eo-en"):
        translator(route)


def test_empty_lines_need_no_engine(stand_in):
    fake = stand_in("never")
    assert fake.engine.translate(["", " ", "\n"]) == [Translation("")] * 3
    assert fake.starts == 0


@pytest.mark.parametrize("crashing", [(0,), (7,), (2, 3, 4)])
@pytest.mark.parametrize(("way", "reason"), WAYS.items())
def test_each_crash_costs_its_line_alone(stand_in, way, reason, crashing):
    fake = stand_in(way)
    results = fake.engine.translate(
        [f"line {i}" + (" CRASH" if i in crashing else "") for i in range(8)]
    )
    assert results == [
        Translation(None, error=reason, retries=1) if i in crashing else Translation(f"LINE {i}")
        for i in range(8)
    ]
    # All together first, then one by one: a line that ends the engine does it twice more.
    assert fake.starts <= 2 + 2 * len(crashing)


def test_engine_that_is_killed_from_outside_gives_the_same(stand_in):
    results = stand_in("is killed once").engine.translate(["a", "CRASH", "b"])
    assert results == [Translation("A"), Translation("CRASH", retries=1), Translation("B")]


def test_engine_that_is_killed_again_and_again_fails_thejob_of(stand_in):
    with pytest.raises(TranslationError, match="ended by another process 3 times at line 1"):
        stand_in("is killed").engine.translate(["a", "CRASH", "b"])


def test_engine_is_ended_where_signals_are_ignored(stand_in):
    """As under `nohup`; programs inherit it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        results = stand_in("dies").engine.translate(["CRASH", "b"])
    finally:
        signal.signal(signal.SIGHUP, before)
    assert [result.text for result in results] == [None, "B"]


def test_engine_that_does_nothing_fails_thejob_of(stand_in):
    with pytest.raises(TranslationError, match="nor used any CPU time"):
        stand_in("sleeps").engine.translate(["a", "CRASH", "b"])


def test_retries_are_logged(stand_in, caplog):
    stand_in("dies").engine.translate(["a", "CRASH", "b"])
    said = [record.getMessage() for record in caplog.records]
    assert "eng-spa: line 1: Error in eng-spa.t4x: line 4086: index > limit (try 2)" in said
    assert "eng-spa: 1 retries of lines after the engine had failed" in said


def test_word_without_end_costs_nothing(stand_in):
    fake = stand_in("never")
    results = fake.engine.translate(["x" * 2**20, "a " + "é" * 1000, "a " + "é" * 1001])
    failed = Translation(None, error="a word of more than 1000 characters")
    assert results == [failed, Translation("A " + "É" * 1000), failed]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_engine_in_a_loop_ends_with_itsjob_of(stand_in, tmp_path, end):
    """Programs that read nothing do not see that their input has ended."""
    stand_in("loops")
    job = job_of("eng-spa", Limits(60, 60), ["CRASH"], modes=tmp_path)
    (found,) = programs_of(job, 1)
    while found.cpu_times().user < 0.1:
        time.sleep(0.05)
    job.send_signal(end)
    job.wait()
    for _ in range(200):
        if not list(alive([found])):
            break
        time.sleep(0.05)
    else:
        found.kill()
        pytest.fail("the engine is still running")


def test_program_that_is_missing_is_named(tmp_path, monkeypatch):
    if not apertium._MODES.is_dir():
        pytest.skip("needs Apertium")
    (tmp_path / "eng-spa.mode").write_text("lt-proc 'a' | not-there 'b'\n", encoding="utf-8")
    monkeypatch.setattr(apertium, "_MODES", tmp_path)
    with pytest.raises(TranslationError, match="program not-there is missing"):
        Apertium("eng-spa", "apertium-eng-spa")


def test_programs_of_a_finished_translation_have_ended():
    before = set(psutil.Process().children(recursive=True))
    real("eng-spa").translate(list(ENGLISH))
    assert not list(alive([p for p in psutil.Process().children(True) if p not in before]))
