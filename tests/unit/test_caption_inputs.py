"""Inputs of captions and images: each image once, and nothing without its other half."""

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.data.captions import caption_table, shuffled
from hybridbatch.encoders.base import CANDIDATE, IMAGE, QUERY, TEXT
from hybridbatch.encoders.captions import (
    CaptionInputs,
    ImageInputs,
    TextInputs,
    caption_corpus,
    caption_inputs,
    caption_teacher,
    check_splits,
    check_teacher,
    image_inputs,
    image_text_pairs,
    numbered,
    text_inputs,
)
from hybridbatch.encoders.inputs import Dense, Inputs, Ragged
from hybridbatch.encoders.pairs import PairInputs
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.training.data import TrainingCorpus, validation_batches


def make(side: str, modality: str, items) -> Inputs:
    """Of a text its letters' numbers; of an image its first two bytes."""
    if modality == IMAGE:
        assert side == CANDIDATE
        return Dense(np.array([[i[0], i[1]] for i in items], dtype=np.float32))
    assert (side, modality) == (QUERY, TEXT)
    return Ragged.of([[ord(letter) for letter in text] for text in items])


NAMES = ("cat", "dog", "pet", "cow")
BYTES = [b"\1\1", b"\2\2", b"\2\2", b"\3\3"]  # `dog` and `pet` are the same image
TEACHER = np.arange(10, dtype=np.float32).reshape(5, 2)


@pytest.fixture
def images() -> ImageInputs:
    return image_inputs(make, zip(NAMES, BYTES, strict=True))


def captions(rows, images, texts) -> CaptionInputs:
    return caption_inputs(make, np.array(rows), images, texts)


def taught(of: CaptionInputs, images: ImageInputs, teacher: np.ndarray | None) -> PairInputs:
    """Pairs whose targets are the rows of `teacher` with the pairs' numbers."""
    return image_text_pairs(of, images, None if teacher is None else Dense(teacher[of.rows]))


@pytest.fixture
def corpus(images) -> TrainingCorpus:
    english = captions(
        [0, 1, 2, 3, 4], ["cat", "dog", "pet", "cow", "cow"], ["A cat", "dog", "pet", "cow", "kine"]
    )
    spanish = captions([0, 1, 3], ["cat", "dog", "cow"], ["gato", "perro", "a  CAT"])
    by_language = {
        "en": taught(english, images, TEACHER),
        "es": taught(spanish, images, TEACHER),
    }
    return TrainingCorpus("animals", by_language, modality=IMAGE)


def test_the_same_image_and_the_same_caption_are_told(corpus):
    pairs = corpus.pairs
    assert not pairs.in_language
    assert pairs.available.tolist() == [[True, True], [True, True], [True, False], [True, True],
                                        [True, False]]  # fmt: skip
    assert pairs.passages[1] == pairs.passages[2]
    assert pairs.passages[3] == pairs.passages[4]
    assert len(set(pairs.passages.tolist())) == 3
    # `A cat` and `a  CAT` are equal for `dedup.normalize`, so pairs 0 and 3 are never together.
    assert pairs.questions[0] == pairs.questions[3]
    assert len(set(pairs.questions.tolist())) == 4


def test_inputs_of_pairs_are_those_of_their_caption_image_and_teacher(corpus):
    rows, languages = np.array([3, 0, 1]), np.array([1, 0, 1])
    found = corpus.queries(rows, languages)
    assert ["".join(map(chr, found.take(np.array([i])).ids)) for i in range(3)] == [
        "a  CAT", "A cat", "perro",
    ]  # fmt: skip
    assert corpus.passages(rows, languages).values.tolist() == [[3, 3], [1, 1], [2, 2]]
    assert corpus.negatives(rows, languages).lengths().tolist() == [0, 0, 0]
    assert corpus.targets(rows, languages).values.tolist() == TEACHER[rows].tolist()
    (queries, passages, targets), *_ = validation_batches([corpus], 2)
    assert len(queries) == len(passages) == len(targets) == 2


def test_an_image_in_two_splits_under_two_names_is_refused(images):
    def of(**splits: str):
        return caption_table((n, "en", n, splits.get(n, "train"), n) for n in NAMES)

    check_splits(of(), images)
    check_splits(of(cow="test", cat="validation"), images)
    check_splits(of(dog="test", pet="test"), images)
    for splits in ({"pet": "test"}, {"pet": "validation"}, {"dog": "validation", "pet": "test"}):
        words = rf"the image pet is in {splits['pet']}, and in {splits.get('dog', 'train')} as dog"
        with pytest.raises(DataError, match=words):
            check_splits(of(**splits), images)


