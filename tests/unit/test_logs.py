"""What a job says reaches its log file and the terminal, its end included."""

import contextlib
import logging
from pathlib import Path

import pytest

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress, log, logged, read_usage


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
    assert caplog.messages[1:] == ["100 of 100 lines, 6 a second, 0 s left, done"]
