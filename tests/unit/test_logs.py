"""What a job says reaches its log file and the terminal, its end included."""

import contextlib
import logging
import threading
from pathlib import Path

import numpy as np
import pytest

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress, duration, log, logged, read_usage, waiting


def _run(path: Path | None, error: BaseException | None = None) -> None:
    with logged(path):
        log.info("at work")
        if error:
            raise error


def test_lines_reach_file_and_terminal(tmp_path, capsys):
    path = tmp_path / "new" / "job.log"
    _run(path)
    assert "INFO at work" in path.read_text(encoding="utf-8")
    assert "INFO at work" in capsys.readouterr().err


def test_no_file_is_terminal_only(capsys):
    _run(None)
    assert "INFO at work" in capsys.readouterr().err


def test_error_of_the_user_is_a_message_and_status_1(tmp_path, capsys):
    path = tmp_path / "job.log"
    with pytest.raises(SystemExit) as caught:
        _run(path, DataError("pairs.jsonl: line 3: is not JSON."))
    assert caught.value.code == 1
    for text in (path.read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "ERROR pairs.jsonl: line 3: is not JSON." in text
        assert "Traceback" not in text


def test_other_error_is_logged_with_its_traceback_and_raised(tmp_path, capsys):
    path = tmp_path / "job.log"
    with pytest.raises(ZeroDivisionError):
        _run(path, ZeroDivisionError("by nothing"))
    for text in (path.read_text(encoding="utf-8"), capsys.readouterr().err):
        assert "Traceback" in text
        assert "ZeroDivisionError: by nothing" in text
        assert "test_logs.py" in text


@pytest.mark.parametrize("error", [None, DataError("wrong"), ValueError("wrong")])
def test_handlers_go_when_the_job_ends(tmp_path, error):
    before = list(log.handlers)
    with contextlib.suppress(SystemExit, ValueError):
        _run(tmp_path / "job.log", error)
    assert log.handlers == before
    log.warning("after the end")
    assert "after the end" not in (tmp_path / "job.log").read_text(encoding="utf-8")


def test_log_of_an_earlier_run_is_replaced(tmp_path):
    path = tmp_path / "job.log"
    path.write_text("an earlier run\n", encoding="utf-8")
    _run(path)
    assert "an earlier run" not in path.read_text(encoding="utf-8")


def test_file_ends_with_what_the_job_used_and_the_terminal_does_not(tmp_path, capsys):
    path = tmp_path / "job.log"
    _run(path)
    assert read_usage(path)["cpu_seconds"] > 0
    assert "used" not in capsys.readouterr().err


@pytest.mark.parametrize("error", [DataError("wrong"), ValueError("wrong")])
def test_failed_job_has_used_nothing_that_counts(tmp_path, error):
    with contextlib.suppress(SystemExit, ValueError):
        _run(tmp_path / "job.log", error)
    assert read_usage(tmp_path / "job.log") is None


def test_a_log_that_was_cut_off_has_no_usage(tmp_path):
    path = tmp_path / "job.log"
    _run(path)
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    assert read_usage(path) is None


def test_no_log_and_a_log_of_another_kind_have_no_usage(tmp_path):
    assert read_usage(tmp_path / "none.log") is None
    for text in ("", "\n", "INFO at work\n", '2026 INFO used {"a": 1}\nmore\n'):
        (tmp_path / "job.log").write_text(text, encoding="utf-8")
        assert read_usage(tmp_path / "job.log") is None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, to be set by the test."""
    now = [0.0]
    monkeypatch.setattr("hybridbatch.runtime.logs.time.monotonic", lambda: now[0])
    return now


def test_progress_says_share_rate_and_time_left_now_and_then(clock, caplog):
    caplog.set_level(logging.INFO, logger="hybridbatch")
    progress = Progress(100, "lines", every=10)
    for clock[0] in (1.0, 9.0, 10.0, 15.0):
        progress.add(10)
    assert caplog.messages == ["30 of 100 lines, 3 a second, 23 s left"]
    clock[0] = 16.0
    progress.add(60, "done")
    assert caplog.messages[1:] == ["100 of 100 lines, 6.2 a second, 0 s left, done"]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What the package logs."""
    caplog.set_level(logging.INFO, logger="hybridbatch")
    return caplog


def test_progress_speaks_every_ten_seconds_however_slow_a_unit_is(clock, said):
    progress = Progress(400, "steps", done=100)
    for clock[0] in range(4, 44, 4):
        progress.add(1, "loss 0.5")
    assert said.messages == [
        "103 of 400 steps, 0.25 a second, 20 min left, loss 0.5",
        "106 of 400 steps, 0.25 a second, 20 min left, loss 0.5",
        "109 of 400 steps, 0.25 a second, 19 min left, loss 0.5",
    ]


def test_progress_without_a_total_says_what_it_knows(clock, said):
    progress = Progress(None, "pairs")
    for clock[0] in (1.0, 10.0, 11.0):
        progress.add(50_000)
    assert said.messages == ["100,000 pairs, 10,000 a second"]


def test_job_records_what_its_loops_did_since_they_began(clock, tmp_path):
    with logged(tmp_path / "job.log"):
        progress = Progress(400, "steps", done=100)
        for clock[0] in range(4, 44, 4):
            progress.add(np.int64(2))
    used = read_usage(tmp_path / "job.log")
    assert used["loops"]["steps"] == {"done": 20, "seconds": 40}
    assert used["gpu_peak_mib"] is None


def test_short_loop_without_a_last_line_says_nothing(clock, said):
    progress = Progress(2, "batches", last=False)
    progress.add()
    progress.add()
    assert said.messages == []


def test_progress_that_has_not_begun_has_no_time_left(clock, said):
    progress = Progress(3, "shards")
    clock[0] = 10.0
    progress.add(0, "7 passages")
    assert said.messages == ["0 of 3 shards, 0 a second, 7 passages"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (119, "119 s"), (150, "2 min"), (7_100, "118 min"), (12_000, "3 h 20 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


class Waits(threading.Event):
    """An event whose waits end at once, the clock having gone on, `number` times."""

    def __init__(self, clock: list[float], number: int) -> None:
        super().__init__()
        self.clock, self.left = clock, number
        self.over = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        if self.left == 0:
            self.over.set()
            return super().wait()
        self.left -= 1
        self.clock[0] += timeout
        return False


def test_long_call_is_said_to_go_on(clock, said, monkeypatch):
    waits = Waits(clock, 3)
    monkeypatch.setattr("hybridbatch.runtime.logs.Event", lambda: waits)
    with waiting("converting a model"):
        waits.over.wait()
    assert said.messages == [f"converting a model, for {n} s so far" for n in (10, 20, 30)]


def test_error_in_a_long_call_passes_and_ends_the_lines():
    before = threading.active_count()
    with pytest.raises(DataError), waiting("a call"):
        raise DataError("wrong")
    assert threading.active_count() == before