def test_images_of_texts_have_a_language(images):
    pairs = {"en": image_text_pairs(captions([0], ["cat"], ["a"]), images)}
    found = [TrainingCorpus("x", pairs, modality=IMAGE, in_language=i) for i in (None, True)]
    assert [corpus.pairs.in_language for corpus in found] == [False, True]
    assert TrainingCorpus("x", pairs).pairs.in_language


def test_languages_share_the_images_inputs(images):
    found = [
        image_text_pairs(captions([0], ["cat"], [text]), images).passages for text in ("a", "b")
    ]
    assert found[0].distinct.values is found[1].distinct.values is images.inputs.values


def test_the_content_hash_tells_images_and_teachers_apart():
    def of(images=BYTES, teacher=TEACHER, modality=IMAGE) -> str:
        pairs = taught(
            captions([0, 1], ["cat", "dog"], ["a", "b"]),
            image_inputs(make, zip(NAMES, images, strict=True)),
            teacher,
        )
        return TrainingCorpus("x", {"en": pairs}, modality=modality).content_hash()

    assert of() == of(teacher=TEACHER.copy())
    assert len({of(), of([b"\1\1", b"\2\2", b"\2\2", b"\3\4"]), of(teacher=TEACHER + 1)}) == 3
    assert of(teacher=None) != of()


def test_inputs_are_saved_and_loaded(images, tmp_path):
    images.save(tmp_path / "images", {"corpus": "x"})
    found, keys = ImageInputs.load(tmp_path / "images")
    assert (found.ids, keys) == (NAMES, {"corpus": "x"})
    assert found.keys.tolist() == images.keys.tolist()
    assert found.inputs.values.tolist() == images.inputs.values.tolist()
    before = captions([0, 2], ["cat", "dog"], ["ŝafo", "ŝafo"])
    before.save(tmp_path / "captions", {"language": "eo"})
    after, keys = CaptionInputs.load(tmp_path / "captions")
    assert (after.images, keys) == (("cat", "dog"), {"language": "eo"})
    assert after.rows.tolist() == [0, 2]
    assert after.numbers.tolist() == [0, 0]
    assert len(after.inputs.distinct) == 1
    assert after.inputs.take(np.array([1])).ids.tolist() == [ord(letter) for letter in "ŝafo"]


def test_pairs_with_a_teacher_are_saved_with_it(images, tmp_path):
    pairs = taught(captions([0, 3], ["cat", "cow"], ["a", "b"]), images, TEACHER)
    pairs.save(tmp_path / "pairs")
    found, _ = type(pairs).load(tmp_path / "pairs")
    assert found.targets.take(np.array([1])).values.tolist() == TEACHER[[3]].tolist()


