"""Pages with small images in tables: what was found first, and rendered texts."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from hybridbatch.render.html import caption_html, page

_STYLE = """.strip { display: block; max-width: none; }
td.images { white-space: nowrap; max-width: none; }
td.images img { width: 64px; height: 64px; object-fit: contain; padding: 2px;
  border: 3px solid transparent; vertical-align: middle; }
h2 img { width: 48px; height: 48px; object-fit: contain; vertical-align: middle; }
td.images img.right { border-color: #a3224f; border-radius: 4px; }
"""


@dataclass(frozen=True)
class Picture:
    """A PNG file; label: what it is of, for those who do not see it; right: whether to frame it."""

    png: bytes
    label: str
    right: bool = False


@dataclass(frozen=True)
class Line:
    """A row of a gallery: texts, the first of them in `language`, and pictures in one cell.

    band: a title over this line and those that follow with the same one. about: a picture beside
    that title.
    """

    band: str
    language: str
    texts: tuple[str, ...]
    pictures: tuple[Picture, ...]
    about: Picture | None = None


def gallery_page(
    title: str, caption: str, header: Sequence[str], lines: Sequence[Line], style: str
) -> str:
    """A table of texts and images, a heading over the lines of each band; all text is escaped.

    caption: may have `code`. header: of the texts and, last, of the pictures. style: CSS.
    """
    wide = "strip" if all(len(line.pictures) == 1 for line in lines) else ""
    parts = []
    for (band, about), of_band in groupby(lines, key=lambda line: (line.band, line.about)):
        beside = "" if about is None else f"{_image(about, '')} "
        heads = "".join(f"<th>{escape(name)}</th>" for name in header)
        rows = "".join(_row(line, wide) for line in of_band)
        parts.append(
            f"<h2>{beside}{escape(band)}</h2>\n"
            f'<div class="wide"><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n'
            "</table></div>\n"
        )
    return page(
        escape(title), caption_html(caption), "", "".join(parts), style + _STYLE, plain=True
    )


def _row(line: Line, kind: str) -> str:
    first, *others = line.texts
    # The direction of its script, and a language's own forms of letters.
    texts = f'<td lang="{escape(line.language)}" dir="auto">{escape(first)}</td>'
    texts += "".join(f"<td>{escape(text)}</td>" for text in others)
    images = " ".join(_image(picture, kind) for picture in line.pictures)
    cell = '<td class="images">' if not kind else "<td>"
    return f"<tr>{texts}{cell}{images}</td></tr>\n"


def _image(picture: Picture, kind: str) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    name = "right" if picture.right else kind
    label = f"{picture.label} (the right one)" if picture.right else picture.label
    of = f' class="{name}"' if name else ""
    return f'<img{of} alt="{escape(label)}" src="data:image/png;base64,{data}">'
