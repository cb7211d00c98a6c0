"""Published files of captions: lines beside image names, and COCO's JSON."""

import json
import zipfile
from pathlib import Path

import pytest

from hybridbatch.data.caption_files import image_ids, read_coco, read_lines
from hybridbatch.runtime.errors import DataError

IMAGES = [
    {"id": 9, "file_name": "COCO_9.jpg", "coco_url": "http://x/COCO_9.jpg"},
    {"id": 25, "file_name": "COCO_25.jpg"},  # others leave out what is not read here
    {"id": 30, "file_name": "COCO_30.jpg"},
]
ANNOTATIONS = [
    {"id": 1, "image_id": 25, "caption": "A giraffe\n eats. "},
    {"id": 2, "image_id": 9, "caption": "A meal"},
    {"id": 3, "image_id": 25, "caption": "A giraffe eats."},
    {"id": 4, "image_id": 25, "caption": "A tall animal"},
    {"id": 5, "image_id": 9, "caption": " \n"},
]


def multi30k(folder: Path, **captions: list[str]) -> dict[str, Path]:
    (folder / "train.txt").write_text("flickr/1.jpg\nflickr/2.jpg\n")
    for language, lines in captions.items():
        (folder / f"train.{language}").write_text("".join(f"{line}\n" for line in lines))
    return {language: folder / f"train.{language}" for language in captions}


def test_a_line_is_the_caption_of_the_image_in_that_line(tmp_path):
    files = multi30k(tmp_path, en=["Two  men.", "A dog."], de=["Zwei Männer.", "Ein Hund."])
    found = [
        tuple(row.values())
        for row in read_lines(tmp_path / "train.txt", files, "train").to_pylist()
    ]
    assert found == [
        ("1", "en", "Two men.", "train", "1"),
        ("2", "en", "A dog.", "train", "2"),
        ("1", "de", "Zwei Männer.", "train", "1"),
        ("2", "de", "Ein Hund.", "train", "2"),
    ]
    assert image_ids(tmp_path / "train.txt") == ["1", "2"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["Ein Hund."], "train.de: has 1 captions, and {}/train.txt names 2 images"),
        (["a", "b", "c"], "train.de: has 3 captions, and {}/train.txt names 2 images"),
        (["", "Ein Hund."], "train.de: line 1: is blank"),
    ],
)
def test_lines_that_do_not_match_are_refused_with_both_counts(tmp_path, lines, words):
    files = multi30k(tmp_path, en=["a", "b"], de=lines)
    with pytest.raises(DataError) as caught:
        read_lines(tmp_path / "train.txt", files, "train")
    assert str(caught.value).startswith(f"{tmp_path}/{words.format(tmp_path)}")


def test_a_name_that_stands_twice_is_refused(tmp_path):
    (tmp_path / "names.txt").write_text("a/1.jpg\n2.jpg\nb/1.png\n")
    with pytest.raises(DataError, match=r"names\.txt: line 3: b/1\.png stands twice"):
        image_ids(tmp_path / "names.txt")


def coco(folder: Path, images=IMAGES, annotations=ANNOTATIONS) -> Path:
    path = folder / "captions_train2014.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def test_coco_s_captions_are_read(tmp_path, caplog):
    table, counts = read_coco(coco(tmp_path), "train")
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("COCO_25", "en", "A giraffe eats.", "train", "COCO_25"),
        ("COCO_9", "en", "A meal", "train", "COCO_9"),
        ("COCO_25", "en", "A tall animal", "train", "COCO_25"),
    ]
    assert counts == {
        "captions": 3, "images": 2, "blank": 1, "repeated": 1, "without_caption": 1,
    }  # fmt: skip
    assert "captions_train2014.json: 1 images have no caption: COCO_30" in caplog.text


@pytest.mark.parametrize(
    ("images", "annotations", "words"),
    [
        (IMAGES, [*ANNOTATIONS, {"image_id": 7, "caption": "x"}], "annotation 5: is of image 7"),
        (IMAGES, [{"image_id": 9}], "annotation 0: field 'caption' is missing"),
        (IMAGES, [{"image_id": 9, "caption": " "}], "has no caption"),
        ([*IMAGES, IMAGES[0]], ANNOTATIONS, r"image 3: COCO_9 \(9\) stands twice"),
        ([IMAGES[0], {"id": 25}], [], r"image 1: field 'file_name' is missing\. COCO's files of"),
        # Karpathy's
        ([{"filename": "a.jpg", "imgid": 0, "sentences": [{"raw": "x"}]}], [],
         "image 0: field 'id' is missing.* `images` with `id` and `file_name`, .* written in that"),
        ([], [], "has no caption"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_coco_s_file_is_named_with_its_form(tmp_path, images, annotations, words):
    with pytest.raises(DataError, match=rf"captions_train2014\.json: {words}"):
        read_coco(coco(tmp_path, images, annotations), "train")


def test_a_zip_file_with_a_damaged_byte_is_named(tmp_path):
    """Stored as it is, so that only its checksum tells."""
    path = tmp_path / "annotations.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("captions.json", json.dumps({"images": IMAGES, "annotations": []}))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"COCO_25", b"COCO_26"))
    with pytest.raises(DataError, match=r"annotations\.zip: cannot be unzipped \(Bad CRC-32"):
        read_coco(path, "train", member="captions.json")


def test_a_file_without_annotations_is_named(tmp_path):
    path = tmp_path / "dataset_coco.json"
    path.write_text(json.dumps({"dataset": "coco", "images": [{"id": 1, "file_name": "a.jpg"}]}))
    with pytest.raises(
        DataError, match=r"coco\.json: field 'annotations' is missing\. COCO's files"
    ):
        read_coco(path, "train")
