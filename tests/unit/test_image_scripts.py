"""The jobs that make tables of images: from a mirror, from an archive, from fonts."""

import importlib.util
import io
import json
import tarfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from pictures import drawing
from PIL import Image

from hybridbatch.data.captions import read_images
from hybridbatch.data.download import MIRROR_VARIABLE
from hybridbatch.runtime.errors import DataError, SourceError

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
NAMES = ("COCO_train2014_000000000001", "COCO_val2014_000000000002")
HOST = "s3.amazonaws.com/images.cocodataset.org"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def jpeg(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 16), colour).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def xtd10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A job that packs two images of a mirror."""
    (tmp_path / "names.txt").write_text("".join(f"{name}.jpg\n" for name in NAMES))
    for name, colour in zip(NAMES, ("red", "blue"), strict=True):
        place = tmp_path / "mirror" / HOST / name.split("_")[1] / f"{name}.jpg"
        place.parent.mkdir(parents=True)
        place.write_bytes(jpeg(colour))
    monkeypatch.setenv(MIRROR_VARIABLE, str(tmp_path / "mirror"))
    return SimpleNamespace(
        input=SimpleNamespace(names=tmp_path / "names.txt"),
        output=[tmp_path / "images.parquet"],
        params=SimpleNamespace(folder=tmp_path / "downloads", recorded=tmp_path / "lock.json"),
    )


def test_images_are_fetched_and_recorded_and_held_to_that(xtd10, tmp_path):
    job = script("fetch_images")
    job.main(xtd10)
    assert dict(read_images(xtd10.output[0])) == {NAMES[0]: jpeg("red"), NAMES[1]: jpeg("blue")}
    recorded = json.loads((tmp_path / "lock.json").read_text())
    assert [url.rsplit("/", 1)[1] for url in recorded] == [f"{name}.jpg" for name in NAMES]
    # What is there is not asked for again; what is another one is not taken.
    mirrored = tmp_path / "mirror" / HOST / "val2014" / f"{NAMES[1]}.jpg"
    mirrored.write_bytes(jpeg("green"))
    job.main(xtd10)
    (tmp_path / "downloads" / HOST / "val2014" / f"{NAMES[1]}.jpg").unlink()
    with pytest.raises(SourceError, match=NAMES[1]):
        job.main(xtd10)


def test_a_page_that_is_no_image_is_named_and_no_table_is_written(xtd10, tmp_path):
    mirrored = tmp_path / "mirror" / HOST / "val2014" / f"{NAMES[1]}.jpg"
    mirrored.write_bytes(b"<html>not found</html>")
    with pytest.raises(SourceError, match=f"1 of 2 images could not be had: .*{NAMES[1]}"):
        script("fetch_images").main(xtd10)
    assert not xtd10.output[0].exists()


def test_images_come_out_of_the_published_archive(tmp_path):
    captions = [{"image/key": key, "en": {"caption": ["a thing"]}} for key in ("one", "two")]
    (tmp_path / "captions.jsonl").write_text("".join(json.dumps(c) + "\n" for c in captions))

    def packed(*names: str) -> SimpleNamespace:
        with tarfile.open(tmp_path / "images.tgz", "w:gz") as tar:
            for name in names:
                info, image = tarfile.TarInfo(f"images/{name}.png"), drawing("red", "bar")
                info.size = len(image)
                tar.addfile(info, io.BytesIO(image))
        return SimpleNamespace(
            input=SimpleNamespace(
                archive=tmp_path / "images.tgz", captions=tmp_path / "captions.jsonl"
            ),
            output=[tmp_path / "images.parquet"],
        )

    job = packed("two", "one", "other")
    script("pack_images").main(job)
    assert [name for name, _ in read_images(job.output[0])] == ["two", "one"]
    with pytest.raises(DataError, match="lacks 1 of 2 images: two"):
        script("pack_images").main(packed("one"))
