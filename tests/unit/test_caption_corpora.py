"""Corpora of captions: published files and data sets in one form."""

import json
import logging
import re
import zipfile
from collections import Counter
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dots import dot

from hybridbatch.data.caption_corpora import write_corpus
from hybridbatch.data.caption_sets import HUB, _is_below
from hybridbatch.data.captions import TEST, TRAIN, VALIDATION, read_images
from hybridbatch.runtime.errors import DataError, SourceError
from hybridbatch.runtime.files import read_json, read_table
from hybridbatch.runtime.hashes import recorded_hashes

COMMIT = "0123456789abcdef0123456789abcdef01234567"
COLOURS = ("red", "green", "blue", "black")


def folder_of(path: Path, names=COLOURS) -> Path:
    path.mkdir()
    for name in names:
        (path / f"{name}.png").write_bytes(dot(name))
    return path


class Written:
    """What `write_corpus` made."""

    def __init__(self, to: Path, parts: dict, kind: str, languages=("en",), **other) -> None:
        to.mkdir(exist_ok=True)
        self.captions, self.images = to / "captions.parquet", to / "images.parquet"
        write_corpus(
            parts, kind, languages, self.images, self.captions, to / "counts.json", **other
        )
        self.counts = read_json(to / "counts.json")
        self.rows = [tuple(row.values())[:4] for row in read_table(self.captions).to_pylist()]
        self.of_images = dict(read_images(self.images))


def lines_of(folder: Path, part: str, names: list[str], **captions: list[str]) -> dict:
    """Files of the form of Multi30k."""
    (folder / f"{part}.txt").write_text("".join(f"{name}.png\n" for name in names))
    for language, texts in captions.items():
        (folder / f"{part}.{language}").write_text("".join(f"{text}\n" for text in texts))
    files = {language: folder / f"{part}.{language}" for language in captions}
    return {"names": folder / f"{part}.txt", "captions": files}


def test_lines_of_two_parts_and_images_of_folders(tmp_path, caplog):
    parts = {
        TRAIN: lines_of(tmp_path, "train", ["red", "blue"], en=["a rose", "a sea"], de=["r", "s"]),
        TEST: lines_of(tmp_path, "test", ["black"], en=["a night"], de=["n"]),
    }
    caplog.set_level(logging.INFO, "hybridbatch")
    folders = [folder_of(tmp_path / "a", ("red", "green")), folder_of(tmp_path / "b", COLOURS[2:])]
    found = Written(tmp_path / "out", parts, "lines", ("de", "en"), folders=folders)
    assert found.rows == [
        ("red", "en", "a rose", TRAIN), ("blue", "en", "a sea", TRAIN),
        ("red", "de", "r", TRAIN), ("blue", "de", "s", TRAIN),
        ("black", "en", "a night", TEST), ("black", "de", "n", TEST),
    ]  # fmt: skip
    assert found.of_images == {name: dot(name) for name in ("red", "blue", "black")}
    assert "1 image files have no caption" in caplog.text
    assert found.counts == {
        "captions": 6, "captions_de": 3, "captions_en": 3, "left_out": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("COCO_red.jpg\n", r"others\.txt: names no image of the corpus, whose ids look like red"),
        ("black.jpg\n", "no image of the part test has a caption"),
    ],
)
@pytest.mark.parametrize("form", ["lines", "datasets"])
def test_images_to_leave_out_by_other_names_and_all_of_a_part_are_refused(
    tmp_path, form, names, words
):
    (tmp_path / "others.txt").write_text(names)
    more = {"without": tmp_path / "others.txt"}
    parts = {}
    for of, name in ((TRAIN, "red"), (TEST, "black")):
        if form == "lines":
            parts[of] = lines_of(tmp_path, of, [name], en=["a"])
        else:
            data_set(tmp_path / "set", of, [row(name, t="a", i=name)])
            parts[of] = part(tmp_path / "set", of, caption="t", id="i")
    if form == "lines":
        more["folders"] = [folder_of(tmp_path / "a")]
    with pytest.raises(DataError, match=words):
        Written(tmp_path / "out", parts, form, **more)
    assert not (tmp_path / "out/images.parquet").exists()


