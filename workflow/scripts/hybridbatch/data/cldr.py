"""Names and keywords of characters in a hundred languages: Unicode's CLDR, its annotations.

`annotations/LOCALE.xml` has what people wrote, `annotationsDerived/LOCALE.xml` what CLDR makes of
it for sequences, such as `woman firefighter`. The element of type `tts` (text to speech) is the
name; the one without a type has keywords, divided by bars.

A language here is a locale without script, region or variant, such as `pt`, which is the one of
Brazil, or `zh`, which is in simplified characters. Such a locale inherits nothing but root, which
has no names: `↑↑↑`, which stands for the parent's value, is therefore an absent one. Locales with
more parts (`es_419`, `zh_Hant`) mostly hold differences from their parents, and are not read. Where
CLDR lets one language inherit from another (`nn` from `no`), only its own names count.
"""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from hybridbatch.data.records import lines
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError

PACKAGE = "unicode-cldr-core"  # of Debian
COMMON = "/usr/share/unicode/cldr/common"  # where it puts CLDR
FOLDERS = ("annotations", "annotationsDerived")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_INHERITED = "↑↑↑"
# Asks for the picture rather than the text form; CLDR leaves it out, and so do we.
VARIATION = "\ufe0f"
_VERSION = re.compile(r'cldrVersion\s+CDATA\s+#FIXED\s+"([^"]+)"')


@dataclass(frozen=True)
class Annotations:
    """What a language calls characters and sequences, without `VARIATION`.

    names: by sequence; keywords: by sequence, in the file's order, without the name.
    """

    names: dict[str, str] = field(default_factory=dict)
    keywords: dict[str, tuple[str, ...]] = field(default_factory=dict)


def languages(common: str | Path = COMMON) -> list[str]:
    """The languages that have annotations, sorted.

    common: CLDR's folder `common`. Raises `DataError` that names the Debian package if it is not
    there.
    """
    folder = Path(common) / FOLDERS[0]
    found = sorted(p.stem for p in folder.glob("*.xml") if _LANGUAGE.fullmatch(p.stem))
    if not found:
        raise DataError(f"{folder}: has no annotations of CLDR. Type: apt-get install {PACKAGE}")
    return found


def read_annotations(
    language: str, common: str | Path = COMMON, only: Container[str] | None = None
) -> Annotations:
    """The names and keywords of a language, derived ones included.

    only: sequences to take, without `VARIATION`; all of them if None.
    Raises `DataError` that names the file, and the line where it can, if the language has no file,
    a file is not CLDR's XML, or gives a sequence two names.
    """
    names: dict[str, str] = {}
    keywords: dict[str, tuple[str, ...]] = {}
    for path in _files(language, common):
        root = _parsed(path)
        for element in root.iterfind("annotations/annotation"):
            sequence = element.get("cp", "").replace(VARIATION, "")
            if only is not None and sequence and sequence not in only:
                continue
            text = clean(element.text or "")
            if not sequence or not text:
                raise DataError(f"{path}: an annotation of {sequence!r} has no character or text.")
            if text == _INHERITED:
                continue
            if element.get("type") == "tts":
                if names.setdefault(sequence, text) != text:
                    raise DataError(
                        f"{path}: {sequence} is {text!r} here, and {names[sequence]!r} before; a "
                        "sequence has one name."
                    )
            else:
                keywords[sequence] = tuple(dict.fromkeys(filter(None, map(clean, text.split("|")))))
    return Annotations(
        names, {s: tuple(k for k in of if k != names.get(s)) for s, of in keywords.items()}
    )


def version(common: str | Path = COMMON) -> str:
    """CLDR's version as its DTD states it, such as `41`; `DataError` where it does not."""
    path = Path(common) / "dtd" / "ldml.dtd"
    if not path.is_file():
        raise DataError(f"{path}: is not there. Type: apt-get install {PACKAGE}")
    for _, line in lines(path):
        if found := _VERSION.search(line):
            return found[1]
    raise DataError(f"{path}: states no cldrVersion.")


def annotation_files(language: str, common: str | Path = COMMON) -> list[str]:
    """The files that `read_annotations` reads, as far as they are there."""
    paths = [Path(common) / folder / f"{language}.xml" for folder in FOLDERS]
    return [str(path) for path in paths if path.is_file()]


def _files(language: str, common: str | Path) -> list[str]:
    found = annotation_files(language, common)
    if not found:
        known = ", ".join(languages(common))
        raise DataError(
            f"{common}: CLDR has no annotations in {language!r}; it has them in {known}."
        )
    return found


def _parsed(path: str) -> ElementTree.Element:
    """The root of an XML file; the line is named where it is none."""
    try:
        return ElementTree.fromstring("".join(_whole(path)))
    except ElementTree.ParseError as error:
        raise DataError(f"{path}: line {error.position[0]}: is not XML ({error}).") from error


def _whole(path: str) -> Iterator[str]:
    """The file's text with every line in its place: `lines` leaves blank ones out."""
    last = 0
    for number, line in lines(path):
        yield "\n" * (number - last - 1) + line + "\n"
        last = number
