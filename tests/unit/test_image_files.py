"""Thousands of images: fetched once and whole, held to their hashes, gone on with, and packed."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from dots import dot
from servers import Answer, LocalServer

from hybridbatch.data import image_files
from hybridbatch.data.captions import read_images
from hybridbatch.data.image_files import fetch_images, images_below, pack_archive, pack_images
from hybridbatch.runtime.errors import DataError, SourceError


class Server(LocalServer):
    """Gives `files` by their paths, else status 404."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: Counter = Counter()
        self.now = self.most = 0  # requests that are answered at the same time
        self.together = threading.Barrier(1)
        self._lock = threading.Lock()
        super().__init__()

    def answer(self, path: str) -> Answer:
        with self._lock:
            self.requests[path] += 1
            self.now += 1
            self.most = max(self.most, self.now)
        body = self.files.get(path)
        if body is not None and self.together.parties > 1:
            self.together.wait(10)
        with self._lock:
            self.now -= 1
        return Answer(404, b"") if body is None else Answer(200, body)

    def urls(self, number: int) -> list[str]:
        """The URLs of so many images, which the server then has."""
        paths = [f"/train/{i:04d}.png" for i in range(number)]
        self.files = {path: numbered(i) for i, path in enumerate(paths)}
        return [self.url(path) for path in paths]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    found = Server()
    yield found
    found.close()


def numbered(number: int) -> bytes:
    return dot((number % 256, 9, 200))


def recorded(path: Path) -> dict[str, str]:
    return json.loads((path / "lock.json").read_text())


def test_images_come_whole_and_their_hashes_are_recorded(tmp_path, server):
    urls = server.urls(250)
    found = fetch_images(urls, tmp_path / "downloads", tmp_path / "lock.json")
    assert (found.fetched, found.there) == (250, 0)
    assert list(found.paths) == urls
    for number, path in enumerate(found.paths.values()):
        assert path == tmp_path / f"downloads/{server.host}/train/{number:04d}.png"
        assert path.read_bytes() == numbered(number)
    hashes = {url: hashlib.sha256(numbered(i)).hexdigest() for i, url in enumerate(urls)}
    assert recorded(tmp_path) == hashes
    files = [p for p in (tmp_path / "downloads").rglob("*") if p.is_file()]
    assert len(files) == 250  # no lock, no temporary file


def test_a_second_run_fetches_nothing(tmp_path, server):
    urls = server.urls(20)
    fetch_images(urls, tmp_path, tmp_path / "lock.json")
    server.files.clear()
    found = fetch_images([*urls, urls[0]], tmp_path, tmp_path / "lock.json")
    assert (found.fetched, found.there) == (0, 20)


def test_a_run_that_was_stopped_is_gone_on_with(tmp_path, server, monkeypatch):
    urls = server.urls(60)
    real, done = image_files.fetch, []

    def stopped(source, *args, **values):
        if len(done) == 25:
            raise KeyboardInterrupt
        done.append(source.url)
        real(source, *args, **values)

    monkeypatch.setattr(image_files, "fetch", stopped)
    with pytest.raises(KeyboardInterrupt):
        fetch_images(urls, tmp_path, tmp_path / "lock.json", at_once=1)
    assert len(recorded(tmp_path)) == 25
    monkeypatch.setattr(image_files, "fetch", real)
    # What a process that was killed outright leaves: an image without a record, and half a file.
    lock = recorded(tmp_path)
    lock.pop(urls[3])
    (tmp_path / "lock.json").write_text(json.dumps(lock))
    half = tmp_path / server.host / "train/.0040.png.0123abcd-1-89abcdef.tmp"
    half.write_bytes(b"half")
    found = fetch_images(urls, tmp_path, tmp_path / "lock.json")
    assert (found.fetched, found.there) == (35, 25)
    assert len(recorded(tmp_path)) == 60
    assert max(server.requests.values()) == 1
    assert not half.exists()