def test_images_that_captions_lack_are_counted_and_named(tmp_path):
    parts = {TRAIN: lines_of(tmp_path, "train", ["red", "pink", "grey"], en=["a", "b", "c"])}
    with pytest.raises(DataError, match=r"2 captioned images of 3 have no file: pink, grey\. .* 4"):
        Written(tmp_path / "out", parts, "lines", folders=[folder_of(tmp_path / "a")])
    assert not (tmp_path / "out/images.parquet").exists()


def test_an_image_of_two_parts_is_refused(tmp_path):
    parts = {part: lines_of(tmp_path, part, ["red"], en=["a"]) for part in (TRAIN, TEST)}
    with pytest.raises(DataError, match="the image red is in train and in test"):
        Written(tmp_path / "out", parts, "lines", folders=[folder_of(tmp_path / "a")])


@pytest.mark.parametrize("form", ["lines", "datasets"])
def test_equal_files_under_several_ids_are_in_one_part(tmp_path, caplog, form):
    """By id: part, colour (equal ones have equal files), caption."""
    rows = {
        "a": (TRAIN, "red", "a rose"), "b": (TRAIN, "blue", "a sea"), "c": (TRAIN, "red", "petals"),
        "d": (TRAIN, "red", "a rose"), "e": (TRAIN, "green", "grass"), "f": (TRAIN, "black", "x"),
        "g": (VALIDATION, "blue", "water"), "h": (VALIDATION, "pink", "a pig"),
        "i": (TEST, "green", "a lawn"), "j": (TEST, "white", "snow"), "k": (TEST, "white", "milk"),
        "other": (TRAIN, "black", "night"),
    }  # fmt: skip
    (tmp_path / "others.txt").write_text("other.png\n")
    more, parts = {"without": tmp_path / "others.txt"}, {}
    for of in (TRAIN, VALIDATION, TEST):
        ids = [id_ for id_ in rows if rows[id_][0] == of]
        if form == "lines":
            parts[of] = lines_of(tmp_path, of, ids, en=[rows[id_][2] for id_ in ids])
        else:
            pictures = [row(rows[id_][1], key=id_, text=rows[id_][2]) for id_ in ids]
            data_set(tmp_path / "set", of, pictures)
            parts[of] = part(tmp_path / "set", of, id="key", caption="text")
    if form == "lines":
        (tmp_path / "images").mkdir()
        for id_, (_, colour, _) in rows.items():
            (tmp_path / f"images/{id_}.png").write_bytes(dot(colour))
        more["folders"] = [tmp_path / "images"]
    found = Written(tmp_path / "out", parts, form, **more)
    assert found.rows == [
        # c and d are a; b is validated with, e tested, and f is left out with `other`.
        ("a", "en", "a rose", TRAIN), ("a", "en", "petals", TRAIN),
        ("g", "en", "water", VALIDATION), ("h", "en", "a pig", VALIDATION),
        ("i", "en", "a lawn", TEST), ("j", "en", "snow", TEST), ("j", "en", "milk", TEST),
    ]  # fmt: skip
    files = Counter(found.of_images[id_] for id_ in {id_ for id_, *_ in found.rows})
    assert set(files.values()) == {1}
    counts = {"captions": 7, "left_out": 1, "left_out_as_equal": 3, "joined": 3}
    assert counts.items() <= found.counts.items()
    lost, joined = (record.getMessage() for record in caplog.records)
    assert lost.startswith("3 images are left out, whose files are those of images of another part")
    assert lost.endswith(": b, e, f")
    assert joined.startswith("3 images have the files and so the names of others")
    assert sorted(joined.split(": ")[1].split(", ")) == ["c", "d", "k"]


