"""Captions and images: their tables, what does not match, and the control of wrong pairs."""

from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dots import dot

from hybridbatch.benchmarks._captions import of_captions
from hybridbatch.data.captions import (
    CAPTION_SCHEMA,
    IMAGE_SCHEMA,
    TEST,
    TRAIN,
    VALIDATION,
    caption_table,
    check_matched,
    matched,
    named,
    read_captions,
    read_images,
    shared_captions,
    shuffled,
    without_shared,
    write_images,
)
from hybridbatch.runtime.errors import DamagedError, DataError
from hybridbatch.runtime.files import write_table

ROWS = [
    ("owl", "en", "an owl", TEST, "birds"),
    ("owl", "es", "un búho", TEST, "birds"),
    ("cat", "en", "a cat", TRAIN, "cat"),
    ("cat", "es", "un gato", TRAIN, "cat"),
]


def _write(path, rows, schema=CAPTION_SCHEMA):
    columns = [list(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(columns, schema=schema), path)
    return path


def test_captions_are_read_as_they_were_written(tmp_path):
    write_table(tmp_path / "captions.parquet", caption_table(ROWS))
    assert read_captions(tmp_path / "captions.parquet").equals(caption_table(ROWS))
    assert caption_table([]).schema == CAPTION_SCHEMA


def test_a_damaged_table_is_refused(tmp_path):
    path = tmp_path / "captions.parquet"
    write_table(path, caption_table(ROWS))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(DamagedError):
        read_captions(path)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("owl", "en", None, TEST, "birds"), "row 4: has no caption"),
        (("owl", "en", " \u3000", TEST, "birds"), "row 4: has no caption"),
        (("", "en", "an owl", TEST, "birds"), "row 4: has no image_id"),
        (("owl", None, "an owl", TEST, "birds"), "row 4: has no language"),
        (("elk", "en", "an elk", "dev", "elk"), "row 4: split is 'dev'; known: train, val"),
        (("owl", "fr", "un hibou", TRAIN, "birds"), "row 4: image owl is in test and birds before"),
        (("owl", "fr", "un hibou", TEST, "owls"), "row 4: image owl is in test and birds before"),
    ],
)
def test_a_wrong_row_of_captions_is_named(tmp_path, row, words):
    path = _write(tmp_path / "c.parquet", [*ROWS, row])
    with pytest.raises(DataError, match=f"^{path}: {words}"):
        read_captions(path)


def test_images_are_written_in_parts_and_read_in_order(tmp_path):
    images = [(f"i{number:03d}", dot()) for number in range(150)]
    assert write_images(tmp_path / "i.parquet", iter(images)) == 150
    assert list(read_images(tmp_path / "i.parquet")) == images
    assert pq.ParquetFile(tmp_path / "i.parquet").num_row_groups > 1


def test_images_that_fail_half_way_leave_no_table(tmp_path):
    def failing():
        yield "a", dot()
        raise DataError("b.png: is broken")

    with pytest.raises(DataError, match=r"b\.png"):
        write_images(tmp_path / "i.parquet", failing())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", b"x"), ("a", b"y")], "row 1: image a stands twice"),
        ([("a", b"x"), ("b", b"")], "row 1: image 'b' has no id or no image"),
        ([("a", b"x"), ("b", None)], "row 1: image 'b' has no id or no image"),
        ([(None, b"x")], "row 0: image None has no id or no image"),
    ],
)
def test_a_wrong_row_of_images_is_named(tmp_path, rows, words):
    path = _write(tmp_path / "i.parquet", rows, IMAGE_SCHEMA)
    with pytest.raises(DataError, match=f"^{path}: {words}"):
        list(read_images(path))


def test_captions_without_image_and_images_without_caption_are_counted_and_named():
    found = matched(caption_table(ROWS), ["cat", "elk", "ant"])
    assert found.counts == {"captions": 2, "images": 1, "without_image": 1, "without_caption": 2}
    assert found.without_image == ["owl"]
    assert found.without_caption == ["elk", "ant"]
    assert set(found.captions["image_id"].to_pylist()) == {"cat"}
    with pytest.raises(DataError) as caught:
        check_matched(["owl", "owl", "cat"], ["cat", "elk", "ant", "bee", "fox"], "a.csv, b")
    assert str(caught.value).startswith(
        "a.csv, b: 1 captions have no image (owl) and 4 images have no caption "
        "(ant, bee, elk and 1 more), of 2 captioned and 5 images: "
    )
    check_matched(["owl", "owl", "cat"], ["cat", "owl"], "a")


def test_many_ids_are_named_by_the_first():
    assert named(["a", "b"]) == "a, b"
    assert named(list("abcde")) == "a, b, c and 2 more"


