"""Texts as images: a strip of one line each, black on white, of one height and any width.

One line is the canonical form, since Thai has no blanks to break at. Pillow's raqm shapes the text,
so joined and reordered scripts look as they should. The same text, font and values are the same
bytes.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image, ImageFont, features

from hybridbatch.data.captions import named
from hybridbatch.data.fonts import Face, missing_glyphs
from hybridbatch.data.images import MAX_PIXELS, png
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.logs import Progress, log

HEIGHT = 32  # pixels of a strip
_MARGIN = 4  # pixels to the left and right
_WIDE = 3  # ems, more than nearly every character has; Pillow bears thrice MAX_PIXELS
# Of the height: the size of the em that leaves room for marks above and below the letters.
_EM = 0.6


@dataclass(frozen=True)
class Perturbation:
    """How renderings differ from the clean ones, at random for each text, by a seed.

    shift: pixels that the text is moved by, at most, to each side. size: share of the em that it is
    larger or smaller by, at most. noise: standard deviation that is added to greys, which go from 0
    to 1. Another font is another file.
    """

    shift: int = 0
    size: float = 0.0
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.shift < 0 or not 0 <= self.size < 1 or self.noise < 0:
            raise ValueError(f"{self} has a value out of range")


@dataclass
class Rendered:
    """What `render` met, complete after its last image.

    missing: by id, the characters that the font lacks, which the image shows as boxes. clipped: ids
    of texts whose ink reaches beyond the strip's upper or lower edge.
    """

    missing: dict[str, str] = field(default_factory=dict)
    clipped: list[str] = field(default_factory=list)


def render(
    texts: Mapping[str, str],
    face: Face,
    language: str,
    height: int = HEIGHT,
    perturbation: Perturbation | None = None,
    found: Rendered | None = None,
) -> Iterator[tuple[str, bytes]]:
    """(id, PNG file) of each text, in their order; one image is held at a time.

    White space is collapsed. height: pixels. perturbation: see there; None for clean renderings.
    found: told what the font lacked, which is also logged, counted and named.

    Raises `DataError` that names the text if it is blank, or so long that its strip has more than
    images.MAX_PIXELS, and one if Pillow has no raqm.
    """
    if not features.check("raqm"):
        raise DataError("Pillow has no raqm, which shapes texts; install the wheel of PyPI.")
    found = Rendered() if found is None else found
    found.missing.update(missing_glyphs(face, {id_: clean(text) for id_, text in texts.items()}))
    if found.missing:
        first = next(iter(found.missing))
        log.warning(
            "%s: %s: %d of %d texts have characters that the font lacks, and are rendered with "
            "boxes: %s; %s lacks %s",
            face.path, language, len(found.missing), len(texts), named(list(found.missing)), first,
            " ".join(f"{c} (U+{ord(c):04X})" for c in found.missing[first][:5]),
        )  # fmt: skip
    pen = _Pen(face, height)
    progress = Progress(len(texts), f"texts of {language} rendered")
    for id_, text in texts.items():
        image, clipped = pen.draw(id_, clean(text), perturbation)
        if clipped:
            found.clipped.append(id_)
        yield id_, png(image)
        progress.add()
    if found.clipped:
        log.warning(
            "%s: %s: %d of %d texts reach beyond their strip of %d pixels: %s",
            face.path, language, len(found.clipped), len(texts), height, named(found.clipped),
        )  # fmt: skip


def renderer(
    face: Face,
    language: str,
    height: int = HEIGHT,
    perturbation: Mapping[str, Any] | None = None,
    found: Rendered | None = None,
) -> Callable[[Mapping[str, str]], Iterator[tuple[str, bytes]]]:
    """`render` of texts by id with these values; perturbation: those of a Perturbation."""
    values = None if perturbation is None else Perturbation(**perturbation)
    return lambda texts: render(texts, face, language, height, values, found)


class _Pen:
    """Draws texts with one face in strips of one height."""

    def __init__(self, face: Face, height: int) -> None:
        self.face, self.height = face, height
        self._fonts: dict[int, ImageFont.FreeTypeFont] = {}

    def draw(
        self, id_: str, text: str, perturbation: Perturbation | None
    ) -> tuple[Image.Image, bool]:
        """A strip, and whether some ink is beyond it."""
        if not text:
            raise DataError(f"text {id_}: is blank, and cannot be rendered.")
        p = perturbation or Perturbation()
        rng = _rng(p.seed, id_) if perturbation else None
        em = self.height * _EM
        across = down = 0
        if rng is not None:
            em *= 1 + rng.uniform(-p.size, p.size)
            across, down = (int(rng.integers(-p.shift, p.shift + 1)) for _ in range(2))
        font = self._font(max(1, round(em)))
        ascent, descent = font.getmetrics()
        # The line's middle is the strip's.
        base = (self.height + ascent - descent) // 2 + down
        margin = _MARGIN + p.shift
        if len(text) > ImageFont.MAX_STRING_LENGTH:
            raise DataError(
                f"text {id_}: has {len(text):,} characters; at most "
                f"{ImageFont.MAX_STRING_LENGTH:,} are drawn."
            )
        if _WIDE * len(text) * em * self.height > MAX_PIXELS:  # may be too large to be drawn
            left, _, right, _ = font.getbbox(text, anchor="ls")
            self._width(id_, text, left, right, margin)
        # As ImageDraw.text does it. Asking for the box first would take as long as drawing.
        ink, (left, top) = font.getmask2(text, "L", anchor="ls")
        left, top = int(left), int(top)
        right, bottom = left + ink.size[0], top + ink.size[1]
        image = Image.new("L", (self._width(id_, text, left, right, margin), self.height), 255)
        x, y = margin + across - min(left, 0) + left, base + top
        image.im.paste(0, (x, y, x + ink.size[0], y + ink.size[1]), ink)
        if rng is not None and p.noise:
            image = _noisy(image, p.noise, rng)
        return image, base + top < 0 or base + bottom > self.height

    def _width(self, id_: str, text: str, left: float, right: float, margin: int) -> int:
        """Pixels of a strip; left, right: the ends of the ink, from where writing starts."""
        width = max(1, math.ceil(right) - math.floor(min(left, 0)) + 2 * margin)
        if width * self.height > MAX_PIXELS:
            raise DataError(
                f"text {id_}: has {len(text):,} characters, a strip of {width:,} x {self.height} "
                f"pixels; at most {MAX_PIXELS:,} are made."
            )
        return width

    def _font(self, size: int) -> ImageFont.FreeTypeFont:
        if size not in self._fonts:
            try:
                self._fonts[size] = ImageFont.truetype(
                    self.face.path, size, self.face.index, layout_engine=ImageFont.Layout.RAQM
                )
            except OSError as error:
                raise DataError(
                    f"{self.face.path}: is no font that can be read ({error})."
                ) from error
        return self._fonts[size]


def _noisy(image: Image.Image, deviation: float, rng: np.random.Generator) -> Image.Image:
    grey = np.asarray(image, dtype=np.float64) + rng.normal(0, 255 * deviation, image.size[::-1])
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))


def _rng(seed: int, id_: str) -> np.random.Generator:
    """Random numbers of one text, whatever other texts there are."""
    digest = hashlib.sha256(f"{seed}\0{id_}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