@pytest.mark.parametrize("form", ["lines", "datasets"])
def test_a_part_whose_files_are_all_tested_is_refused(tmp_path, form):
    parts, more = {}, {}
    for of, id_ in ((TRAIN, "one"), (TEST, "two")):
        if form == "lines":
            parts[of] = lines_of(tmp_path, of, [id_], en=["a"])
            (tmp_path / "images").mkdir(exist_ok=True)
            (tmp_path / f"images/{id_}.png").write_bytes(dot("red"))
            more["folders"] = [tmp_path / "images"]
        else:
            data_set(tmp_path / "set", of, [row("red", t="a", i=id_)])
            parts[of] = part(tmp_path / "set", of, caption="t", id="i")
    words = r"part train has a caption that is kept: .* or its files equal those of another part"
    with pytest.raises(DataError, match=words):
        Written(tmp_path / "out", parts, form, **more)
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("colours", "words"),
    [
        (["red", "red", "blue"], "1 images have the files and so the names of others: b"),
        (["red", "blue", "blue"], "1 images are left out, whose files are .*: b"),
    ],
)
def test_a_log_line_tells_only_what_was_found(tmp_path, caplog, colours, words):
    ids = dict(zip("abc", colours, strict=True))
    (tmp_path / "images").mkdir()
    for id_, colour in ids.items():
        (tmp_path / f"images/{id_}.png").write_bytes(dot(colour))
    parts = {TRAIN: lines_of(tmp_path, "train", ["a", "b"], en=["x", "y"]),
             TEST: lines_of(tmp_path, "test", ["c"], en=["z"])}  # fmt: skip
    found = Written(tmp_path / "out", parts, "lines", folders=[tmp_path / "images"])
    (line,) = (record.getMessage() for record in caplog.records)
    assert re.fullmatch(words, line)
    assert found.counts["left_out_as_equal"] + found.counts["joined"] == 1


def test_an_image_that_is_left_out_need_not_have_bytes(tmp_path):
    folder = folder_of(tmp_path / "a")
    (folder / "nothing.png").touch()
    (tmp_path / "others.txt").write_text("nothing.png\ngreen.png\n")
    parts = {TRAIN: lines_of(tmp_path, "train", ["red", "nothing"], en=["a", "b"])}
    found = Written(
        *(tmp_path / "out", parts, "lines"), folders=[folder], without=tmp_path / "others.txt"
    )
    assert found.rows == [("red", "en", "a", TRAIN)]
    with pytest.raises(DataError, match=r"nothing\.png: is empty"):
        Written(tmp_path / "again", parts, "lines", folders=[folder])


def test_a_part_without_captions_is_refused(tmp_path):
    # Its test images would be drawn from those that are trained on.
    parts = {TRAIN: lines_of(tmp_path, "train", ["red"], en=["a"]),
             TEST: lines_of(tmp_path, "test", ["blue"], en=["b"])}  # fmt: skip
    (tmp_path / "others.txt").write_text("blue.png\n")
    more = {"folders": [folder_of(tmp_path / "a")], "without": tmp_path / "others.txt"}
    with pytest.raises(DataError, match="no image of the part test has a caption"):
        Written(tmp_path / "out", parts, "lines", **more)
    data_set(tmp_path / "set", "train", [row("red", t="a")])
    data_set(tmp_path / "set", "test", [row("blue", t="")])
    parts = {of: part(tmp_path / "set", of, caption="t") for of in (TRAIN, TEST)}
    with pytest.raises(DataError, match="no image of the part test has a caption"):
        Written(tmp_path / "out", parts, "datasets")
    assert not list((tmp_path / "out").iterdir())


def test_a_broken_image_file_is_named(tmp_path):
    folder = folder_of(tmp_path / "a")
    (folder / "red.png").write_bytes(dot("red")[:-20])
    parts = {TRAIN: lines_of(tmp_path, "train", ["red"], en=["a"])}
    with pytest.raises(DataError, match=r"a/red\.png: the image cannot be decoded"):
        Written(tmp_path / "out", parts, "lines", folders=[folder])


