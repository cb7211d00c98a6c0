"""One writer at a time; what it left is resumed, or set aside where it is damaged."""

import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from hybridbatch.runtime import checkpoints
from hybridbatch.runtime.checkpoints import Owner, key_of, release, remove_published, working
from hybridbatch.runtime.errors import HybridBatchError
from hybridbatch.runtime.files import checked, write_text

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
sys.path.insert(0, {scripts!r})
from hybridbatch.runtime.checkpoints import working
with working(Path("work"), "key", Path("output")) as work:
    print("held", flush=True)
    sys.stdin.readline()
    with work.publish() as temporary:
        temporary.write_text("theirs")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> Path:
    """Where `work` and `output` are; waiting takes no time to speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(checkpoints, "_POLL", 0.02)
    monkeypatch.setattr(checkpoints, "_SAY_EVERY", 0.1)
    caplog.set_level(logging.INFO, logger="hybridbatch")
    return tmp_path


@pytest.fixture
def holder() -> Iterator[subprocess.Popen]:
    """Another process that holds `work` until it reads a line, and then publishes `theirs`."""
    code = HOLD.format(scripts=str(ROOT / "workflow/scripts"))
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as held:
        assert held.stdout.readline() == "held\n"
        yield held
        held.kill()


def make(text: str, key: str = "key") -> bool:
    """Publish `text` as `output`; whether that had to be done."""
    with working(Path("work"), key, Path("output")) as work:
        if work.is_published():
            return False
        with work.publish() as temporary:
            temporary.write_text(text)
    return True


def foreign(**values) -> Owner:
    """An owner record as of a machine that cannot be seen from here."""
    owner = replace(Owner.this_process("key", "output"), host="elsewhere", **values)
    Path("work").mkdir(exist_ok=True)
    Path("work/owner.json").write_text(json.dumps(asdict(owner)))
    return owner


def in_a_thread(*arguments: str) -> threading.Thread:
    thread = threading.Thread(target=make, args=arguments)
    thread.start()
    return thread


def until_said(caplog, words: str) -> str:
    end = time.monotonic() + 30
    while words not in caplog.text:
        assert time.monotonic() < end
        time.sleep(0.01)
    return caplog.text


@pytest.mark.parametrize(("key", "content"), [("key", "theirs"), ("other", "mine")])
def test_second_writer_says_who_works_waits_and_takes_only_its_own_output(
    holder, caplog, key, content
):
    thread = in_a_thread("mine", key)
    until_said(caplog, f"output: waiting for process {holder.pid} on")
    time.sleep(0.3)
    assert thread.is_alive()
    assert caplog.text.count("waiting for process") >= 2
    assert not Path("output").exists()
    holder.communicate("go\n")
    thread.join(30)
    assert Path("output").read_text() == content
    assert checked(Path("output"))
    assert not Path("work/owner.json").exists()


def test_killed_owner_on_this_machine_is_dead(holder, caplog):
    holder.kill()
    assert make("mine")
    assert f"process {holder.pid} on" in caplog.text
    assert "has died; going on" in caplog.text


def test_a_process_that_got_a_dead_owners_number_is_not_the_owner():
    owner = Owner.this_process("key", "output")
    assert not owner.is_gone()
    assert replace(owner, process_started=owner.process_started - 60).is_gone()


def test_owner_on_another_machine_is_dead_only_when_the_printed_command_says_so(caplog):
    foreign()
    thread = in_a_thread("mine")
    said = until_said(caplog, "python workflow/unlock.py")
    time.sleep(0.3)
    assert thread.is_alive()
    script = re.search(r"python (workflow/unlock\.py) (\S+)", said)
    command = [sys.executable, str(ROOT / script[1]), script[2]]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "on elsewhere" in run.stdout
    thread.join(30)
    assert Path("output").read_text() == "mine"


def test_owner_record_that_cannot_be_read_may_be_of_a_living_process(caplog):
    Path("work").mkdir()
    Path("work/owner.json").write_text("{")
    thread = in_a_thread("mine")
    until_said(caplog, "an unknown machine")
    release(Path("work"))
    thread.join(30)
    assert Path("output").read_text() == "mine"


def test_an_owner_that_lives_here_is_not_released(holder):
    with pytest.raises(HybridBatchError, match=rf"lives; end it first: kill {holder.pid}"):
        release(Path("work"))
    assert "nothing to do" in release(Path("none"))


def test_owner_that_was_declared_dead_by_mistake_publishes_nothing():
    with working(Path("work"), "key", Path("output")) as work:
        foreign(token="another")
        with pytest.raises(HybridBatchError, match="has taken over"), work.publish() as temporary:
            temporary.write_text("mine")
        with pytest.raises(HybridBatchError, match="has taken over"), work.checkpoint(1):
            pass
    assert not Path("output").exists()
    assert Path("work/owner.json").exists(), "the other's record is removed"


def test_error_in_the_work_is_raised_and_leaves_no_owner():
    for error in (FileNotFoundError, TimeoutError, ValueError):
        with pytest.raises(error), working(Path("work"), "key", Path("output")):
            raise error
        assert not Path("work/owner.json").exists()


def test_sigterm_ends_the_work_and_leaves_no_owner(holder):
    holder.send_signal(signal.SIGTERM)
    assert holder.wait(30) == 143
    assert not Path("work/owner.json").exists()


def test_two_checkpoints_are_kept_and_the_last_one_that_is_whole_is_resumed(caplog):
    with working(Path("work"), "key", Path("output")) as work:
        assert work.latest() is None
        for step in (9, 10, 100):
            with work.checkpoint(step) as folder:
                (folder / "state").write_text(str(step))
        names = sorted(path.name for path in work.state.iterdir())
        assert names == ["step-000000010", "step-000000100"]
        assert work.latest().name == "step-000000100"
        (work.latest() / "state").write_text("101")
        assert (work.latest() / "state").read_text() == "10"
        assert "step-000000100: is damaged; set aside as" in caplog.text
        assert len(list(work.state.glob("step-000000100.*.damaged"))) == 1
        with work.checkpoint(11) as folder:
            (folder / "state").write_text("11")
        assert (work.latest() / "state").read_text() == "11"


def test_states_of_other_keys_go_when_the_lock_is_held(holder):
    assert Path("work/key").is_dir()
    thread = in_a_thread("mine", "other")
    time.sleep(0.2)
    assert Path("work/key").is_dir()
    holder.communicate("go\n")
    thread.join(30)
    assert not Path("work/key").exists()
    assert Path("work/other").is_dir()


def test_output_that_was_deleted_is_published_again_newer_and_in_no_room():
    make("mine")
    before = os.stat("output")
    assert before.st_nlink == 2
    os.utime("work/key/published/output", (1, 1))
    Path("output").unlink()
    assert not make("never made")
    assert Path("output").read_text() == "mine"
    assert os.stat("output").st_mtime > 1
    assert checked("output")


def test_output_of_files_that_changed_is_not_published_again():
    def make_of(of: list[int], text: str) -> None:
        with working(Path("work"), "key", Path("output")) as work:
            if not work.is_published(of):
                with work.publish(of) as temporary:
                    temporary.write_text(text)

    make_of([1, 2], "first")
    make_of([1, 2], "never made")
    assert Path("output").read_text() == "first"
    make_of([1, 3], "second")
    assert Path("output").read_text() == "second"
    make_of([1, 3], "never made")
    assert Path("output").read_text() == "second"


def test_published_copy_that_rots_is_set_aside(caplog):
    make("mine")
    Path("output").write_text("mime")
    assert make("mine")
    assert Path("output").read_text() == "mine"
    assert "published/output: is damaged; set aside" in caplog.text


def test_copy_goes_when_snakemake_has_taken_the_output_over():
    make("mine")
    mark = Path(".snakemake/incomplete/b3V0cHV0")  # `output` in base 64
    mark.parent.mkdir(parents=True)
    mark.touch()
    remove_published(Path("work").parent)
    assert Path("work/key/published/output").exists()
    mark.unlink()
    Path("output").rename("moved")
    remove_published(Path("work"))
    assert Path("work/key/published/output").exists()
    Path("moved").rename("output")
    remove_published(Path("work").parent)
    assert not Path("work").exists()
    assert Path("output").read_text() == "mine"


def test_copy_stays_while_its_folder_is_in_use(holder):
    write_text("work/key/published/output", "mine")
    write_text("output", "mine")
    Path("work/key/published.json").write_text('{"output": "output"}')
    remove_published(Path())
    assert Path("work/key/published/output").exists()


def test_key_changes_with_all_that_decides_an_output_and_not_with_its_place(folder):
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "weights").write_text("w")
    Path("b", ".snakemake_timestamp").touch()
    key = key_of([1, {"x": 2, "y": 3}], ["ab", "c"], [Path("a")])
    assert key == key_of([1, {"y": 3, "x": 2}], iter(["ab", "c"]), [Path("b")])
    Path("b/weights").write_text("v")
    others = [
        key_of([1, {"x": 2, "y": 4}], ["ab", "c"], [Path("a")]),
        key_of([1, {"x": 2, "y": 3}], ["a", "bc"], [Path("a")]),
        key_of([1, {"x": 2, "y": 3}], ["ab", "c"], [Path("b")]),
    ]
    assert len({key, *others}) == 4
