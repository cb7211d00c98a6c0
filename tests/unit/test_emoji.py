"""Emoji: groups of variants, splits that keep them together, captions in many languages."""

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from fonts import common, letters, pictures
from PIL import Image

from hybridbatch.benchmarks.emoji import read
from hybridbatch.data import cldr, emoji_font
from hybridbatch.data.captions import TEST, TRAIN, VALIDATION, shuffled
from hybridbatch.data.cldr import Annotations
from hybridbatch.data.emoji import (
    Concept,
    Emoji,
    emoji_captions,
    group_of,
    id_of,
    may_be_tested,
    names_by_language,
    read_emoji,
    splits,
    with_enough,
    with_pictures_joined,
    write_emoji,
)
from hybridbatch.data.emoji_font import EmojiFont, images
from hybridbatch.data.images import decoded
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import keys_of, read_json, read_table

MEDIUM = "\U0001f3fd"
NAMES = {
    "👩": "woman", "👨": "man", "🧑": "person", "👦": "boy",
    "👩\u200d🚒": "woman firefighter", "👨\u200d🚒": "man firefighter", "🧑\u200d🚒": "firefighter",
    "👩\u200d🦰": "woman: red hair", "🧑\u200d🦳": "person: white hair",
    "🏃": "person running", "🏃\u200d♀": "woman running", "🏃\u200d♂": "man running",
    f"🏃{MEDIUM}\u200d♀": "woman running: medium skin tone",
    "🤴": "prince", "👸": "princess", "🧜\u200d♂": "merman", "🧜\u200d♀": "mermaid",
    "🧜": "merperson", "🎅": "Santa Claus", "🤶": "Mrs. Claus",
    "👪": "family", "👨\u200d👩\u200d👦": "family: man, woman, boy",
    "👬": "men holding hands", "👭": "women holding hands",
    "➡": "right arrow", "⬆": "up arrow", "↘": "down-right arrow",
    "🔍": "magnifying glass tilted left", "🔎": "magnifying glass tilted right",
    "👆": "backhand index pointing up", "👉": "backhand index pointing right",
    "🤛": "left-facing fist", "🤜": "right-facing fist", "👍": "thumbs up", "👎": "thumbs down",
    "🦉": "owl", "🦆": "duck", "🇪🇸": "flag: Spain", "🇮🇹": "flag: Italy",
    "🏳\u200d🌈": "rainbow flag", "🏁": "chequered flag", "🕐": "one o’clock", "⏰": "alarm clock",
    "#⃣": "keycap: #", "*⃣": "keycap: *", "5⃣": "keycap: 5", MEDIUM: "medium skin tone",
}  # fmt: skip


@pytest.mark.parametrize(
    "variants",
    [
        "👩 👨 🧑 👦 👩\u200d🦰 🧑\u200d🦳",
        "👩\u200d🚒 👨\u200d🚒 🧑\u200d🚒",
        f"🏃 🏃\u200d♀ 🏃\u200d♂ 🏃{MEDIUM}\u200d♀",
        "🤴 👸",
        "🧜 🧜\u200d♂ 🧜\u200d♀",
        "🎅 🤶",
        "👪 👨\u200d👩\u200d👦",
        "👬 👭",
        "➡ ⬆ ↘",
        "🔍 🔎",
        "👆 👉",
        "🤛 🤜",
        "👍 👎",
        "\U0001f3fb \U0001f3fd",
    ],
)
def test_variants_of_skin_gender_hair_and_direction_are_one_group(variants):
    assert len({group_of(sequence, NAMES) for sequence in variants.split()}) == 1


def test_different_concepts_are_different_groups():
    one_of_each = "👩 👩\u200d🚒 🏃 🤴 🧜 🎅 👪 👬 ➡ 🔍 👆 🤛 👍 🦉 🦆 🇪🇸 🇮🇹 🏁 ⏰ #⃣ *⃣ 5⃣"
    groups = Counter(group_of(sequence, NAMES) for sequence in one_of_each.split(" "))
    assert [group for group, number in groups.items() if number > 1] == []


def test_clock_faces_and_flags_are_not_tested():
    assert {s for s in NAMES if not may_be_tested(s, NAMES)} == {
        "🇪🇸",
        "🇮🇹",
        "🏳\u200d🌈",
        "🏁",
        "🕐",
    }


def _concepts(groups: int = 60) -> list[Concept]:
    found = []
    for group in range(groups):
        for member in range(group % 3 + 1):
            id_ = f"{group:x}-{member}"
            found.append(Concept(id_, id_, f"group {group}", testable=group % 10 > 0))
    return found