def test_coco_s_zip_file_without_the_images_of_another_benchmark(tmp_path):
    coco = {
        "images": [
            {"id": n, "file_name": f"{name}.png", "coco_url": "http://x"}
            for n, name in enumerate(COLOURS)
        ],
        "annotations": [
            {"image_id": n, "caption": text}
            for n, text in ((0, "a rose"), (0, "a flower"), (0, "a rose"), (1, "grass"), (3, " "))
        ],
    }
    with zipfile.ZipFile(tmp_path / "annotations.zip", "w") as archive:
        archive.writestr("annotations/captions_train2014.json", json.dumps(coco))
        archive.writestr("annotations/captions_val2014.json", "[]")
    (tmp_path / "others.txt").write_text("green.jpg\nnobody.jpg\n")
    part = {"file": tmp_path / "annotations.zip", "member": "captions_train2014.json"}
    found = Written(
        *(tmp_path / "out", {TRAIN: part}, "coco"),
        folders=[folder_of(tmp_path / "a")],
        without=tmp_path / "others.txt",
    )
    assert found.rows == [("red", "en", "a rose", TRAIN), ("red", "en", "a flower", TRAIN)]
    assert list(found.of_images) == ["red"]
    assert found.counts == {
        "captions": 2, "captions_en": 2, "left_out": 1,
        "blank": 1, "repeated": 1, "without_caption": 2,
    }  # fmt: skip


# --- data sets ---


def data_set(folder: Path, split: str, rows: list[dict]) -> None:
    """A part of a data set as the library writes it, with images in its files."""
    found = datasets.Dataset.from_list(rows).cast_column("picture", datasets.Image())
    folder.mkdir(exist_ok=True)
    found.to_parquet(str(folder / f"{split}-00000-of-00001.parquet"))


def row(name: str, **columns) -> dict:
    return {"picture": {"bytes": dot(name), "path": None}, **columns}


def part(folder: Path, split: str, revision: str | None = None, **columns) -> dict:
    of = {"path": str(folder), "name": None, "revision": revision, "split": split}
    return {**of, "columns": {"image": "picture", **columns}}


def test_a_data_set_with_a_column_a_language(tmp_path):
    folder = tmp_path / "set"
    data_set(folder, "train", [row("red", key=7, en=["a rose", " a  flower", ""], de="Rose"),
                               row("blue", key=9, en=["a sea"], de=None)])  # fmt: skip
    data_set(folder, "test", [row("black", key=1, en=["a night"], de="Nacht")])
    columns = {"id": "key", "captions": {"en": "en", "de": "de"}}
    parts = {of: part(folder, of, **columns) for of in (TRAIN, TEST)}
    found = Written(tmp_path / "out", parts, "datasets", ("de", "en"))
    assert found.rows == [
        ("7", "en", "a rose", TRAIN), ("7", "en", "a flower", TRAIN), ("7", "de", "Rose", TRAIN),
        ("9", "en", "a sea", TRAIN), ("1", "en", "a night", TEST), ("1", "de", "Nacht", TEST),
    ]  # fmt: skip
    assert found.of_images == {"7": dot("red"), "9": dot("blue"), "1": dot("black")}
    assert found.counts == {"blank": 2, "captions": 6, "captions_de": 2, "captions_en": 4}


def test_a_data_set_with_a_row_a_caption_in_any_language(tmp_path):
    rows = [row("red", file="a/red.jpg", text="a rose", code="en"),
            row("blue", file="blue.jpg", text="a sea", code="en"),
            row("red", file="a/red.jpg", text="une rose", code="fr"),
            row("red", file="a/red.jpg", text="eine Rose", code="de"),
            row("green", file="green.jpg", text="grass", code="en")]  # fmt: skip
    data_set(tmp_path / "set", "train", rows)
    columns = {"id": "file", "caption": "text", "language": "code"}
    (tmp_path / "others.txt").write_text("green.jpg\n")
    found = Written(
        *(tmp_path / "out", {TRAIN: part(tmp_path / "set", "train", **columns)}, "datasets"),
        ("en", "fr"),
        without=tmp_path / "others.txt",
    )
    assert [row[:3] for row in found.rows] == [
        ("a/red.jpg", "en", "a rose"), ("blue.jpg", "en", "a sea"), ("a/red.jpg", "fr", "une rose"),
    ]  # fmt: skip
    assert list(found.of_images) == ["a/red.jpg", "blue.jpg"]
    assert (found.counts["of_another_language"], found.counts["left_out"]) == (1, 1)


