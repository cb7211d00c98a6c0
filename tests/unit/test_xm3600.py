"""Crossmodal-3600: its published form, zipped or not, and what is refused in it."""

import json
import zipfile
from pathlib import Path

import pytest

from hybridbatch.benchmarks.xm3600 import image_ids, read, read_captions
from hybridbatch.data import archives
from hybridbatch.data.captions import write_images
from hybridbatch.runtime.errors import DataError


def _of(*captions: str) -> dict:
    return {
        "caption": list(captions),
        "caption/tokenized": [c.replace(".", " .") for c in captions],
        "caption/tokenized/lowercase": [c.lower().replace(".", " .") for c in captions],
    }


LINES = [
    {"image/key": "0a1b", "image/locale": "quz", "en": _of("An  owl."), "fil": _of("Kuwago.")},
    {"image/key": "2c3d", "image/locale": "en", "en": _of("A cat.", "Cat"), "fil": _of("Pusa.")},
]


def files(folder: Path, lines=LINES, images=("2c3d", "0a1b")) -> dict[str, Path]:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "captions.jsonl").write_text(text, encoding="utf-8")
    write_images(folder / "images.parquet", [(id_, id_.encode()) for id_ in images])
    return {"captions": folder / "captions.jsonl", "images": folder / "images.parquet"}


def zipped(folder: Path, name: str = "captions.jsonl", times: int = 1) -> Path:
    with zipfile.ZipFile(folder / "captions.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(times):
            archive.write(folder / "captions.jsonl", f"x{number}/{name}")
    return folder / "captions.zip"


def test_every_caption_is_a_query_after_its_image(tmp_path):
    found = read(files(tmp_path), "en")
    assert dict(
        zip(*(found.queries[n].to_pylist() for n in ("query_id", "text")), strict=True)
    ) == {
        "0a1b": "An owl.",
        "2c3d:0": "A cat.",
        "2c3d:1": "Cat",
    }
    assert found.queries["article"].to_pylist() == ["0a1b", "2c3d", "2c3d"]
    assert found.candidates["candidate_id"].to_pylist() == ["0a1b", "2c3d"]
    assert found.qrels["candidate_id"].to_pylist() == ["0a1b", "2c3d", "2c3d"]
    assert len(read(files(tmp_path), "fil").queries) == 2


def test_the_zip_file_is_read_as_it_is_published(tmp_path):
    paths = files(tmp_path)
    right = read_captions(paths, "en")
    path = zipped(tmp_path)
    assert read_captions({"captions": path}, "en").equals(right)
    assert image_ids(path) == image_ids(paths["captions"]) == ["0a1b", "2c3d"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "other.jsonl"}, "has 0 files captions.jsonl, not one; it has x0/other.jsonl"),
        ({"times": 2}, "has 2 files captions.jsonl, not one"),
    ],
)
def test_a_zip_file_without_the_captions_is_named(tmp_path, values, words):
    files(tmp_path)
    path = zipped(tmp_path, **values)
    with pytest.raises(DataError) as caught:
        read_captions({"captions": path}, "en")
    assert str(caught.value).startswith(f"{path}: {words}")


def test_a_zip_file_that_unfolds_too_far_or_is_broken_is_refused(tmp_path, monkeypatch):
    files(tmp_path)
    path = zipped(tmp_path)
    monkeypatch.setattr(archives, "MAX_BYTES", 100)
    with pytest.raises(DataError, match=r"captions\.zip: captions\.jsonl has \d+ bytes; at most"):
        read_captions({"captions": path}, "en")
    monkeypatch.undo()
    data = bytearray(path.read_bytes())
    data[60:80] = b"\xff" * 20
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"captions\.zip: "):
        read_captions({"captions": path}, "en")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"en": _of()}, "line 2, image 2c3d: has no caption in 'en'"),
        ({"en": _of(" ")}, "line 2, image 2c3d: a caption in 'en' is ' ', no text"),
        ({"en": {"caption": [7]}}, "line 2, image 2c3d: a caption in 'en' is 7, no text"),
        ({"en": {"captions": ["a"]}}, "line 2, image 2c3d: field 'caption' is missing"),
        ({"en": "A cat."}, "line 2, image 2c3d: field 'en' is not an object"),
        ({"image/key": "0a1b"}, "line 2: image 0a1b stands twice"),
        ({"image/key": 3}, "line 2: field 'image/key' is not text"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, change, words):
    paths = files(tmp_path, [LINES[0], LINES[1] | change])
    with pytest.raises(DataError) as caught:
        read(paths, "en")
    assert str(caught.value).startswith(f"{paths['captions']}: {words}")


def test_a_language_that_it_lacks_is_named(tmp_path):
    with pytest.raises(DataError, match=r"line 1, image 0a1b: field 'eo' is missing"):
        read(files(tmp_path), "eo")


def test_captions_and_images_have_to_match(tmp_path):
    with pytest.raises(DataError, match=r"1 captions have no image \(0a1b\) and 2 images have no"):
        read(files(tmp_path, images=("2c3d", "x", "y")), "en")