def test_a_file_that_is_not_the_recorded_one_is_fetched_again(tmp_path, server):
    urls = server.urls(3)
    paths = fetch_images(urls, tmp_path, tmp_path / "lock.json").paths
    paths[urls[1]].write_bytes(numbered(99))
    assert fetch_images(urls, tmp_path, tmp_path / "lock.json").fetched == 1
    assert paths[urls[1]].read_bytes() == numbered(1)


def test_an_image_that_has_changed_at_its_url_is_refused(tmp_path, server):
    urls = server.urls(3)
    fetch_images(urls, tmp_path / "one", tmp_path / "lock.json")
    server.files["/train/0001.png"] = numbered(99)
    with pytest.raises(SourceError) as caught:
        fetch_images(urls, tmp_path / "two", tmp_path / "lock.json")
    message = str(caught.value)
    assert message.startswith(f"1 of 3 images could not be had: {urls[1]}.")
    assert "sha256 is" in message
    assert not (tmp_path / "two" / server.host / "train/0001.png").exists()
    assert (tmp_path / "two" / server.host / "train/0002.png").exists()
    assert recorded(tmp_path)[urls[1]] == hashlib.sha256(numbered(1)).hexdigest()


def test_images_that_are_not_there_are_counted_and_the_others_kept(tmp_path, server):
    urls = server.urls(12)
    del server.files["/train/0004.png"], server.files["/train/0007.png"]
    with pytest.raises(SourceError) as caught:
        fetch_images(urls, tmp_path, tmp_path / "lock.json")
    message = str(caught.value)
    assert message.startswith(f"2 of 12 images could not be had: {urls[4]}, {urls[7]}.")
    assert "HTTP status 404" in message
    assert "run again" in message
    assert len(recorded(tmp_path)) == 10


def test_after_ten_failures_no_more_are_tried(tmp_path, server):
    urls = server.urls(100)
    server.files.clear()
    with pytest.raises(SourceError, match=r"No further ones were tried"):
        fetch_images(urls, tmp_path, tmp_path / "lock.json", at_once=4)
    assert 10 <= len(server.requests) <= 14


def test_a_page_that_is_no_image_is_not_kept_or_recorded(tmp_path, server):
    urls = server.urls(2)
    server.files["/train/0000.png"] = b"<html>please log in</html>"
    with pytest.raises(SourceError, match=r"1 of 2 .*0000\.png: is no image that can be read"):
        fetch_images(urls, tmp_path, tmp_path / "lock.json")
    assert set(recorded(tmp_path)) == {urls[1]}
    assert not (tmp_path / server.host / "train/0000.png").exists()


def test_an_image_with_more_bytes_than_allowed_is_refused(tmp_path, server):
    urls = server.urls(2)
    with pytest.raises(SourceError, match=r"2 of 2 .*has more than 50 bytes"):
        fetch_images(urls, tmp_path, tmp_path / "lock.json", max_bytes=50)
    assert not (tmp_path / "lock.json").exists()


def test_a_local_folder_is_asked_before_the_network(tmp_path, server):
    urls = server.urls(4)
    folder = tmp_path / "mirror" / server.host / "train"
    folder.mkdir(parents=True)
    (folder / "0000.png").write_bytes(numbered(0))
    (folder / "0001.png.gz").write_bytes(gzip.compress(numbered(1)))
    found = fetch_images(urls, tmp_path, tmp_path / "lock.json", mirror=str(tmp_path / "mirror"))
    assert [path.read_bytes() for path in found.paths.values()] == [numbered(i) for i in range(4)]
    assert set(server.requests) == {"/train/0002.png", "/train/0003.png"}
    assert len(recorded(tmp_path)) == 4


def test_downloads_run_beside_each_other_and_no_more_than_asked(tmp_path, server):
    urls = server.urls(12)
    server.together = threading.Barrier(3)  # each answer waits for two more requests
    fetch_images(urls, tmp_path, tmp_path / "lock.json", at_once=3)
    assert server.most == 3