def test_a_folder_of_image_files_is_a_data_set(tmp_path):
    folder = folder_of(tmp_path / "set")
    lines = [{"file_name": f"{name}.png", "text": f"a {name} one"} for name in COLOURS]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    of = part(folder, "train", caption="text") | {"columns": {"image": "image", "caption": "text"}}
    found = Written(tmp_path / "out", {TRAIN: of}, "datasets")
    assert {text for _, _, text, _ in found.rows} == {f"a {name} one" for name in COLOURS}
    by_id = {id_: text.split()[1] for id_, _, text, _ in found.rows}
    assert found.of_images == {id_: dot(name) for id_, name in by_id.items()}
    assert len(by_id) == 4


def test_rows_of_one_image_without_id_are_of_one_image(tmp_path):
    rows = [row(name, t=text) for name, text in (("red", "a"), ("blue", "b"), ("red", "c"))]
    data_set(tmp_path / "set", "train", rows)
    found = Written(
        tmp_path / "out", {TRAIN: part(tmp_path / "set", "train", caption="t")}, "datasets"
    )
    assert list(found.of_images.values()) == [dot("red"), dot("blue")]
    first, second = found.of_images
    assert [row[0] for row in found.rows] == [first, second, first]


def test_equal_files_of_a_data_set_without_ids_are_in_the_part_that_is_tested(tmp_path, caplog):
    pictures = {
        TRAIN: [("red", "a rose"), ("blue", "a sea"), ("green", "grass"), ("red", "a flower")],
        VALIDATION: [("blue", "water"), ("pink", "a pig"), ("green", "a park")],
        TEST: [("black", "a night"), ("green", "a lawn"), ("green", "a lawn")],
    }
    parts = {}
    for of, found in pictures.items():
        data_set(tmp_path / "set", of, [row(name, t=text) for name, text in found])
        parts[of] = part(tmp_path / "set", of, caption="t")
    found = Written(tmp_path / "out", parts, "datasets")
    colours = {dot(name): name for name in ("red", "blue", "green", "pink", "black")}
    of_id = {id_: colours[image] for id_, image in found.of_images.items()}
    assert [(of_id[id_], caption, of) for id_, _, caption, of in found.rows] == [
        ("red", "a rose", TRAIN), ("red", "a flower", TRAIN),
        ("blue", "water", VALIDATION), ("pink", "a pig", VALIDATION),
        ("black", "a night", TEST), ("green", "a lawn", TEST),
    ]  # fmt: skip
    # Each image is in the table once.
    assert read_table(found.images)["image_id"].to_pylist() == list(of_id)
    assert list(of_id.values()) == ["red", "blue", "green", "pink", "black"]
    counts = {"captions": 6, "left_out_as_equal": 3, "joined": 0, "repeated": 1}
    assert counts.items() <= found.counts.items()
    assert "3 images are left out" in caplog.text


def test_an_id_in_two_parts_of_a_data_set_is_refused(tmp_path):
    for of, text in ((TRAIN, "a"), (TEST, "b")):
        data_set(tmp_path / "set", of, [row("red", t=text, i="x")])
    parts = {of: part(tmp_path / "set", of, caption="t", id="i") for of in (TRAIN, TEST)}
    with pytest.raises(DataError, match="row 0: the image x is in another part"):
        Written(tmp_path / "out", parts, "datasets")