def test_splits_keep_groups_together_and_test_each_concept_once():
    concepts = _concepts()
    found = splits(concepts, 3, 20, 8, seed=0)
    tested: Counter = Counter()
    for split in found:
        assert set(split) == {c.id for c in concepts}
        assert set(split.values()) == {TRAIN, VALIDATION, TEST}
        parts: dict[str, set] = {}
        for concept in concepts:
            parts.setdefault(concept.group, set()).add(split[concept.id])
            assert concept.testable or split[concept.id] == TRAIN
        assert all(len(of) == 1 for of in parts.values())
        sizes = Counter(split.values())
        assert 20 <= sizes[TEST] <= 22
        assert 8 <= sizes[VALIDATION] <= 10
        tested.update(id_ for id_, part in split.items() if part == TEST)
    assert set(tested.values()) == {1}


def test_splits_are_their_seed_s_whatever_the_order_of_concepts():
    concepts = _concepts()
    assert splits(concepts, 2, 20, 8, 5) == splits(concepts[::-1], 2, 20, 8, 5)
    assert splits(concepts, 2, 20, 8, 5) != splits(concepts, 2, 20, 8, 6)
    more = splits([*concepts, Concept("new", "new", "new", True)], 2, 20, 8, 5)
    moved = [c.id for c in concepts if more[0][c.id] != splits(concepts, 2, 20, 8, 5)[0][c.id]]
    assert len(moved) <= 6


def test_too_few_concepts_for_the_splits_are_counted():
    with pytest.raises(DataError) as caught:
        splits(_concepts(), 5, 30, 8, 0)
    assert "5 test sets of 30 emoji and 8 for validation are asked for, and 108 of 120" in str(
        caught.value
    )
    one = [Concept(str(n), str(n), str(n), True) for n in range(4)]
    with pytest.raises(DataError, match="split 0: no emoji are left to train on"):
        splits(one, 1, 2, 2, 0)


def test_emoji_of_one_picture_and_all_of_their_groups_are_one_group():
    # a and b have one picture, c and d another one; b and c are variants. f and g are only trained.
    concepts = [Concept(id_, id_, group, id_ not in "fg") for id_, group in
                zip("abcdefgh", ["z", "y", "y", "x", "w", "v", "u", "u"], strict=True)]  # fmt: skip
    pictures = dict(zip("abcdefgh", [b"1", b"1", b"2", b"2", b"3", b"4", b"5", b"6"], strict=True))
    found = with_pictures_joined(concepts, pictures)
    assert [of.group for of in found] == ["x", "x", "x", "x", "w", "v", "u", "u"]
    assert [replace(of, group="") for of in found] == [replace(of, group="") for of in concepts]
    # What may not be tested takes its like with it, but flags alone keep their names.
    found = with_pictures_joined(concepts, pictures | {"e": b"4"})
    assert [of.group for of in found[4:6]] == ["v", "v"]
    flags = with_pictures_joined(concepts[5:7], dict.fromkeys("fg", b"4"))
    assert [of.group for of in flags] == ["v", "u"]
    assert (
        with_pictures_joined(
            concepts, dict(zip(pictures, map(str.encode, "abcdefgh"), strict=True))
        )
        == concepts
    )


def _png(colour, size: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (size, size), colour).save(file, "PNG")
    return file.getvalue()


PICTURES = {
    "🦉": _png("brown"), "🦆": _png("green"), "🏃": _png("blue"), "🕐": _png("gray"),
    "👩\u200d🚒": _png("red"), f"🏃{MEDIUM}": _png("navy"), "👻": _png((255, 255, 255, 90)),
}  # fmt: skip
ENGLISH = {
    "🦉": "owl", "🦆": "duck", "🏃": "person running", "🕐": "one o’clock", "👻": "ghost",
    "👩\u200d🚒": "woman firefighter", f"🏃{MEDIUM}": "person running: medium skin tone",
    "⚽": "soccer ball", "#": "hash sign",
}  # fmt: skip


def _xml(names: dict[str, str]) -> str:
    return "".join(f'<annotation cp="{s}" type="tts">{n}</annotation>\n' for s, n in names.items())


@pytest.fixture
def made(tmp_path: Path) -> tuple[Path, Path]:
    """A small CLDR, and a font."""
    spanish = {"🦉": "búho", "🦆": "ave", "🕐": "la una", "🏃": "Ave"}
    words = (
        '<annotation cp="🦆">pato | agua</annotation><annotation cp="🦉">agua | noche</annotation>'
    )
    folder = common(tmp_path / "common", en=_xml(ENGLISH), es=_xml(spanish) + words, eo=_xml({}))
    (folder / "dtd").mkdir()
    (folder / "dtd/ldml.dtd").write_text('<!ATTLIST version cldrVersion CDATA #FIXED "41" >')
    return folder, pictures(tmp_path / "emoji.ttf", PICTURES)


