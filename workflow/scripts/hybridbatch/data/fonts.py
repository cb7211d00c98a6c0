"""Fonts for rendering texts: which script a language has, which font shows it, merged fonts.

Pillow shapes a text with one font and has no second one to fall back on, so that a sentence of Thai
with a name in Latin letters would have boxes. Fonts of several scripts are therefore merged into
one file, once. Chinese, Japanese and Korean have a font of their own, which has Latin letters, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fontTools.merge import Merger
from fontTools.ttLib import TTCollection, TTFont, TTLibError

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import whole

# Scripts of ISO 15924 by language: of Noto's languages those that benchmarks of this field have.
SCRIPTS = {
    "Arab": ("ar", "fa", "ur"),
    "Beng": ("bn",),
    "Cyrl": ("be", "bg", "kk", "mk", "ru", "sr", "uk"),
    "Deva": ("hi", "mr", "ne"),
    "Grek": ("el",),
    "Hans": ("zh",),
    "Hebr": ("he",),
    "Jpan": ("ja",),
    "Kore": ("ko",),
    "Latn": (
        "af", "an", "ast", "ca", "cs", "da", "de", "en", "eo", "es", "et", "eu", "fi", "fil", "fr",
        "gl", "hr", "hu", "id", "is", "it", "lt", "lv", "mi", "ms", "nl", "no", "oc", "pl", "pt",
        "quz", "ro", "sc", "sk", "sl", "sq", "sv", "sw", "tr", "vi", "yo",
    ),
    "Taml": ("ta",),
    "Telu": ("te",),
    "Thai": ("th",),
}  # fmt: skip
# What a font must have to show a script: a few letters, and its tag in GSUB where letters are
# joined or reordered.
_LETTERS = {
    "Arab": "ابتيه", "Beng": "কখগমি", "Cyrl": "абгжя", "Deva": "कखगमि", "Grek": "αβγωή",
    "Hans": "的一是简体", "Hebr": "אבגש", "Jpan": "あア日本語", "Kore": "가나한글", "Latn": "abgzé",
    "Taml": "கஙசமி", "Telu": "కఖగమి", "Thai": "กขคมิ",
}  # fmt: skip
_SHAPED = {
    "Arab": ("arab",), "Beng": ("bng2", "beng"), "Deva": ("dev2", "deva"),
    "Taml": ("tml2", "taml"), "Telu": ("tel2", "telu"),
}  # fmt: skip
# The face of Noto CJK, whose Han characters differ by region.
_FACES = {"Hans": "SC", "Jpan": "JP", "Kore": "KR"}
_SCRIPT = {language: script for script, of in SCRIPTS.items() for language in of}
# Nothing is seen of these: joiners, marks of direction, selectors of variants.
_UNSEEN = {0xAD, 0x61C, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)}
_UNSEEN |= {*range(0x2060, 0x2065), *range(0x2066, 0x206A), *range(0xFE00, 0xFE10)}
_BROKEN = (TTLibError, KeyError, ValueError, AssertionError, OSError)


def script_of(language: str) -> str:
    """The script of a language; `DataError` for one whose script is not known here."""
    if language not in _SCRIPT:
        raise DataError(
            f"language {language!r}: its script is not known; add it to SCRIPTS in data/fonts.py, "
            "and the script's font where it is new."
        )
    return _SCRIPT[language]


def merge_fonts(fonts: Sequence[str | Path], output: str | Path) -> None:
    """Merge fonts into the file `output`, which gets a digest and is the same for the same fonts.

    Where two have a character, the first one's is taken. Raises `DataError` that names the fonts if
    they cannot be merged, such as by another number of units in the em.
    """
    names = ", ".join(map(str, fonts))
    for font in fonts:
        _check_there(font)
    try:
        merged = Merger().merge([str(font) for font in fonts])
        merged.recalcTimestamp = False
        # The time of merging would make every file another one.
        merged["head"].created = merged["head"].modified = TTFont(fonts[0])["head"].modified
    except _BROKEN as error:
        raise DataError(f"{names}: cannot be merged ({error}).") from error
    with whole(output) as temporary:
        merged.save(temporary)


@dataclass(frozen=True)
class Face:
    """One face of a font file: index is its number in a collection, 0 in a plain font."""

    path: str
    index: int = 0

    @cached_property
    def characters(self) -> frozenset[int]:
        """The code points that it has a glyph for."""
        with self._opened() as font:
            return frozenset(font.getBestCmap())

    @cached_property
    def scripts(self) -> frozenset[str]:
        """The script tags of its substitutions."""
        with self._opened() as font:
            table = font["GSUB"].table if "GSUB" in font else None
            records = table.ScriptList.ScriptRecord if table and table.ScriptList else ()
            return frozenset(record.ScriptTag.strip() for record in records)

    @contextmanager
    def _opened(self) -> Iterator[TTFont]:
        """The font, of which only the tables that are asked for are read."""
        try:
            with TTFont(self.path, fontNumber=self.index, lazy=True) as font:
                yield font
        except _BROKEN as error:
            raise DataError(f"{self.path}: is no font that can be read ({error}).") from error

    def missing(self, text: str) -> str:
        """The characters of a text that it has no glyph for, each once, in their order."""
        there = self.characters
        return "".join(
            dict.fromkeys(c for c in text if ord(c) not in there and ord(c) not in _UNSEEN)
        )


def face_for(path: str | Path, language: str) -> Face:
    """The face of a font file that shows a language.

    Of a collection it is the one made for the language's region. Raises `DataError` that names the
    font, the language and its script if the font is missing, is none, or lacks the script: its
    letters, or the rules that join them.
    """
    script = script_of(language)
    _check_there(path)
    face = Face(str(path), _index(path, _FACES.get(script)))
    lacking = face.missing(_LETTERS[script])
    shaped = _SHAPED.get(script, ())
    if lacking or (shaped and not face.scripts & set(shaped)):
        what = f"letters such as {lacking[0]}" if lacking else f"rules of joining ({shaped[0]})"
        raise DataError(
            f"{path}: has no {what}, so it cannot show {language!r}, whose script is {script}."
        )
    return face


def _check_there(path: str | Path) -> None:
    if Path(path).is_file():
        return
    package = "fonts-noto-cjk" if "CJK" in Path(path).name else "fonts-noto-core"
    noto = f" Type: apt-get install {package}" if Path(path).name.startswith("Noto") else ""
    raise DataError(f"{path}: there is no such font.{noto}")


def _index(path: str | Path, face: str | None) -> int:
    """The number of the face of a collection whose family ends with this word, else 0."""
    if Path(path).suffix not in (".ttc", ".otc"):
        return 0
    try:
        with TTCollection(str(path), lazy=True) as collection:
            families = [font["name"].getDebugName(1) or "" for font in collection]
    except _BROKEN as error:
        raise DataError(f"{path}: is no collection of fonts ({error}).") from error
    found = [i for i, family in enumerate(families) if face and family.endswith(f" {face}")]
    return found[0] if found else 0


def missing_glyphs(face: Face, texts: Mapping[str, str]) -> dict[str, str]:
    """By id the characters that the face lacks, of the texts that have such."""
    found = ((id_, face.missing(text)) for id_, text in texts.items())
    return {id_: characters for id_, characters in found if characters}