def test_the_nth_captions_of_an_image_are_one_pair_in_every_language():
    rows = [("dog", "es", "can"), ("cat", "en", "cat"), ("cat", "es", "gato"), ("dog", "en", "dog"),
            ("dog", "en", "hound"), ("cat", "es", "micho")]  # fmt: skip
    table = caption_table(
        [(*row, "train", row[0]) for row in rows] + [("x", "en", "x", "test", "x")]
    )
    found = {}
    for language in ("en", "es"):
        numbers, images, texts = numbered(table, "train", language)
        assert numbers.tolist() == sorted(numbers)
        found[language] = dict(zip(numbers.tolist(), zip(images, texts, strict=True), strict=True))
    assert found == {
        "en": {0: ("dog", "dog"), 1: ("dog", "hound"), 2: ("cat", "cat")},
        "es": {0: ("dog", "can"), 2: ("cat", "gato"), 3: ("cat", "micho")},
    }
    assert numbered(table, "validation", "en")[1:] == ([], [])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda i: captions([0, 1], ["cat", "dog"], ["a"]), "2 pairs have 1 captions of 2 images"),
        (lambda i: image_inputs(make, [("cat", b"12"), ("cat", b"34")]), "'cat' stands twice"),
        (
            lambda i: image_text_pairs(captions([0, 1], ["cat", "emu"], ["a", "b"]), i),
            "1 of 2 captions are of images that are not there, such as 'emu'; there are 4 images",
        ),
        (
            lambda i: image_text_pairs(
                captions([0, 7], ["cat", "dog"], ["a", "b"]), i, Dense(TEACHER)
            ),
            "vectors of 5 pairs, and there are 2: every pair has one",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(images, wrong, message):
    with pytest.raises(DataError, match=message):
        wrong(images)


def names_of(corpus: dict, language: str) -> list[tuple[str, list[float]]]:
    """Each caption of a language with the inputs of the image that it stands beside."""
    pairs = corpus[language]
    texts = [
        "".join(map(chr, pairs.queries.take(np.array([i])).ids)) for i in range(len(pairs.rows))
    ]
    return list(zip(texts, pairs.passages.take(np.arange(len(texts))).values.tolist(), strict=True))


def test_inputs_that_were_made_once_are_those_of_every_training(images, tmp_path):
    rows = [(name, language, f"{name} {language}", split, name)
            for name, split in zip(NAMES, ("train", "train", "train", "validation"), strict=True)
            for language in ("en", "es", "zu")]  # fmt: skip
    table = caption_table(rows)
    text_inputs(make, (row[2] for row in rows * 2)).save(tmp_path / "texts", {"seed": 1})
    texts, keys = TextInputs.load(tmp_path / "texts")
    assert keys == {"seed": 1}
    assert texts.texts == tuple(sorted({row[2] for row in rows}))
    found = caption_corpus(table, "train", ["en", "es"], texts, images)
    assert list(found) == ["en", "es"]
    assert names_of(found, "es") == [
        ("cat es", [1, 1]), ("dog es", [2, 2]), ("pet es", [2, 2]),
    ]  # fmt: skip
    held = caption_corpus(table, "validation", ["en"], texts, images)
    assert names_of(held, "en") == [("cow en", [3, 3])]
    with pytest.raises(DataError, match="no image of the part train has a caption in 'ast'"):
        caption_corpus(table, "train", ["ast"], texts, images)
    fewer = text_inputs(make, (row[2] for row in rows if row[2] != "pet en"))
    with pytest.raises(DataError, match=r"1 of 3 texts have no inputs, such as 'pet en'"):
        caption_corpus(table, "train", ["en"], fewer, images)
    with pytest.raises(DataError, match="there is no caption"):
        text_inputs(make, [])


def test_the_control_has_the_captions_of_shuffled_images():
    """As `data.captions.shuffled` puts them, by another way."""
    names = [f"i{i}" for i in range(9)]
    pictures = image_inputs(make, [(name, bytes([i, i])) for i, name in enumerate(names)])
    rows = [(name, language, f"{name} {language}", "train", name)
            for name in names for language in ("en", "es")]  # fmt: skip
    table = caption_table(rows)
    texts = text_inputs(make, (row[2] for row in rows))
    found = caption_corpus(table, "train", ["en", "es"], texts, pictures, shuffled=3)
    expected = {(row["caption"], names.index(row["image_id"]))
                for row in shuffled(table, 3).to_pylist()}  # fmt: skip
    got = {(text, int(image[0])) for code in found for text, image in names_of(found, code)}
    assert got == expected
    assert all(int(text.split()[0][1:]) != image for text, image in got)


# A tower's vectors of captions, none of length 1, of which `cow` has two in English.
VECTORS = {
    "cat en": (3, 0),
    "dog en": (0, 2),
    "pet en": (0, -4),
    "cow en": (5, 0),
    "kine en": (0, 7),
}
TOLD = [(text.split()[0], "en", text) for text in VECTORS if text != "kine en"]
TOLD += [("cow", "en", "kine en"), ("cat", "es", "gato"), ("cow", "es", "vaca"),
         ("dog", "es", "can"), ("cow", "es", "res"), ("cow", "es", "toro")]  # fmt: skip


def told(rows: list[tuple], split: str = "train") -> tuple[pa.Table, TextInputs]:
    """Captions, and a frozen tower's vectors of them."""

    def tower(side: str, modality: str, items) -> Dense:
        return Dense(np.array([VECTORS.get(text, (9, 9)) for text in items], dtype=np.float32))

    table = caption_table([(*row, split, row[0]) for row in rows])
    return table, text_inputs(tower, (row[2] for row in rows))


def rounded(vectors: np.ndarray) -> list[list[float]]:
    return vectors.astype(np.float64).round(6).tolist()


def targets_of(corpus: dict, language: str) -> list[list[float]]:
    pairs = corpus[language]
    return rounded(pairs.targets.take(np.arange(len(pairs.rows))).values)


def taught_by(table: pa.Table, texts: TextInputs) -> dict[str, list[float]]:
    """The teacher's vectors by image."""
    teacher = caption_teacher(table, "train", "en", texts)
    return dict(zip(teacher.ids, rounded(teacher.vectors.values), strict=True))


def test_the_teacher_reads_the_english_captions_of_the_same_image(images):
    """Computed by hand: vectors have length 1, those of `cow` are the mean of two."""
    table, texts = told(TOLD)
    half = round(0.5**0.5, 6)
    own = {"cat": [1, 0], "dog": [0, 1], "pet": [0, -1], "cow": [half, half]}
    assert taught_by(table, texts) == own
    corpus = caption_corpus(table, "train", ["en", "es"], texts, images, teacher="en")
    order = {"en": ["cat", "dog", "pet", "cow", "cow"], "es": ["cat", "dog", "cow", "cow", "cow"]}
    for language, names in order.items():
        assert targets_of(corpus, language) == [own[name] for name in names]
    # One array for all languages, with a row for each image and not for each caption.
    assert corpus["en"].targets.distinct is corpus["es"].targets.distinct
    assert len(corpus["en"].targets.distinct) == 4
    # Languages that are trained on need not be the teacher's; without it there are no targets.
    alone = caption_corpus(table, "train", ["es"], texts, images, teacher="en")
    assert sorted(targets_of(alone, "es")) == sorted(targets_of(corpus, "es"))
    assert caption_corpus(table, "train", ["es"], texts, images)["es"].targets is None
    # Batches that are validated with have them in the order of their captions.
    held, texts = told(TOLD, "validation")
    corpus = caption_corpus(held, "validation", ["en"], texts, images, teacher="en")
    batches = validation_batches([TrainingCorpus("x", corpus, modality=IMAGE)], 2)
    by_image = {(1, 1): [own["cat"]], (2, 2): [own["dog"], own["pet"]], (3, 3): [own["cow"]]}
    for _, passages, targets in batches:
        for image, target in zip(passages.values.tolist(), rounded(targets.values), strict=True):
            assert target in by_image[tuple(image)]


def test_the_order_of_captions_does_not_change_the_teacher():
    assert taught_by(*told(TOLD)) == taught_by(*told(TOLD[::-1]))


def test_the_control_s_targets_are_those_of_its_captions(images):
    """A wrong image learns from what is wrong for it; a caption, from what is right for it."""
    rows = [row for row in TOLD if row[2] != "kine en"]
    table, texts = told(rows)
    right = caption_corpus(table, "train", ["en", "es"], texts, images, teacher="en")
    wrong = caption_corpus(table, "train", ["en", "es"], texts, images, 3, "en")
    for language in ("en", "es"):
        assert targets_of(wrong, language) == targets_of(right, language)
        take = np.arange(len(right[language].rows))
        assert not np.array_equal(*(c[language].passages.take(take).values for c in (right, wrong)))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_an_image_that_the_teacher_cannot_read_of_is_named(images, split):
    table, texts = told(
        [row for row in TOLD if row[:2] not in {("cat", "en"), ("cow", "en")}], split
    )
    with pytest.raises(
        DataError, match=r"2 images have captions, and none in 'en' .* read: cat, cow\. Give each"
    ):
        caption_corpus(table, split, ["es"], texts, images, teacher="en")
    caption_corpus(table, split, ["es"], texts, images)


def test_a_tower_that_can_be_no_teacher_is_refused():
    _, frozen = told(TOLD)
    check_teacher(frozen, 2)
    with pytest.raises(ConfigError, match="have 2 dimensions, and `dimension` of the encoder is 8"):
        check_teacher(frozen, 8)
    with pytest.raises(ConfigError, match="which is trained and would move: set its `trained`"):
        check_teacher(text_inputs(make, ["a"]), 2)


def test_the_inputs_of_some_images_are_theirs(images):
    assert images.of(["cow", "cat"]).values.tolist() == [[3, 3], [1, 1]]
    with pytest.raises(DataError, match="1 of 2 images have no inputs, such as 'owl'"):
        images.of(["cat", "owl"])