def test_concepts_have_an_english_name_and_a_picture(made, caplog):
    found = read_emoji(*made)
    assert [c.sequence for c in found.concepts] == ["🏃", "👩\u200d🚒", "🕐", "🦆", "🦉"]
    assert list(found.images) == ["1f3c3", "1f469-200d-1f692", "1f550", "1f986", "1f989"]
    assert found.images["1f469-200d-1f692"] == PICTURES["👩\u200d🚒"]
    assert found.counts == {
        "named": 9, "without_image": 2, "skin_tones": 1, "hidden": 1, "concepts": 5,
    }  # fmt: skip
    assert found.versions == {"cldr": "41", "font": "Version 1.5"}
    assert "👻 (1f47b): is transparent, and on white nothing of it is left to see" in caplog.text


def test_a_name_of_several_concepts_in_a_language_is_no_caption_there(made):
    found = read_emoji(*made)
    names = names_by_language(found, made[0], ["en", "es"])
    split = dict.fromkeys(found.images, TRAIN) | {"1f989": TEST}
    table, dropped = emoji_captions(found, names, split)
    assert dropped == {"es": 2}  # `ave` and `Ave`
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert ("1f989", "es", "búho", TEST, "owl") in rows
    assert {row[2] for row in rows if row[1] == "es"} == {"búho", "la una"}
    assert len([row for row in rows if row[1] == "en"]) == 5


def test_keywords_of_training_concepts_are_captions_if_asked_for(made):
    found = read_emoji(*made)
    names = names_by_language(found, made[0], ["es"])
    split = dict.fromkeys(found.images, TRAIN)
    plain, _ = emoji_captions(found, names, split)
    table, _ = emoji_captions(found, names, split, keywords=True)
    more = table.to_pylist()[len(plain) :]
    # `agua` is a keyword of two.
    assert [(row["image_id"], row["caption"]) for row in more] == [
        ("1f986", "pato"),
        ("1f989", "noche"),
    ]
    tested, _ = emoji_captions(found, names, split | {"1f989": TEST}, keywords=True)
    assert "noche" not in tested["caption"].to_pylist()


def test_languages_with_fewer_names_than_asked_are_named_with_both_counts(made, caplog):
    names = names_by_language(read_emoji(*made), made[0])
    assert {code: len(of.names) for code, of in names.items()} == {"en": 5, "eo": 0, "es": 4}
    caplog.set_level("INFO", "hybridbatch")
    assert with_enough(names, 4) == (["en", "es"], {"eo": 0})
    assert "1 languages name fewer than 4 emoji: eo 0" in caplog.text
    with pytest.raises(DataError, match=r"^es: CLDR names 4 of the emoji in it, and 5 are asked"):
        with_enough(names, 5, ["en", "es"])
    with pytest.raises(DataError, match=r"^fr: CLDR names 0 of the emoji in it, and 5 are asked"):
        with_enough(names, 5, ["fr"])
    assert with_enough(names, 4, ["es"])[0] == ["es"]


def test_the_files_of_the_benchmark_are_read_by_its_kind(made, tmp_path):
    common, font = made
    paths = [tmp_path / f"split{n}/captions.parquet" for n in range(2)]
    values = {"languages": ["en", "es"], "names": 4, "test": 1, "validation": 1, "seed": 3}
    files = {"common": common, "font": font}
    counts = tmp_path / "counts.json"
    write_emoji(tmp_path / "images.parquet", paths, counts, **values, **files)
    tested = []
    for path in paths:
        found = read({"captions": path, "images": tmp_path / "images.parquet"}, "en")
        (id_,) = found.candidates["candidate_id"].to_pylist()
        assert found.queries["query_id"].to_pylist() == [id_]
        assert found.candidates["image"].to_pylist() == [read_emoji(*made).images[id_]]
        tested.append(id_)
    assert len(set(tested)) == 2
    assert keys_of(read_table(paths[1]), paths[1]) == {"split": 1, "seed": 3}
    told = read_json(counts)
    assert told["versions"] == {"cldr": "41", "font": "Version 1.5"}
    assert told["named_by_language"] == {"en": 5, "es": 4}
    assert told["ambiguous"] == {"es": 2}
    assert told["splits"] == [{"test": 1, "train": 3, "validation": 1}] * 2
    before = [path.read_bytes() for path in (*paths, tmp_path / "images.parquet")]
    write_emoji(tmp_path / "images.parquet", paths, counts, **values, **files)
    assert [path.read_bytes() for path in (*paths, tmp_path / "images.parquet")] == before
    with pytest.raises(DataError, match=r"^es: CLDR names 4 .* 5 are asked for"):
        write_emoji(tmp_path / "i", paths, counts, **(values | {"names": 5}), **files)
    assert not (tmp_path / "i").exists()