def test_captions_of_several_images_are_found_in_their_language():
    rows = [
        *ROWS,
        ("elk", "es", "UN  GATO", TRAIN, "elk"),
        ("elk", "en", "un gato", TRAIN, "elk"),
        ("owl", "en", "An owl", TEST, "birds"),  # a second caption of the same image
    ]
    table = caption_table(rows)
    assert shared_captions(table) == {"es": ["un gato"]}
    kept, dropped = without_shared(table)
    assert dropped == {"es": 2}
    assert [row for row in rows if row[2].lower().split() != ["un", "gato"] or row[1] == "en"] == [
        tuple(row.values()) for row in kept.to_pylist()
    ]
    assert without_shared(caption_table(ROWS))[1] == {}
    kept, dropped = without_shared(caption_table(ROWS), among=table)
    assert dropped == {"es": 1}
    assert len(kept) == 3


def _many() -> pa.Table:
    """Images in groups of one to four, in two languages and three splits."""
    rows = []
    for group in range(40):
        split = [TRAIN, TRAIN, TRAIN, VALIDATION, TEST][group % 5]
        for member in range(group % 4 + 1):
            id_ = f"g{group}.{member}"
            rows += [(id_, code, f"{id_} in {code}", split, f"g{group}") for code in ("en", "es")]
    return caption_table(rows)


@pytest.mark.parametrize("seed", range(20))
def test_the_control_gives_every_image_the_captions_of_another_group(seed):
    before, after = _many().to_pylist(), shuffled(_many(), seed).to_pylist()
    assert [row["caption"] for row in after] == [row["caption"] for row in before]
    assert [row["split"] for row in after] == [row["split"] for row in before]
    group_of = {row["image_id"]: row["group"] for row in before}
    moved = {}
    for old, new in zip(before, after, strict=True):
        assert new["group"] == group_of[new["image_id"]]
        if old["split"] == TEST:
            assert new == old
        else:
            assert group_of[new["image_id"]] != old["group"]
            assert moved.setdefault(old["image_id"], new["image_id"]) == new["image_id"]
    assert sorted(moved) == sorted(moved.values())  # a permutation, the same in all languages


def test_the_control_is_its_seed_s():
    tables = [shuffled(_many(), seed) for seed in (0, 0, 1)]
    assert tables[0].equals(tables[1])
    assert not tables[0].equals(tables[2])
    reversed_ = caption_table(tuple(row.values()) for row in reversed(_many().to_pylist()))
    by_caption = {row["caption"]: row["image_id"] for row in tables[0].to_pylist()}
    assert {r["caption"]: r["image_id"] for r in shuffled(reversed_, 0).to_pylist()} == by_caption


def test_a_group_of_more_than_half_of_the_images_has_no_control():
    rows = [(f"i{n}", "en", f"c{n}", TRAIN, "all" if n < 3 else "other") for n in range(5)]
    with pytest.raises(DataError, match="train: 3 of 5 images are of one group"):
        shuffled(caption_table(rows), 0)


IMAGES = {"owl": b"owl.png", "cat": b"cat.png", "elk": b"elk.png"}


def test_test_captions_are_queries_after_all_test_images():
    rows = [*ROWS, ("elk", "es", "un alce", TEST, "elk")]
    found = of_captions(caption_table(rows), IMAGES, "en", "here")
    assert found.queries.to_pylist() == [
        {"query_id": "owl", "text": "an owl", "article": "birds", "paragraph": None}
    ]
    # The elk, which has no name in English, is ranked all the same; the cat is for training.
    assert found.candidates.to_pydict() == {
        "candidate_id": ["owl", "elk"],
        "image": [b"owl.png", b"elk.png"],
    }
    assert found.qrels.to_pylist() == [{"query_id": "owl", "candidate_id": "owl"}]
    only = of_captions(caption_table(rows), IMAGES, "es", "here", of=["elk", "cat"])
    assert only.candidates["candidate_id"].to_pylist() == ["elk"]
    assert only.queries["query_id"].to_pylist() == ["elk"]


def test_several_captions_of_an_image_are_queries_of_one_draw():
    rows = [*ROWS, ("owl", "en", "a bird at night", TEST, "birds")]
    found = of_captions(caption_table(rows), IMAGES, "en", "here")
    assert found.queries["query_id"].to_pylist() == ["owl:0", "owl:1"]
    assert found.queries["article"].to_pylist() == ["birds", "birds"]
    assert set(found.qrels["candidate_id"].to_pylist()) == {"owl"}


def test_a_language_without_captions_is_refused_with_those_there_are():
    with pytest.raises(DataError, match=r"^here: has no test captions in 'fr'; it has en, es"):
        of_captions(caption_table(ROWS), IMAGES, "fr", "here")


def test_captions_of_several_images_stay_and_are_counted(caplog):
    rows = [*ROWS, ("elk", "en", "An Owl", TEST, "elk")]
    found = of_captions(caption_table(rows), IMAGES, "en", "here")
    assert len(found.queries) == 2
    assert "here: en: 1 captions are those of several images, such as 'an owl'" in caplog.text
    assert all(a != b for a, b in pairwise(found.qrels["candidate_id"].to_pylist()))