@pytest.mark.parametrize(
    ("rows", "columns", "words"),
    [
        ([row("red", t=3)], {"caption": "t"}, r"row 0: column 't' is 3, and no caption"),
        ([row("red", text="a")], {"caption": "txt"}, r"no column 'txt'; did you mean text\?"),
        ([row("red", t="a", i=None)], {"caption": "t", "id": "i"}, "'i' is None, and no id"),
        ([row("red", t="a", i="x"), row("blue", t="b", i="x")], {"caption": "t", "id": "i"},
         "row 1: another image has the id x"),
        ([row("red", t="")], {"caption": "t"}, "no image of the part train has a caption"),
        ([row("red", t="a", c=None)], {"caption": "t", "language": "c"}, "None, and no language"),
        ([{"picture": {"bytes": b"text", "path": None}, "t": "a"}], {"caption": "t"},
         "row 0: is no image that can be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_data_set_is_named_with_its_row(tmp_path, rows, columns, words):
    data_set(tmp_path / "set", "train", rows)
    with pytest.raises(DataError, match=words):
        Written(tmp_path / "out", {TRAIN: part(tmp_path / "set", "train", **columns)}, "datasets")
    assert not (tmp_path / "out/images.parquet").exists()


def test_a_column_without_images_is_refused(tmp_path):
    data_set(tmp_path / "set", "train", [row("red", t="a")])
    of = part(tmp_path / "set", "train") | {"columns": {"image": "t", "caption": "t"}}
    with pytest.raises(DataError, match="column 't' is 'a', and no image of the library"):
        Written(tmp_path / "out", {TRAIN: of}, "datasets")


def test_a_data_set_of_the_hub_is_held_to_what_came_first(tmp_path):
    mirror = tmp_path / "mirror/huggingface.co/datasets/org/set/tree" / COMMIT
    mirror.mkdir(parents=True)
    data_set(mirror, "train", [row("red", t="a rose")])
    of = part(Path("org/set"), "train", COMMIT, caption="t")
    more = {"mirror": str(tmp_path / "mirror"), "recorded": tmp_path / "lock.json"}
    first = Written(tmp_path / "a", {TRAIN: of}, "datasets", **more)
    assert len(recorded_hashes(tmp_path / "lock.json")) == 1
    again = Written(tmp_path / "b", {TRAIN: of}, "datasets", **more)
    assert first.images.read_bytes() == again.images.read_bytes()
    data_set(mirror, "train", [row("red", t="another rose")])
    with pytest.raises(SourceError, match="not those that came first"):
        Written(tmp_path / "c", {TRAIN: of}, "datasets", **more)
    assert not (tmp_path / "c/images.parquet").exists()


def test_a_data_set_of_the_hub_names_no_files_outside_it(tmp_path):
    mirror = tmp_path / "mirror/huggingface.co/datasets/org/set/tree" / COMMIT
    mirror.mkdir(parents=True)
    of = part(Path("org/set"), "train", COMMIT, caption="t")
    for place, inside in ((tmp_path / "own.png", False), (mirror / "a.png", True)):
        place.write_bytes(dot("red"))
        data_set(mirror, "train", [{"picture": {"bytes": None, "path": str(place)}, "t": "a"}])
        # The library may have put the image itself into the file.
        table = read_table(mirror / "train-00000-of-00001.parquet")
        pictures = pa.array([{"bytes": None, "path": str(place)}], table.schema.field(0).type)
        pq.write_table(
            table.set_column(0, table.schema.field(0), pictures),
            mirror / "train-00000-of-00001.parquet",
        )
        read = lambda: Written(  # noqa: E731
            tmp_path / "out", {TRAIN: of}, "datasets", mirror=str(tmp_path / "mirror")
        )
        if inside:
            assert list(read().of_images.values()) == [dot("red")]
            continue
        with pytest.raises(DataError, match=r"row 0: column 'picture' names .*own\.png', which is"):
            read()


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("hf://datasets/org/set@c/a.png", True),
        ("zip://a.png::hf://datasets/org/set@c/b.zip", True),
        ("https://example.org/a.png", False),
        ("/home/me/a.png", False),
        ("a.png", False),
    ],
)
def test_images_of_a_data_set_of_the_hub_are_on_the_hub(path, below):
    assert _is_below(path, HUB) is below