def test_emoji_of_one_picture_are_in_one_part_of_every_split(made, tmp_path):
    font = pictures(tmp_path / "same.ttf", PICTURES | {"🦆": PICTURES["🦉"]})
    found = read_emoji(made[0], font)
    groups = {c.sequence: c.group for c in found.concepts}
    assert groups["🦆"] == groups["🦉"] == "duck"
    assert groups["🏃"] != groups["🦉"]
    for seed in range(8):
        for split in splits(found.concepts, 1, 1, 1, seed):
            assert split["1f986"] == split["1f989"]


def test_a_font_that_is_missing_or_has_no_pictures_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.ttf: .* apt-get install fonts-noto-color-emoji"):
        EmojiFont(tmp_path / "a.ttf")
    with pytest.raises(DataError, match=r"b\.ttf: has no bitmaps"):
        EmojiFont(letters(tmp_path / "b.ttf", "ab"))
    (tmp_path / "c.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match=r"c\.ttf: is no font that can be read"):
        EmojiFont(tmp_path / "c.ttf")


def test_names_without_any_picture_are_refused(made, tmp_path):
    font = pictures(tmp_path / "other.ttf", {"🐙": _png("pink")})
    with pytest.raises(DataError, match=r"other\.ttf: has a picture of none of the 9 names"):
        read_emoji(made[0], font)


def test_sequences_are_joined_as_the_font_says(made):
    font = EmojiFont(made[1])
    assert font.image("👩\ufe0f\u200d🚒") == PICTURES["👩\u200d🚒"]
    # A part of a sequence, a joiner, two pictures, an unknown character, nothing.
    assert [font.image(s) for s in ("👩", "\u200d", "🦉🦆", "🐙", "")] == [None] * 5
    assert images(font, ["🐙", "🦉"]) == {"🦉": PICTURES["🦉"]}


def test_ids_are_code_points_without_the_variation():
    assert id_of("👩\u200d🚒") == id_of("👩\ufe0f\u200d🚒") == "1f469-200d-1f692"


installed = pytest.mark.skipif(
    not (Path(cldr.COMMON).is_dir() and Path(emoji_font.FONT).is_file()),
    reason=f"{cldr.PACKAGE} and {emoji_font.PACKAGE} are not installed",
)


@pytest.fixture(scope="module")
def real() -> Emoji:
    return read_emoji()


@installed
def test_the_installed_packages_give_a_benchmark(real):
    assert len(real.concepts) > 1400
    assert len({c.id for c in real.concepts}) == len(real.concepts) == len(real.images)
    groups = Counter(c.group for c in real.concepts)
    assert 1000 < len(groups) < len(real.concepts)
    # The largest are the families, the persons and the arrows.
    assert groups.most_common(1)[0][1] < 60
    flags = [c for c in real.concepts if c.group.startswith("flag ")]
    assert len(flags) > 250
    assert not any(c.testable for c in flags)
    clocks = [c for c in real.concepts if 0x1F550 <= ord(c.sequence[0]) <= 0x1F567]
    assert len(clocks) == 24
    assert not any(c.testable for c in clocks)
    for id_ in ("1f989", "1f469-200d-1f692", "1f1ea-1f1f8", "23-20e3"):
        image = decoded(real.images[id_], id_)
        assert min(image.size) > 100
        assert len(image.getcolors(1 << 20)) > 15


@installed
def test_the_installed_names_are_split_three_times(real):
    names = names_by_language(real, languages=["en", "el", "yo", "ast"])
    few = {code: len(of.names) for code, of in names.items()}
    assert few["ast"] < 400 < 1300 < few["el"] <= few["en"] == len(real.concepts)
    found = splits(real.concepts, 3, 300, 100, seed=0)
    chosen, _ = with_enough(names, 1300)
    assert "ast" not in chosen
    # Fonts draw some flags, and some families, alike; no group is another one for it.
    alike: dict[bytes, list[str]] = {}
    for id_, image in real.images.items():
        alike.setdefault(image, []).append(id_)
    assert max(map(len, alike.values())) > 1
    for split in found:
        assert all(len({split[id_] for id_ in ids}) == 1 for ids in alike.values())
    english = cldr.read_annotations("en").names
    assert all(c.group == group_of(c.sequence, english) for c in real.concepts)
    table, dropped = emoji_captions(real, {code: names[code] for code in chosen}, found[0])
    assert max(dropped.values(), default=0) < 0.05 * len(real.concepts)
    tested = {r["image_id"] for r in table.to_pylist() if r["split"] == TEST}
    assert 295 <= len(tested) <= 320
    assert len(shuffled(table, 0)) == len(table)


def test_an_image_without_any_name_is_no_caption():
    concept = Concept("1", "x", "x", True)
    few = Emoji((concept,), {"1": b""}, {}, {})
    table, dropped = emoji_captions(few, {"en": Annotations({}, {})}, {"1": TRAIN})
    assert (len(table), dropped) == (0, {})
