"""Small fonts for tests: letters of plain shapes, and pictures of emoji; annotations of CLDR."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

UNITS = 1000
LATIN = "".join(map(chr, range(0x21, 0x7F))) + "éñü¿ß"
ARABIC = "ابتيهمن"
HEAD = """<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE ldml SYSTEM "../../common/dtd/ldml.dtd">
<!-- Copyright -->

<ldml>
\t<identity><version number="$Revision$"/><language type="en"/></identity>
\t<annotations>
"""
FOOT = "\t</annotations>\n</ldml>\n"


def letters(
    path: Path | IO[bytes],
    characters: str,
    features: str = "",
    units: int = UNITS,
    family: str = "Made",
) -> Path | IO[bytes]:
    """A font whose letters are bars of different heights; the one of a missing letter is a box."""
    names = [".notdef", "space", *(f"u{ord(c):04X}" for c in characters)]
    glyphs = {name: _bar(units, 100 + 37 * i % 600) for i, name in enumerate(names)}
    glyphs["space"] = TTGlyphPen(None).glyph()
    cmap = {0x20: "space"} | {ord(c): f"u{ord(c):04X}" for c in characters}
    build(path, names, cmap, glyphs, features, units, family)
    return path


def build(path, names, cmap, glyphs, features="", units=UNITS, family="Made") -> TTFont:
    """Save a font with these glyphs, and return it."""
    builder = FontBuilder(units, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(names, (units // 2, 40)))
    builder.setupHorizontalHeader(ascent=units, descent=-units // 4)
    builder.setupOS2(sTypoAscender=units, sTypoDescender=-units // 4)
    builder.setupNameTable({"familyName": family, "styleName": "Regular", "version": "Version 1.5"})
    builder.setupPost()
    if features:
        addOpenTypeFeaturesFromString(builder.font, features)
    builder.font["head"].created = builder.font["head"].modified = 3_700_000_000
    builder.font.recalcTimestamp = False
    builder.save(path)
    return builder.font


def _bar(units: int, height: int):
    pen = TTGlyphPen(None)
    pen.moveTo((40, 0))
    pen.lineTo((40, height))
    pen.lineTo((units // 2 - 60, height))
    pen.lineTo((units // 2 - 60, 0))
    pen.closePath()
    return pen.glyph()


def pictures(path: Path, images: Mapping[str, bytes]) -> Path:
    """A font with a bitmap (tables CBDT, CBLC) of each sequence, and ligatures of several letters.

    Letters that are only part of sequences have no bitmap.
    """
    letters_ = dict.fromkeys(c for sequence in images for c in sequence)
    names = [".notdef", *(_name(sequence) for sequence in images)]
    names += [_name(c) for c in letters_ if _name(c) not in names]
    cmap = {ord(c): _name(c) for c in letters_}
    glyphs = {name: TTGlyphPen(None).glyph() for name in names}
    rules = [
        f"sub {' '.join(map(_name, sequence))} by {_name(sequence)};"
        for sequence in sorted(images, key=len, reverse=True)
        if len(sequence) > 1
    ]
    features = f"feature ccmp {{ {' '.join(rules)} }} ccmp;" if rules else ""
    font = build(path, names, cmap, glyphs, features)
    font = TTFont(path, recalcTimestamp=False)
    font.importXML(io.StringIO(_bitmaps({_name(s): image for s, image in images.items()})))
    font.save(path)
    return path


def _name(sequence: str) -> str:
    return "_".join(f"u{ord(c):04X}" for c in sequence)


def _bitmaps(images: Mapping[str, bytes]) -> str:
    metrics = "".join(
        f'<{name} value="{value}"/>'
        for name, value in {
            "height": 8,
            "width": 8,
            "BearingX": 0,
            "BearingY": 8,
            "Advance": 8,
        }.items()
    )
    data = "".join(
        f'<cbdt_bitmap_format_17 name="{name}"><SmallGlyphMetrics>{metrics}</SmallGlyphMetrics>'
        f"<rawimagedata>{image.hex()}</rawimagedata></cbdt_bitmap_format_17>"
        for name, image in images.items()
    )
    lines = "".join(
        f'<sbitLineMetrics direction="{way}">'
        + "".join(
            f'<{name} value="0"/>'
            for name in (
                "ascender", "descender", "widthMax", "caretSlopeNumerator",
                "caretSlopeDenominator", "caretOffset", "minOriginSB", "minAdvanceSB",
                "maxBeforeBL", "minAfterBL", "pad1", "pad2",
            )
        )
        + "</sbitLineMetrics>"
        for way in ("hori", "vert")
    )  # fmt: skip
    sizes = "".join(
        f'<{name} value="{value}"/>'
        for name, value in {
            "colorRef": 0, "startGlyphIndex": 1, "endGlyphIndex": len(images), "ppemX": 8,
            "ppemY": 8, "bitDepth": 32, "flags": 1,
        }.items()
    )  # fmt: skip
    glyphs = "".join(f'<glyphLoc name="{name}"/>' for name in images)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><ttFont>'
        f'<CBDT><header version="3.0"/><strikedata index="0">{data}</strikedata></CBDT>'
        f'<CBLC><header version="3.0"/><strike index="0"><bitmapSizeTable>{lines}{sizes}'
        '</bitmapSizeTable><eblc_index_sub_table_1 imageFormat="17" firstGlyphIndex="1" '
        f'lastGlyphIndex="{len(images)}">{glyphs}</eblc_index_sub_table_1></strike></CBLC></ttFont>'
    )


def common(folder: Path, **texts: str) -> Path:
    """CLDR's folder with annotations; names of texts: `en`, or `en_derived`."""
    for name, text in texts.items():
        language = name.removesuffix("_derived")
        kind = "annotationsDerived" if name.endswith("_derived") else "annotations"
        path = folder / kind / f"{language}.xml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text + FOOT, encoding="utf-8")
    return folder
