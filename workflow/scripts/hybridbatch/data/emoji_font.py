"""The pictures of a font of emoji: bitmaps of characters, and of sequences by ligatures.

Noto Color Emoji (Debian's fonts-noto-color-emoji) has PNG files in its table CBDT. Its table GSUB
says which sequences of characters have one picture, such as a woman, a joiner and a fire engine.
"""

from collections.abc import Iterable
from pathlib import Path

from fontTools.ttLib import TTFont, TTLibError

from hybridbatch.data.cldr import VARIATION
from hybridbatch.runtime.errors import DataError

PACKAGE = "fonts-noto-color-emoji"  # of Debian
FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
_LIGATURES, _EXTENSION = 4, 7  # types of lookups in GSUB


class EmojiFont:
    """A font with the bitmaps of emoji."""

    def __init__(self, path: str | Path = FONT) -> None:
        """Raise `DataError`, naming the Debian package, if the font is missing or has no bitmaps.

        Of several sizes, the largest is used.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise DataError(f"{path}: there is no such font. Type: apt-get install {PACKAGE}")
        try:
            font = TTFont(self.path)
            if "CBDT" not in font or "CBLC" not in font:
                raise DataError(f"{path}: has no bitmaps (tables CBDT and CBLC); give {PACKAGE}'s.")
            sizes = [strike.bitmapSizeTable.ppemY for strike in font["CBLC"].strikes]
            self._bitmaps = font["CBDT"].strikeData[sizes.index(max(sizes))]
            self._glyphs: dict[int, str] = font.getBestCmap()
            self._lookups = [_ligatures(lookup) for lookup in _lookups(font)]
            self.version: str = font["name"].getDebugName(5) or str(font["head"].fontRevision)
        except (TTLibError, KeyError, IndexError, ValueError, AssertionError) as error:
            raise DataError(f"{path}: is no font that can be read ({error}).") from error

    def image(self, sequence: str) -> bytes | None:
        """The PNG file of a character or sequence; None where the font has no single picture."""
        glyphs = [self._glyphs.get(ord(c)) for c in sequence if c != VARIATION]
        if not glyphs or None in glyphs:
            return None
        for ligatures in self._lookups:
            glyphs = _joined(glyphs, ligatures)
        bitmap = self._bitmaps.get(glyphs[0]) if len(glyphs) == 1 else None
        return getattr(bitmap, "imageData", None) or None


def _lookups(font: TTFont) -> list:
    """The lookups of GSUB that features apply, in their order."""
    if "GSUB" not in font:
        return []
    table = font["GSUB"].table
    if table.FeatureList is None or table.LookupList is None:
        return []
    used = {i for f in table.FeatureList.FeatureRecord for i in f.Feature.LookupListIndex}
    return [table.LookupList.Lookup[index] for index in sorted(used)]


def _ligatures(lookup) -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """By first glyph, the (other glyphs, ligature) of a lookup, as the font prefers them."""
    found: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for table in lookup.SubTable:
        inner = table.ExtSubTable if table.LookupType == _EXTENSION else table
        if inner.LookupType != _LIGATURES:
            continue
        for first, ligatures in inner.ligatures.items():
            of = [(tuple(ligature.Component), ligature.LigGlyph) for ligature in ligatures]
            found.setdefault(first, []).extend(of)
    return found


def _joined(
    glyphs: list[str], ligatures: dict[str, list[tuple[tuple[str, ...], str]]]
) -> list[str]:
    """The glyphs after the ligatures of one lookup, from left to right."""
    result, place = [], 0
    while place < len(glyphs):
        found = next(
            (
                (len(others), joined)
                for others, joined in ligatures.get(glyphs[place], ())
                if tuple(glyphs[place + 1 : place + 1 + len(others)]) == others
            ),
            (0, glyphs[place]),
        )
        result.append(found[1])
        place += 1 + found[0]
    return result


def images(font: EmojiFont, sequences: Iterable[str]) -> dict[str, bytes]:
    """The PNG files of the sequences that have one, in their order."""
    found = ((sequence, font.image(sequence)) for sequence in sequences)
    return {sequence: image for sequence, image in found if image is not None}
