"""Only what changed is hashed; missing inputs and downloads that were changed are found."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import yaml
from configurations import SMALL, built

from hybridbatch.experiment import inputs
from hybridbatch.runtime.hashes import Hashes, recorded_hashes
from hybridbatch.runtime.persistence import time_fetched


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_read_again_only_if_it_changed(here: Path, monkeypatch: pytest.MonkeyPatch):
    """An edit that keeps the size and sets the time back is no exception."""
    file = here / "a"
    file.write_bytes(b"one")
    assert Hashes().sha256("a") == [sha256(b"one")]
    with monkeypatch.context() as patch:
        patch.setattr("hybridbatch.runtime.hashes.sha256_of", lambda _: "read again")
        assert Hashes().sha256("a") == [sha256(b"one")]
    stat = file.stat()
    file.write_bytes(b"two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Hashes().sha256("a") == [sha256(b"two")]
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns - 1))
    assert Hashes().sha256("a") == [sha256(b"two")]
    file.write_bytes(b"three")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Hashes().sha256("a") == [sha256(b"three")]


def test_several_files_have_one_hash_of_contents_in_order(here: Path):
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"1")):
        (here / name).write_bytes(content)
    hashes = Hashes()
    assert hashes.of_all(["a", "b"]) == hashes.of_all(["c", "b"]) != hashes.of_all(["b", "a"])


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", '{"a": "text"}', '{"a": {"size": 3}}', '{"a": {"sha256": 1}}']
)
def test_a_damaged_record_is_made_again(here: Path, content: str):
    (here / "a").write_bytes(b"one")
    (here / "hashes.json").write_text(content)
    assert Hashes("hashes.json").sha256("a") == [sha256(b"one")]
    assert json.loads((here / "hashes.json").read_text())["a"]["sha256"] == sha256(b"one")


def test_the_same_file_fetched_again_gets_its_time_back(here: Path):
    file = here / "a"
    file.write_bytes(b"one")
    os.utime(file, ns=(0, 10**18))
    Hashes().fetched("a", sha256(b"one"))
    file.unlink()
    file.write_bytes(b"one")
    Hashes().fetched("a", sha256(b"one"))
    assert file.stat().st_mtime_ns == 10**18
    file.write_bytes(b"two")
    Hashes().fetched("a", sha256(b"two"))
    assert file.stat().st_mtime_ns > 10**18
    assert Hashes().sha256("a") == [sha256(b"two")]


@pytest.fixture
def config(here: Path) -> dict:
    """A configuration whose files are all there, but for its downloads."""
    for name in ("notes.jsonl", "sayings/en.json", "sayings/pt.json"):
        (here / name).parent.mkdir(exist_ok=True)
        (here / name).write_text("{}")
    return yaml.safe_load(SMALL)


def problems(config: dict) -> list[str]:
    return inputs.check(built(config), Hashes(), "lock.json")


def test_files_of_selected_entries_have_to_be_there(config: dict, here: Path):
    assert problems(config) == []  # `own` and its files are not selected
    (here / "notes.jsonl").unlink()
    (here / "sayings/pt.json").unlink()
    missing = ": there is no folder or file"
    assert problems(config) == [
        f"catalogue.corpora.notes.path{missing} notes.jsonl.",
        f"catalogue.references.sayings.path{missing} sayings/pt.json.",
    ]
    config["encoders"] = ["large"]
    config["translator"] = "fast"
    more = problems(config)[2:]
    assert more == [
        f"catalogue.{key}.model{missing} {model}. For a model of the hub give its `revision`, a "
        "full commit."
        for key, model in (("encoders.large", "some/encoder"), ("translators.fast", "models/own"))
    ]


def test_downloads_have_to_be_the_pinned_ones(config: dict, here: Path):
    folder = here / "downloads/example.org/commit/data"
    folder.mkdir(parents=True)
    file = folder / "films.json"
    file.write_bytes(b"films")
    config["catalogue"]["sources"]["archive"]["files"]["films.json"] = sha256(b"films")
    assert problems(config) == []
    file.write_bytes(b"other")
    (problem,) = problems(config)
    name = "downloads/example.org/commit/data/films.json"
    assert problem.startswith(f"{name}: sha256 is {sha256(b'other')}, and {sha256(b'films')} is")
    file.unlink()
    assert problems(config) == []  # it is fetched

    # One whose pin is null is held to the lock file.
    more = folder / "more.json"
    more.write_bytes(b"more")
    assert problems(config) == []
    url = "https://example.org/commit/data/more.json"
    (here / "lock.json").write_text(json.dumps({url: sha256(b"before")}))
    (problem,) = problems(config)
    assert f"{sha256(b'before')} is pinned" in problem


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is not JSON"),
        (b"<<<<<<< HEAD\n{}\n", "is not JSON"),
        (b"\xff{}", "is not JSON"),
        (b"[]", "is no mapping of URLs to hashes"),
        (b'{"https://a.b/c": "abc"}', "https://a.b/c: 'abc' is no sha256"),
        (b'{"https://a.b/c": null}', "https://a.b/c: None is no sha256"),
    ],
)
def test_a_lock_file_that_was_damaged_is_named_while_planning(
    config: dict, here: Path, content: bytes, words: str
):
    (here / "lock.json").write_bytes(content)
    (problem,) = problems(config)
    assert problem.startswith("lock.json: ")
    assert words in problem
    assert "Mend it, or delete it" in problem


def test_a_lock_file_may_have_a_byte_order_mark(here: Path):
    (here / "lock.json").write_text(json.dumps({"https://a.b/c": "0" * 64}), "utf-8-sig")
    assert recorded_hashes("lock.json") == {"https://a.b/c": "0" * 64}


def test_a_mirror_has_to_be_there(config: dict):
    config["mirror"] = "no/mirror"
    assert problems(config) == ["mirror: there is no folder or file no/mirror."]


DATA_SET = {
    "kind": "datasets",
    "path": "org/name",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "split": "train",
    "columns": {"question": "q", "passage": "p"},
    "language": "en",
    "holdout": 0.0,
    "shards": 1,
}


def test_shards_of_a_data_set_have_to_be_those_that_were_streamed(config: dict, here: Path):
    config["catalogue"]["corpora"]["set"] = DATA_SET
    config["corpora"] = ["set"]
    manifest = "downloads/datasets/set/manifest.json"
    assert problems(config) == []
    assert inputs.shards(manifest) == {}
    (here / manifest).parent.mkdir(parents=True)
    shard = (here / manifest).parent / "00000.parquet"
    shard.write_bytes(b"rows")
    entry = {"file": shard.name, "rows": 1, "sha256": sha256(b"rows")}
    (here / manifest).write_text(json.dumps({"shards": [entry]}))
    assert problems(config) == []
    before = time_fetched(manifest, inputs.shards(manifest))
    shard.write_bytes(b"others")
    (problem,) = problems(config)
    assert problem.startswith("downloads/datasets/set/00000.parquet: was changed after it was")
    shard.unlink()  # as the message says
    assert problems(config) == []
    assert time_fetched(manifest, inputs.shards(manifest)) != before
