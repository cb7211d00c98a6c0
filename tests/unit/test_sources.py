"""Pinned files come whole, checked and once, or not at all; the error says what to do."""

import gzip
import hashlib
import multiprocessing
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from servers import Answer, LocalServer

from hybridbatch.data import download
from hybridbatch.data.download import Source, fetch, mirror_from_environment
from hybridbatch.runtime.errors import SourceError
from hybridbatch.runtime.files import read_json, write_json

CONTENT = b"a pinned file\n" * 500
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(LocalServer):
    """Gives `answers`, each a status and a body, in turn, and the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes]] = [(200, CONTENT)]
        self.cut = 0  # how many answers, from the first, stop half-way
        self.encoding = ""  # of the bodies, such as gzip
        self.requests: list[str] = []
        self.second_request = threading.Event()
        self.hold = 0.0  # seconds an answer waits for a second request
        super().__init__()

    def answer(self, path: str) -> Answer:
        self.requests.append(path)
        number = len(self.requests)
        if number > 1:
            self.second_request.set()
        elif self.hold:
            self.second_request.wait(self.hold)
        status, body = self.answers[min(number, len(self.answers)) - 1]
        kept = len(body) - len(body) // 2 if number <= self.cut else 0
        return Answer(status, body, self.encoding, kept)

    def source(self, sha256: str = SHA256) -> Source:
        return Source(self.url("/data/file.json"), sha256)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, without waiting."""
    waits: list[float] = []
    monkeypatch.setattr("hybridbatch.data.download.time.sleep", waits.append)
    return waits


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Source:
    """A source on a port where nothing listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return Source(f"http://127.0.0.1:{port}/data/file.json", SHA256)


def _mirror(tmp_path: Path, source: Source, content: bytes, suffix: str = "") -> Path:
    """The file in a mirror, which is `tmp_path / "mirror"`."""
    path = tmp_path / "mirror" / f"{source.path}{suffix}"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_path_is_host_and_path_without_query():
    source = Source("https://example.org/a/b.json?download=1", SHA256)
    assert source.path == "example.org/a/b.json"


@pytest.mark.parametrize(
    ("content", "suffix"), [(CONTENT, ""), (gzip.compress(CONTENT), ".gz")], ids=["plain", "gz"]
)
def test_mirror_serves_without_network(tmp_path, unreachable, content, suffix):
    _mirror(tmp_path, unreachable, content, suffix)
    destination = tmp_path / "downloads" / "file.json"
    fetch(unreachable, destination, str(tmp_path / "mirror"))
    assert destination.read_bytes() == CONTENT
    assert _left(destination.parent) == ["file.json"]


def test_mirror_that_lacks_the_file_is_passed_over(tmp_path, server):
    (tmp_path / "mirror").mkdir()
    fetch(server.source(), tmp_path / "file.json", str(tmp_path / "mirror"))
    assert (tmp_path / "file.json").read_bytes() == CONTENT
    assert server.requests == ["/data/file.json"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_wrong_checksum_in_mirror_leaves_nothing(tmp_path, unreachable, suffix):
    wrong = b"another file"
    path = _mirror(tmp_path, unreachable, gzip.compress(wrong) if suffix else wrong, suffix)
    destination = tmp_path / "downloads" / "file.json"
    with pytest.raises(SourceError) as caught:
        fetch(unreachable, destination, str(tmp_path / "mirror"))
    for part in (str(path), SHA256, hashlib.sha256(wrong).hexdigest(), "catalogue.sources"):
        assert part in str(caught.value)
    assert _left(destination.parent) == []


def test_wrong_checksum_from_network_leaves_nothing(tmp_path, server):
    source = server.source(sha256="0" * 64)
    destination = tmp_path / "downloads" / "file.json"
    with pytest.raises(SourceError) as caught:
        fetch(source, destination)
    for part in (source.url, "0" * 64, SHA256):
        assert part in str(caught.value)
    assert _left(destination.parent) == []


@pytest.mark.parametrize(
    "damaged",
    [
        gzip.compress(CONTENT)[:-20],
        gzip.compress(CONTENT)[:12] + b"\xff" * 30,
        b"not zipped at all",
    ],
    ids=["truncated", "corrupt", "not gzip"],
)
def test_damaged_gz_is_named_and_leaves_nothing(tmp_path, unreachable, damaged):
    path = _mirror(tmp_path, unreachable, damaged, ".gz")
    destination = tmp_path / "downloads" / "file.json"
    with pytest.raises(SourceError, match="replace it") as caught:
        fetch(unreachable, destination, str(tmp_path / "mirror"))
    assert str(path) in str(caught.value)
    assert _left(destination.parent) == []


def test_file_that_is_there_is_not_fetched_again(tmp_path, server):
    destination = tmp_path / "file.json"
    destination.write_bytes(CONTENT)
    fetch(server.source(), destination)
    assert server.requests == []


def test_wrong_file_that_is_there_is_replaced(tmp_path, server):
    destination = tmp_path / "file.json"
    destination.write_bytes(b"an older version")
    fetch(server.source(), destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize("with_mirror", [False, True])
def test_no_network_and_no_mirror_says_what_to_do(tmp_path, unreachable, waits, with_mirror):
    mirror = str(tmp_path / "mirror") if with_mirror else None
    destination = tmp_path / "downloads" / "file.json"
    with pytest.raises(SourceError) as caught:
        fetch(unreachable, destination, mirror)
    for part in (
        unreachable.url,
        f"{mirror or 'DIR'}/{unreachable.path}",
        f"HYBRIDBATCH_MIRROR={mirror or 'DIR'}",
        str(destination),
        "`make demo`",
    ):
        assert part in str(caught.value)
    assert _left(destination.parent) == []
    assert waits == [2, 4, 8]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failure_is_tried_again(tmp_path, server, waits, status):
    server.answers = [(status, b""), (status, b""), (200, CONTENT)]
    fetch(server.source(), tmp_path / "file.json")
    assert (tmp_path / "file.json").read_bytes() == CONTENT
    assert len(server.requests) == 3
    assert waits == [2, 4]


def test_answer_cut_short_is_tried_again(tmp_path, server, waits):
    server.cut = 1
    fetch(server.source(), tmp_path / "file.json")
    assert (tmp_path / "file.json").read_bytes() == CONTENT
    assert len(server.requests) == 2
    assert waits == [2]


def test_tries_come_to_an_end(tmp_path, server, waits):
    server.answers = [(503, b"")]
    with pytest.raises(SourceError, match="503"):
        fetch(server.source(), tmp_path / "file.json", tries=3)
    assert len(server.requests) == 3
    assert waits == [2, 4]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_lasting_failure_is_not_tried_again(tmp_path, server, waits, status):
    server.answers = [(status, b"")]
    destination = tmp_path / "downloads" / "file.json"
    with pytest.raises(SourceError, match=str(status)):
        fetch(server.source(), destination)
    assert len(server.requests) == 1
    assert waits == []
    assert _left(destination.parent) == []


def test_unknown_checksum_is_recorded_by_the_first_fetch(tmp_path, server):
    recorded = tmp_path / "lock" / "sources.lock.json"
    source = replace(server.source(), sha256=None)
    fetch(source, tmp_path / "file.json", recorded=recorded)
    assert read_json(recorded) == {source.url: SHA256}
    fetch(source, tmp_path / "file.json", recorded=recorded)
    assert len(server.requests) == 1
    assert _left(recorded.parent) == ["sources.lock.json"]


def test_later_fetches_are_held_to_the_recorded_checksum(tmp_path, server):
    recorded = tmp_path / "sources.lock.json"
    source = replace(server.source(), sha256=None)
    others = {"https://example.org/other": "1" * 64}
    write_json(recorded, {source.url: "0" * 64, **others})
    destination = tmp_path / "downloads" / "file.json"
    with pytest.raises(SourceError) as caught:
        fetch(source, destination, recorded=recorded)
    for part in (source.url, "0" * 64, SHA256, "sources.lock.json"):
        assert part in str(caught.value)
    assert _left(destination.parent) == []
    assert read_json(recorded) == {source.url: "0" * 64, **others}


def test_records_are_added_to(tmp_path, server):
    recorded = tmp_path / "sources.lock.json"
    source = replace(server.source(), sha256=None)
    write_json(recorded, {"https://example.org/other": "1" * 64})
    fetch(source, tmp_path / "file.json", recorded=recorded)
    assert read_json(recorded) == {"https://example.org/other": "1" * 64, source.url: SHA256}


def test_known_checksum_is_not_recorded(tmp_path, server):
    recorded = tmp_path / "sources.lock.json"
    fetch(server.source(), tmp_path / "file.json", recorded=recorded)
    assert not recorded.exists()


def _fetch_together(barrier: Barrier, source: Source, destination: Path) -> None:
    barrier.wait()
    fetch(source, destination)


def test_two_processes_fetch_a_file_once(tmp_path, server):
    server.hold = 1.0  # time for a second request, which must not come
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    destination = tmp_path / "file.json"
    processes = [
        context.Process(target=_fetch_together, args=(barrier, server.source(), destination))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert len(server.requests) == 1
    assert destination.read_bytes() == CONTENT
    assert _left(tmp_path) == ["file.json"]


def test_mirror_variable_must_name_a_folder(tmp_path, monkeypatch):
    missing = tmp_path / "nowhere"
    monkeypatch.setenv("HYBRIDBATCH_MIRROR", str(missing))
    with pytest.raises(SourceError, match="HYBRIDBATCH_MIRROR") as caught:
        mirror_from_environment()
    assert str(missing) in str(caught.value)


@pytest.mark.parametrize("value", [None, ""])
def test_no_mirror_variable_is_no_mirror(monkeypatch, value):
    monkeypatch.delenv("HYBRIDBATCH_MIRROR", raising=False)
    if value is not None:
        monkeypatch.setenv("HYBRIDBATCH_MIRROR", value)
    assert mirror_from_environment() is None


def test_mirror_variable_is_the_mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("HYBRIDBATCH_MIRROR", str(tmp_path))
    assert mirror_from_environment() == str(tmp_path)


@pytest.mark.parametrize("origin", ["plain", "gz", "network", "encoded"])
@pytest.mark.parametrize("spare", [0, -1])
def test_more_than_a_source_may_have_is_not_fetched(tmp_path, server, origin, spare):
    source = replace(server.source(), max_bytes=len(CONTENT) + spare)
    place = source.url
    if origin == "encoded":
        server.answers, server.encoding = [(200, gzip.compress(CONTENT))], "gzip"
    elif origin != "network":
        content = gzip.compress(CONTENT) if origin == "gz" else CONTENT
        place = str(_mirror(tmp_path, source, content, ".gz" if origin == "gz" else ""))
    destination = tmp_path / "downloads" / "file.json"
    if spare == 0:
        fetch(source, destination, str(tmp_path / "mirror"))
        assert destination.read_bytes() == CONTENT
        return
    with pytest.raises(SourceError) as caught:
        fetch(source, destination, str(tmp_path / "mirror"))
    for part in (place, f"more than {source.max_bytes:,} bytes", "max_bytes"):
        assert part in str(caught.value)
    assert _left(destination.parent) == []


def test_a_small_file_that_unpacks_to_a_large_one_stops_at_the_limit(
    tmp_path, unreachable, monkeypatch
):
    bomb = gzip.compress(bytes(1 << 20)) * 400  # half a megabyte becomes 400 MiB
    _mirror(tmp_path, unreachable, bomb, ".gz")
    source = replace(unreachable, max_bytes=8 << 20)
    sizes = []
    check = download._check_size
    monkeypatch.setattr(
        download, "_check_size", lambda *given: (sizes.append(given[1]), check(*given))
    )
    with pytest.raises(SourceError, match="more than 8,388,608 bytes"):
        fetch(source, tmp_path / "downloads/file.json", str(tmp_path / "mirror"))
    assert max(sizes) <= source.max_bytes + download._BLOCK
    assert _left(tmp_path / "downloads") == []


def test_what_a_killed_process_left_is_removed_and_nothing_else(tmp_path, server):
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in (
        ".file.json.89abcdef-1-0123abcd.tmp",
        ".file.json.89abcdef-77-89abcdef.tmp.xxh128",
    ):
        (folder / name).write_bytes(b"half a file")
    kept = [".other.json.89abcdef-1-0123abcd.tmp", ".file.json.bak", "file.json.tmp"]
    for name in kept:
        (folder / name).touch()
    fetch(server.source(), folder / "file.json")
    assert _left(folder) == sorted([*kept, "file.json"])
