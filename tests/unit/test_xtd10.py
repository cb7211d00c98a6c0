"""XTD10: captions in the order of image names, and the images that COCO trains on."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from dots import dot

from hybridbatch.benchmarks.xtd10 import image_urls, read, read_captions
from hybridbatch.data.caption_files import image_ids
from hybridbatch.data.captions import CAPTION_SCHEMA, write_images
from hybridbatch.data.download import Source, fetch, mirror_from_environment
from hybridbatch.runtime.errors import DataError

ROOT = Path(__file__).parents[2]
NAMES = ["COCO_train2014_000000000009", "COCO_val2014_000000000042", "COCO_val2014_000000000073"]
CAPTIONS = ["a  bowl of food", "a dog in shoes", "a parked motorbike"]


def files(folder: Path, captions=CAPTIONS, names=NAMES, images=NAMES) -> dict[str, Path]:
    (folder / "en.txt").write_text("\n".join(captions), encoding="utf-8")
    (folder / "names.txt").write_text("".join(f"{name}.jpg\n" for name in names))
    write_images(folder / "images.parquet", [(name, dot("red")) for name in images])
    kinds = {"captions": "en.txt", "names": "names.txt", "images": "images.parquet"}
    return {kind: folder / name for kind, name in kinds.items()}


def test_a_caption_is_of_the_image_in_its_line(tmp_path):
    found = read(files(tmp_path), "en")
    assert found.queries["query_id"].to_pylist() == NAMES
    assert found.queries["text"].to_pylist() == ["a bowl of food", *CAPTIONS[1:]]
    assert found.candidates["candidate_id"].to_pylist() == NAMES
    assert found.qrels["candidate_id"].to_pylist() == found.qrels["query_id"].to_pylist()


def test_images_outside_train2014_stand_apart(tmp_path):
    found = read(files(tmp_path), "en", subset="val2014")
    assert found.queries["query_id"].to_pylist() == NAMES[1:]
    assert found.candidates["candidate_id"].to_pylist() == NAMES[1:]


def test_captions_are_a_table_of_the_common_form(tmp_path):
    found = read_captions(files(tmp_path), "en")
    assert found.schema == CAPTION_SCHEMA
    assert set(found["split"].to_pylist()) == {"test"}
    assert found["group"].to_pylist() == NAMES


def test_captions_and_names_of_different_length_are_refused_with_both_counts(tmp_path):
    paths = files(tmp_path, captions=CAPTIONS[:2])
    with pytest.raises(DataError) as caught:
        read(paths, "en")
    assert str(caught.value).startswith(
        f"{paths['captions']}: has 2 captions, and {paths['names']} names 3 images"
    )


def test_a_blank_line_which_would_shift_the_others_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"en\.txt: line 2: is blank"):
        read(files(tmp_path, captions=[CAPTIONS[0], " ", CAPTIONS[1]]), "en")


def test_a_name_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"names\.txt: line 3: COCO_val2014_000000000042\.jpg"):
        read(files(tmp_path, names=[*NAMES[:2], NAMES[1]]), "en")


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (NAMES[:2], "1 captions have no image (COCO_val2014_000000000073)"),
        ([*NAMES, "COCO_val2014_1"], "1 images have no caption (COCO_val2014_1)"),
    ],
)
def test_captions_and_images_have_to_match(tmp_path, images, words):
    with pytest.raises(DataError) as caught:
        read(files(tmp_path, images=images), "en")
    assert words in str(caught.value)


def test_an_image_s_name_says_its_url(tmp_path):
    path = files(tmp_path)["names"]
    assert image_urls(path)[NAMES[0]] == (
        "https://s3.amazonaws.com/images.cocodataset.org/train2014/COCO_train2014_000000000009.jpg"
    )
    path.write_text("owl.jpg\n")
    with pytest.raises(DataError, match="owl is no name of an image of COCO 2014"):
        image_urls(path)


CATALOGUE = yaml.safe_load((ROOT / "config/catalogue.yaml").read_text(encoding="utf-8"))
MIRROR = mirror_from_environment()


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> dict[str, Path]:
    """The pinned files, from the mirror."""
    if MIRROR is None:
        pytest.skip("needs real data: HYBRIDBATCH_MIRROR=DIR")
    folder, source = tmp_path_factory.mktemp("xtd10"), CATALOGUE["catalogue"]["sources"]["xtd10"]
    for name, sha256 in source["files"].items():
        fetch(Source(source["base"] + name, sha256), folder / name, MIRROR)
    return {name: folder / name for name in source["files"]}


ENTRY = CATALOGUE["catalogue"]["benchmarks"]["xtd10"]


@pytest.mark.parametrize("language", ENTRY["captions"])
def test_the_published_files_have_a_thousand_captions(published, language):
    names = published[ENTRY["names"]]
    found = read_captions(
        {"captions": published[ENTRY["captions"][language]], "names": names}, language
    )
    assert len(found) == 1000
    folders = Counter(id_.split("_")[1] for id_ in found["image_id"].to_pylist())
    assert folders == {"train2014": 800, "val2014": 200}
    assert len(image_urls(names)) == len(image_ids(names)) == 1000


def test_published_figures_are_of_the_benchmark_s_languages():
    with (ROOT / "resources/published/xtd10.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["language"] for row in rows} == set(ENTRY["languages"])
    assert all(10 < float(row["value"]) <= 100 for row in rows)
    assert {row["metric"] for row in rows} == {"text_to_image_recall_10"}
    values = {(row["model"], row["language"]): row["value"] for row in rows}
    assert len(values) == len(rows) == 47
    for model, language, value in (
        ("labse-vit-l-14", "ja", "73.9"),
        ("xlm-r-large-vit-b-32", "pl", "91.4"),
        ("xlm-r-large-vit-l-14", "ko", "85.2"),
        ("xlm-r-large-vit-b-16-plus", "en", "95.0"),
        ("openai-clip-vit-b-32", "en", "90.3"),
        ("openclip-vit-b-16-plus", "en", "94.3"),
    ):
        assert values[model, language] == value


def test_a_file_says_where_every_table_of_published_figures_is_from():
    folder = ROOT / "resources/published"
    text = (folder / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(\w+\.csv)` \|", text, re.MULTILINE))
    assert named == {path.name for path in folder.glob("*.csv")}
