"""Fonts and rendered texts: which font shows a language, and what a strip looks like."""

import io
from pathlib import Path

import numpy as np
import psutil
import pytest
from fonts import ARABIC, LATIN, letters
from fontTools.ttLib import TTCollection, TTFont
from PIL import Image, ImageDraw, ImageFont

from hybridbatch.data.fonts import SCRIPTS, Face, face_for, merge_fonts, missing_glyphs, script_of
from hybridbatch.data.images import decoded
from hybridbatch.data.rendering import HEIGHT, Perturbation, Rendered, render
from hybridbatch.experiment.benchmarks.rendered import Config
from hybridbatch.runtime.errors import DamagedError, DataError
from hybridbatch.runtime.files import checked, digest_of

JOINED = """languagesystem DFLT dflt; languagesystem arab dflt;
feature liga { sub u0627 u0628 by u062A; } liga;"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Fonts: latin.ttf, arabic.ttf, and merged.ttf of both."""
    folder = tmp_path_factory.mktemp("fonts")
    letters(folder / "latin.ttf", LATIN)
    letters(folder / "arabic.ttf", ARABIC, JOINED)
    merge_fonts([folder / "latin.ttf", folder / "arabic.ttf"], folder / "merged.ttf")
    return folder


def grey(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def strips(folder: Path, texts: dict[str, str], **values) -> dict[str, np.ndarray]:
    face = face_for(folder / "merged.ttf", "en")
    return {id_: grey(data) for id_, data in render(texts, face, "en", **values)}


def test_every_script_has_its_languages_once():
    of = [language for languages in SCRIPTS.values() for language in languages]
    assert len(of) == len(set(of))
    assert [script_of(code) for code in ("en", "el", "ru", "ar", "hi", "th", "zh")] == [
        "Latn", "Grek", "Cyrl", "Arab", "Deva", "Thai", "Hans",
    ]  # fmt: skip
    with pytest.raises(DataError, match="language 'xx': its script is not known; add it"):
        script_of("xx")


def test_a_merged_font_has_all_letters_and_a_digest(folder):
    face = face_for(folder / "merged.ttf", "ar")
    assert not face.missing(LATIN + ARABIC)
    assert face_for(folder / "merged.ttf", "es") == face
    path = folder / "again.ttf"
    merge_fonts([folder / "latin.ttf", folder / "arabic.ttf"], path)
    assert digest_of(path) == digest_of(folder / "merged.ttf")
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(DamagedError):
        checked(path)


@pytest.mark.parametrize(
    ("font", "language", "words"),
    [
        ("latin.ttf", "ar", "has no letters such as ا, so it cannot show 'ar', whose script is A"),
        ("merged.ttf", "hi", "has no letters such as क, so it cannot show 'hi', whose script is D"),
        ("arabic.ttf", "en", "has no letters such as a, so it cannot show 'en', whose script is L"),
    ],
)
def test_a_font_without_a_script_is_named(folder, font, language, words):
    with pytest.raises(DataError) as caught:
        face_for(folder / font, language)
    assert str(caught.value).startswith(f"{folder / font}: {words}")


def test_a_font_with_letters_that_it_does_not_join_is_named(tmp_path):
    font = letters(tmp_path / "loose.ttf", ARABIC)
    with pytest.raises(DataError, match=r"loose\.ttf: has no rules of joining \(arab\)"):
        face_for(font, "ar")


def test_a_font_that_is_missing_or_none_is_named(tmp_path):
    with pytest.raises(DataError, match=r"NotoSansThai-Regular.ttf: .* install fonts-noto-core"):
        merge_fonts([tmp_path / "NotoSansThai-Regular.ttf"], tmp_path / "merged.ttf")
    with pytest.raises(DataError, match=r"NotoSansCJK-Regular.ttc: .* install fonts-noto-cjk"):
        face_for(tmp_path / "NotoSansCJK-Regular.ttc", "zh")
    path = tmp_path / "a.ttf"
    path.write_bytes(b"no font")
    with pytest.raises(DataError, match=r"a\.ttf: is no font that can be read"):
        face_for(path, "en")
    with pytest.raises(DataError, match=r"a\.ttf: cannot be merged"):
        merge_fonts([path, path], tmp_path / "merged.ttf")
    assert not (tmp_path / "merged.ttf").exists()


def test_fonts_of_different_units_are_not_merged(tmp_path):
    fonts = [letters(tmp_path / f"{n}.ttf", "ab", units=n) for n in (1000, 2048)]
    with pytest.raises(DataError, match=r"1000\.ttf, .*2048\.ttf: cannot be merged"):
        merge_fonts(fonts, tmp_path / "merged.ttf")


def test_the_face_of_a_collection_is_the_region_s(tmp_path):
    han = "的一是简体あア日本語가나한글"
    fonts = [
        TTFont(letters(tmp_path / f"{region}.ttf", han, family=f"Made CJK {region}"))
        for region in ("JP", "KR", "SC")
    ]
    collection = TTCollection()
    collection.fonts = fonts
    collection.save(tmp_path / "all.ttc")
    found = [face_for(tmp_path / "all.ttc", code).index for code in ("ja", "ko", "zh")]
    assert found == [0, 1, 2]


def test_characters_that_nothing_is_seen_of_are_not_missing(folder):
    face = Face(str(folder / "merged.ttf"))
    assert face.missing("a\u200db\u200f\ufe0f\u00ad c") == ""
    assert face.missing("aЖbЖก") == "Жก"
    assert missing_glyphs(face, {"x": "ab", "y": "Ж"}) == {"y": "Ж"}


def test_a_strip_has_its_height_and_black_letters_on_white(folder):
    found = strips(folder, {"a": "Owls sleep.", "b": "Owls"})
    assert {image.shape[0] for image in found.values()} == {HEIGHT}
    assert found["a"].shape[1] > found["b"].shape[1] > 20
    assert found["a"].dtype == np.uint8
    assert (found["a"].min(), found["a"].max()) == (0, 255)
    edges = found["a"][[0, -1]].tolist() + found["a"][:, [0, -1]].T.tolist()
    assert {value for edge in edges for value in edge} == {255}
    assert strips(folder, {"a": "Owls"}, height=64)["a"].shape[0] == 64


def drawn(text: str, path: Path, size: int) -> np.ndarray:
    """A strip as Pillow draws it, with the margins of `render`."""
    font = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.RAQM)
    ascent, descent = font.getmetrics()
    left, _, right, _ = font.getbbox(text, anchor="ls")
    image = Image.new("L", (int(right - min(left, 0)) + 8, HEIGHT), 255)
    place = (4 - min(left, 0), (HEIGHT + ascent - descent) // 2)
    ImageDraw.Draw(image).text(place, text, fill=0, font=font, anchor="ls")
    return np.asarray(image)


@pytest.mark.parametrize(
    ("name", "language", "texts"),
    [
        ("NotoSans-Regular", "en", ["fjord of {Åland}, j", "j", "f", "_" * 40, "To AVA fi\u0301"]),
        ("NotoNaskhArabic-Regular", "ar", ["\u0643\u0627\u0646\u062a \u0627\u0644\u063a"]),
        ("NotoSansDevanagari-Regular", "hi", ["\u0915\u093f \u0915\u094d\u092f\u093e"]),
        ("NotoSansThai-Regular", "th", ["\u0e1b\u0e35\u0e48 \u0e1b\u0e48\u0e32"]),
    ],
)
def test_a_strip_is_what_pillow_draws(name, language, texts):
    path = Path(f"/usr/share/fonts/truetype/noto/{name}.ttf")
    if not path.is_file():
        pytest.skip("apt-get install fonts-noto-core")
    named = dict(enumerate(texts))
    for id_, data in render(named, face_for(path, language), language):
        np.testing.assert_array_equal(grey(data), drawn(named[id_], path, round(0.6 * HEIGHT)))


def test_white_space_is_collapsed_and_lines_are_one(folder):
    found = strips(folder, {"a": "Owls \n\u00a0 sleep.\t", "b": "Owls sleep."})
    assert (found["a"] == found["b"]).all()


def test_an_image_can_be_decoded_as_others_can(folder):
    face = face_for(folder / "merged.ttf", "en")
    ((_, data),) = render({"a": "Owls"}, face, "en")
    assert decoded(data, "a").mode == "RGB"


def test_texts_are_shaped(folder):
    face = face_for(folder / "merged.ttf", "ar")
    both = dict(render({"joined": "اب", "one": "ت"}, face, "ar"))
    # The font has a ligature of the two letters, which looks as the third.
    assert both["joined"] == both["one"]


def test_the_same_values_are_the_same_bytes(folder):
    face, texts = face_for(folder / "merged.ttf", "en"), {"a": "Owls", "b": "Ducks swim."}
    for values in (None, Perturbation(shift=2, size=0.2, noise=0.1, seed=3)):
        first, second = (dict(render(texts, face, "en", HEIGHT, values)) for _ in range(2))
        assert first == second
        alone = dict(render({"b": texts["b"]}, face, "en", HEIGHT, values))
        assert alone["b"] == first["b"]


def test_a_glyph_that_the_font_lacks_is_counted_and_named(folder, caplog):
    texts = {"a": "Owls", "b": "Жук and กา", "c": "Ж"}
    face, found = face_for(folder / "merged.ttf", "en"), Rendered()
    images = dict(render(texts, face, "en", found=found))
    assert found.missing == {"b": "Жукกา", "c": "Ж"}
    assert list(images) == ["a", "b", "c"]
    assert "2 of 3 texts have characters that the font lacks" in caplog.text
    assert "b, c; b lacks Ж (U+0416)" in caplog.text
    assert not found.clipped


def test_ink_beyond_the_strip_is_counted(folder, caplog):
    found = Rendered()
    face = face_for(folder / "merged.ttf", "en")
    values = Perturbation(shift=25, seed=1)
    texts = {f"t{i}": "Owls{}" for i in range(20)}
    list(render(texts, face, "en", HEIGHT, values, found))
    assert 0 < len(found.clipped) < 20
    assert f"{len(found.clipped)} of 20 texts reach beyond their strip of 32 pixels" in caplog.text


def test_a_blank_text_is_refused_by_its_id(folder):
    with pytest.raises(DataError, match="text b: is blank"):
        strips(folder, {"a": "Owls", "b": " \u3000"})


def test_a_text_that_would_make_a_huge_image_is_refused_by_its_id(folder):
    with pytest.raises(DataError, match=r"text a: has 300,000 characters, a strip of"):
        strips(folder, {"a": "W" * 300_000})
    # More pixels than Pillow draws, in few characters.
    with pytest.raises(DataError, match=r"text a: has 4,000 characters, a strip of .* x 500 pix"):
        strips(folder, {"a": "W" * 4_000}, height=500)
    with pytest.raises(DataError, match=r"text a: has 1,000,001 characters; at most 1,000,000"):
        strips(folder, {"a": "W" * 1_000_001})


def test_shift_moves_the_ink_and_nothing_else(folder):
    texts = {f"t{i}": "Owls" for i in range(30)}
    clean = strips(folder, {"t": "Owls"})["t"]
    rows, columns = np.nonzero(clean < 255)
    ink = clean[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    places = set()
    for image in strips(folder, texts, perturbation=Perturbation(shift=2)).values():
        r, c = np.nonzero(image < 255)
        assert (image[r.min() : r.max() + 1, c.min() : c.max() + 1] == ink).all()
        places.add((int(r.min() - rows.min()), int(c.min() - columns.min() - 2)))
    assert {down for down, _ in places} <= set(range(-2, 3))
    assert {across for _, across in places} <= set(range(-2, 3))
    assert len(places) > 8


def test_size_makes_letters_larger_and_smaller(folder):
    texts = {f"t{i}": "Owls sleep" for i in range(30)}
    clean = strips(folder, {"t": "Owls sleep"})["t"].shape[1]
    widths = [
        image.shape[1]
        for image in strips(folder, texts, perturbation=Perturbation(size=0.3)).values()
    ]
    assert min(widths) < clean < max(widths)
    assert max(widths) < 1.5 * clean


def test_noise_is_as_strong_as_asked_and_another_for_each_text(folder):
    texts = {f"t{i}": "O" * 40 for i in range(5)}
    found = list(strips(folder, texts, perturbation=Perturbation(noise=0.1)).values())
    clean = strips(folder, {"t": "O" * 40})["t"]
    black = clean == 0
    assert all(image.shape == clean.shape for image in found)
    # Half of what is added to black is clipped: E|N| / 2 = .4 of the deviation.
    deviation = np.mean([image[black].mean() for image in found]) / 255
    assert deviation == pytest.approx(0.1 * 0.399, rel=0.1)
    assert len({image.tobytes() for image in found}) == 5
    seeds = [strips(folder, texts, perturbation=Perturbation(noise=0.1, seed=s)) for s in (0, 1)]
    assert (seeds[0]["t0"] != seeds[1]["t0"]).any()


@pytest.mark.parametrize("values", [{"shift": -1}, {"size": 1.0}, {"noise": -0.1}])
def test_values_out_of_range_are_refused(values):
    with pytest.raises(ValueError, match="out of range"):
        Perturbation(**values)


NOTO = [*Config.model_fields["fonts"].default, *Config.model_fields["own_fonts"].default.values()]


@pytest.mark.skipif(
    not all(Path(path).is_file() for path in NOTO),
    reason="fonts-noto-core and fonts-noto-cjk are not installed",
)
def test_the_installed_fonts_show_the_languages_of_xquad_r(tmp_path):
    merged = tmp_path / "merged.ttf"
    merge_fonts(NOTO[:-1], merged)
    texts = {
        "ar": "البومة تنام في الشجرة (XQuAD, 1999).", "de": "Die Eule schläft.",
        "el": "Η κουκουβάγια κοιμάται.", "en": "The owl sleeps.", "es": "¿Duerme el búho?",
        "hi": "उल्लू पेड़ पर सोता है, कृषि 1999 XQuAD।", "ru": "Сова спит.", "tr": "Baykuş uyuyor.",
        "th": "นกฮูกนอนบนต้นไม้ XQuAD", "vi": "Con cú ngủ trên cây ở Thượng Hải.",
        "zh": "猫头鹰在树上睡觉，XQuAD（1999）。",
    }  # fmt: skip
    for language, text in texts.items():
        face = face_for(NOTO[-1] if language == "zh" else merged, language)
        found = Rendered()
        ((_, data),) = render({language: text}, face, language, found=found)
        assert (found.missing, found.clipped) == ({}, []), language
        assert grey(data).min() < 40


def test_no_font_is_left_open(folder):
    face = face_for(folder / "merged.ttf", "ar")
    assert face.scripts
    assert face.path not in {file.path for file in psutil.Process().open_files()}
