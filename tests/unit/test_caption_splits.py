"""Captions to train on and to test: splits into images, translations, what is tested."""

from collections import Counter

import pyarrow as pa
import pytest

from hybridbatch.benchmarks import captions as kind
from hybridbatch.data.caption_corpora import english
from hybridbatch.data.caption_splits import draw, filtered, ids_by_part, with_translations
from hybridbatch.data.captions import TEST, TRAIN, VALIDATION, caption_table, write_images
from hybridbatch.data.filtering import FilterConfig
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_table
from hybridbatch.translation.translate import Translation, original_texts, parallel_table

PIXEL = b"the bytes of an image, which are not decoded here"
IDS = [f"i{n}" for n in range(20)]


def counted(split: dict[str, str]) -> Counter:
    return Counter(split.values())


def test_published_parts_are_taken_as_they_are():
    parts = {TRAIN: IDS[:12], VALIDATION: IDS[12:15], TEST: IDS[15:]}
    (split,) = draw(parts, splits=1, test=None, validation=None, seed=0)
    assert {id_ for id_ in split if split[id_] == TEST} == set(IDS[15:])
    assert counted(split) == {TRAIN: 12, VALIDATION: 3, TEST: 5}


def test_drawn_test_sets_do_not_overlap_and_stay_where_images_are_added():
    found = draw({TRAIN: IDS}, splits=3, test=4, validation=2, seed=0)
    tests = [{id_ for id_ in split if split[id_] == TEST} for split in found]
    assert len(set.union(*tests)) == 12
    assert [counted(split) for split in found] == [{TRAIN: 14, VALIDATION: 2, TEST: 4}] * 3
    assert found == draw({TRAIN: IDS[::-1]}, splits=3, test=4, validation=2, seed=0)
    assert found != draw({TRAIN: IDS}, splits=3, test=4, validation=2, seed=1)
    more = draw({TRAIN: [*IDS, "new"]}, splits=1, test=4, validation=2, seed=0)
    assert len(tests[0] & {id_ for id_ in more[0] if more[0][id_] == TEST}) >= 3


def test_some_images_of_a_published_part_are_drawn_and_the_others_left_out():
    parts = {TRAIN: IDS[:12], TEST: IDS[12:]}
    first, second = draw(parts, splits=2, test=3, validation=2, seed=0)
    assert counted(first) == counted(second) == {TRAIN: 10, VALIDATION: 2, TEST: 3}
    assert {id_ for id_ in first if first[id_] != TEST} <= set(IDS[:12])


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"splits": 3, "test": 7, "validation": 1}, "3 test sets of 7 images are asked for, of 20"),
        ({"splits": 1, "test": 5, "validation": 16}, "16 images to validate on are asked .*15"),
        ({"splits": 1, "test": 10, "validation": 10}, "split 0: no images are left to train on"),
    ],
)  # fmt: skip
def test_too_few_images_are_refused_with_the_counts(sizes, words):
    with pytest.raises(DataError, match=words):
        draw({TRAIN: IDS}, seed=0, **sizes)


LIMITS = FilterConfig(max_unknown_share=0.3, min_length_ratio=0.4, max_length_ratio=2.5)
OWN = caption_table(
    [
        ("a", "en", "a red house", TRAIN, "a"),
        ("a", "en", "a house that is red", TRAIN, "a"),
        ("a", "fr", "une maison", TRAIN, "a"),
        ("b", "en", "a green tree", TRAIN, "b"),
        ("c", "en", "a blue river", TEST, "c"),
    ]
)


def translated(*found: Translation) -> pa.Table:
    texts = original_texts(english(OWN))
    table = parallel_table(texts, [one.text or "" for one in found]).to_pydict()
    table["text"] = [one.text for one in found]
    table["unknown"] = [one.unknown for one in found]
    return pa.table(table, schema=texts.schema)


def test_only_english_captions_to_train_on_are_translated():
    assert english(OWN) == {
        "0": "a red house", "1": "a house that is red", "3": "a green tree",
    }  # fmt: skip


def test_translations_pass_the_filters_of_pairs_and_stand_beside_published_captions():
    source = original_texts(english(OWN))
    es = translated(
        Translation("una casa roja"), Translation("una  casa roja"), Translation("un árbol verde")
    )
    found = filtered(OWN, source, es, LIMITS, "es")
    # The second caption of an image that has it already.
    assert found.rows == [(0, "una casa roja"), (3, "un árbol verde")]
    assert {name: n for name, n in found.counts.items() if n} == {
        "captions": 3, "kept": 2, "duplicate": 1,
    }  # fmt: skip
    split = {"a": TRAIN, "b": VALIDATION}
    rows = [tuple(r.values()) for r in with_translations(OWN, split, {"es": found}).to_pylist()]
    assert rows == [
        ("a", "en", "a red house", TRAIN, "a"),
        ("a", "en", "a house that is red", TRAIN, "a"),
        ("a", "fr", "une maison", TRAIN, "a"),
        ("b", "en", "a green tree", VALIDATION, "b"),
        ("a", "es", "una casa roja", TRAIN, "a"),
    ]


def test_each_reason_counts_and_nothing_left_is_refused():
    source = original_texts(english(OWN))
    bad = [Translation(None, error="no"), Translation("a house that is red"),
           Translation("tree verde", unknown=1)]  # fmt: skip
    with pytest.raises(DataError, match=r"es: no caption is left of 3 .*'failed': 1.*'unknown_w"):
        filtered(OWN, source, translated(*bad), LIMITS, "es")


def test_the_parts_of_a_table_have_its_images_in_order():
    assert ids_by_part(OWN) == {TRAIN: ["a", "b"], TEST: ["c"]}


def test_only_published_captions_are_tested(tmp_path):
    texts = (("es", "un río"), ("en", "a river"), ("en", "water"))
    rows = [("c", language, text, TEST, "c") for language, text in texts]
    captions = caption_table([("a", "en", "x", TRAIN, "a"), *rows])
    write_table(tmp_path / "captions.parquet", captions)
    write_images(tmp_path / "images.parquet", [(name, PIXEL) for name in ("a", "c", "d")])
    files = {name: tmp_path / f"{name}.parquet" for name in ("captions", "images")}
    found = kind.read(files, "en")
    assert found.queries["query_id"].to_pylist() == ["c:0", "c:1"]
    assert found.candidates["candidate_id"].to_pylist() == ["c"]
    write_images(tmp_path / "images.parquet", [("a", PIXEL)])
    with pytest.raises(DataError, match=r"1 captions have no image \(c\)"):
        kind.read(files, "en")