def test_a_hash_that_another_run_recorded_meanwhile_holds(tmp_path, server, monkeypatch):
    urls = server.urls(1)
    real = image_files.fetch

    def meanwhile(*args, **values):
        real(*args, **values)
        (tmp_path / "lock.json").write_text(json.dumps({urls[0]: "0" * 64}))

    monkeypatch.setattr(image_files, "fetch", meanwhile)
    with pytest.raises(SourceError, match=r"was recorded in .* meanwhile"):
        fetch_images(urls, tmp_path, tmp_path / "lock.json")
    assert recorded(tmp_path) == {urls[0]: "0" * 64}


def files_in(folder: Path, number: int) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    for i in range(number):
        (folder / f"i{i}.png").write_bytes(numbered(i))
    return images_below(folder)


def test_images_are_packed_as_they_are(tmp_path):
    files = files_in(tmp_path / "images", 5)
    (tmp_path / "images/.hidden").touch()
    assert pack_images(files, tmp_path / "i.parquet") == 5
    assert list(read_images(tmp_path / "i.parquet")) == [(f"i{i}", numbered(i)) for i in range(5)]
    before = (tmp_path / "i.parquet").read_bytes()
    pack_images(files, tmp_path / "i.parquet")
    assert (tmp_path / "i.parquet").read_bytes() == before


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "there is no such image"), (b"", "is empty"), (numbered(0)[:-30], "cut off or broken")],
)
def test_an_image_that_cannot_be_packed_is_named_and_no_table_is_left(tmp_path, data, words):
    files = files_in(tmp_path / "images", 3)
    files["i1"].unlink()
    if data is not None:
        files["i1"].write_bytes(data)
    with pytest.raises(DataError, match=rf"images/i1\.png: .*{words}"):
        pack_images(files, tmp_path / "i.parquet")
    assert not (tmp_path / "i.parquet").exists()


def test_a_folder_of_images_is_checked(tmp_path):
    with pytest.raises(DataError, match=r"none: there is no such folder"):
        images_below(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: has no file"):
        images_below(tmp_path / "empty")
    for name in ("a.png", "a.jpg"):
        (tmp_path / name).write_bytes(numbered(0))
    with pytest.raises(DataError, match=r"a\.jpg and a\.png are of one id, a"):
        images_below(tmp_path)


def archive(path: Path, files: list[tuple[str, bytes]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2"])
def test_an_archive_is_packed_without_unpacking(tmp_path, mode):
    files = [("images/b.png", numbered(1)), ("images/a.png", numbered(0)), ("README", b"text")]
    path = archive(tmp_path / "images.tgz", files, mode)
    assert pack_archive(path, ["a", "b"], tmp_path / "i.parquet") == 2
    assert list(read_images(tmp_path / "i.parquet")) == [("b", numbered(1)), ("a", numbered(0))]
    assert pack_archive(path, ["a"], tmp_path / "i.parquet") == 1


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([("a.png", numbered(0))], "lacks 2 of 3 images: b, c"),
        (
            [("a.png", numbered(0)), ("x/a.png", numbered(0))],
            "x/a.png: a second image of this name",
        ),
        ([("a.png", b"<html>")], "a.png: is no image"),
    ],
)
def test_a_wrong_archive_is_named(tmp_path, files, words):
    path = archive(tmp_path / "images.tgz", files)
    with pytest.raises(DataError) as caught:
        pack_archive(path, ["a", "b", "c"], tmp_path / "i.parquet")
    assert str(caught.value).startswith(f"{path}: {words}")
    assert not (tmp_path / "i.parquet").exists()


def test_an_archive_that_is_cut_off_or_too_large_is_refused(tmp_path, monkeypatch):
    path = archive(tmp_path / "images.tgz", [("a.png", numbered(0))])
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"images\.tgz: is no archive"):
        pack_archive(path, ["a"], tmp_path / "i.parquet")
    path.write_bytes(b"no archive")
    with pytest.raises(DataError, match=r"images\.tgz: is no archive"):
        pack_archive(path, ["a"], tmp_path / "i.parquet")
    monkeypatch.setattr(image_files, "MAX_IMAGE_BYTES", 10)
    archive(path, [("a.png", numbered(0))])
    with pytest.raises(DataError, match=r"a\.png: has \d+ bytes; at most 10 are read"):
        pack_archive(path, ["a"], tmp_path / "i.parquet")
