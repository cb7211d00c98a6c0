"""LaTeX tables in the style of booktabs. They are pure ASCII, so any engine and encoding works.

pandas' Styler also writes booktabs. But it has neither partial rules under groups of columns nor
bands of rows, and it leaves Unicode to the document.
"""

import math
import re
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from hybridbatch.render.grid import BOLD, UNDERLINED, Band, Cell, Grid, Page, Row

_HEAD = r"""% {title}
% In the preamble: \usepackage{{booktabs}}. Wide tables are table*, over both columns of a page that
% has two; all fit a line of 16 cm.
"""
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "`": "{`}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "''",
    "†": r"$^{\dagger}$", "−": "$-$", "–": "--", "—": "---", "…": r"\ldots{}", "·": r"$\cdot$",
    "×": r"$\times$", "±": r"$\pm$", "≤": r"$\leq$", "≥": r"$\geq$", "’": "'", "“": "``",
    "”": "''", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}",
    "œ": r"\oe{}", "Œ": r"\OE{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
# Intervals and other asides are set below the value, smaller.
_STACK = r"\begin{{tabular}}[t]{{@{{}}{}@{{}}}}{}\\[-.3ex]{{\{} {}}}\end{{tabular}}"
_EMPHASIS = {BOLD: r"\textbf{{{}}}", UNDERLINED: r"\underline{{{}}}", "": "{}"}
_FIGURE = re.compile(r"[+−-]?([\d,]+)(\.\d+)?%?")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SHARE = re.compile(r"[01]\.\d+")
_LEADING_ZERO = re.compile(r"(?<![\d.])0(?=\.\d)")
_LONG = 36  # characters; a longer text is broken into lines
_HEADING = 11  # characters in a line of a heading
_LINES = 44  # lines of a table; a longer one is continued in another table
# Environment, size; points of a character, of a column's separation and of the line to fit.
_SIZES = (
    ("table", "small", 4.7, 6, 240),
    ("table*", "small", 4.7, 6, 455),
    ("table*", "footnotesize", 4.3, 3, 455),
    ("table*", "scriptsize", 3.9, 3, 455),
    ("table*", "tiny", 3.3, 2, 455),
)
_SMALLER = {"small": "scriptsize", "footnotesize": "scriptsize"}  # for asides; others: tiny


def escape(text: str) -> str:
    """`text` on one line in ASCII, shown as it is; letters beyond Latin as their code points."""
    line = " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in text).split())
    line = "".join(_character(c) for c in unicodedata.normalize("NFC", line))
    # A hyphen before a number becomes a minus sign.
    return re.sub(r"(?<![\w-])-(?=\.?\d)", "$-$", line)


def render(page: Page) -> str:
    """Every grid of the page as a table of its own, labelled `tab:NAME`, `tab:NAME-2` and so on.

    Blocks of text are for Markdown only; the captions make each table understandable on its own.
    Intervals and other asides are set below the value; a brief grid has none.
    """
    tables = [part for grid in page.blocks if isinstance(grid, Grid) for part in _parts(grid)]
    texts = [
        _table(grid, f"tab:{page.name}" + (f"-{number}" if number > 1 else ""))
        for number, grid in enumerate(tables, 1)
    ]
    return "\n".join([_HEAD.format(title=escape(page.title)), *texts])


def _character(c: str) -> str:
    if c in _SPECIAL:
        return _SPECIAL[c]
    if c.isascii():
        return c
    base, *marks = unicodedata.normalize("NFD", c)
    if not base.isascii() or not all(mark in _ACCENTS for mark in marks):
        return f"[U+{ord(c):04X}]"
    for mark in marks:
        base = f"\\{_ACCENTS[mark]}{{{base}}}"
    return base


def _parts(grid: Grid) -> Iterator[Grid]:
    """Pieces of the grid that fit a page: first its columns are split, then each piece's rows."""
    pieces = [piece for part in _across(grid) for piece in _down(part)]
    for number, piece in enumerate(pieces):
        yield replace(piece, caption=grid.caption + (" (continued)" if number else ""))


def _across(grid: Grid) -> list[Grid]:
    """Pieces of about the same number of columns, as few as fit a line; groups stay together."""
    total = len(grid.columns)
    for number in range(1, 1 if grid.groups else total):
        ends = [total * i // number for i in range(number + 1)]
        pieces = [
            replace(
                grid,
                columns=grid.columns[start:end],
                bands=[
                    replace(band, rows=[(name, cells[start:end]) for name, cells in band.rows])
                    for band in grid.bands
                ],
            )
            for start, end in pairwise(ends)
        ]
        if all(_Measures(piece).fits for piece in pieces):
            return pieces
    return [grid]


def _down(grid: Grid) -> list[Grid]:
    """Pieces of about the same height, none higher than _LINES."""
    heights = [1 + _has_asides(grid, row) for band in grid.bands for row in band.rows]
    number = math.ceil((sum(heights) + len(grid.bands)) / _LINES)
    limit = math.ceil(sum(heights) / max(number, 1))
    pieces: list[list[Band]] = [[]]
    used = 0
    for band in grid.bands:
        rows: list[Row] = []
        for row in band.rows:
            if used >= limit:
                pieces[-1] += [Band(rows, band.title)] if rows else []
                pieces.append([])
                rows, used = [], 0
            rows.append(row)
            used += 1 + _has_asides(grid, row)
        pieces[-1] += [Band(rows, band.title)] if rows else []
    return [replace(grid, bands=bands) for bands in pieces]


class _Measures:
    """The alignment and width of a grid's columns, and the type size."""

    def __init__(self, grid: Grid) -> None:
        rows = [row for band in grid.bands for row in band.rows]
        columns = [[cells[i] for _, cells in rows] for i in range(len(grid.columns))]
        numbers = [n for column in columns for c in column for n in _NUMBER.findall(c.text)]
        names = [Cell(name) for name in (grid.corner, *(name for name, _ in rows))]
        self.shares = all(_SHARE.fullmatch(number) for number in numbers)
        self.kinds = [_kind(names), *(_kind(cells, grid.brief) for cells in columns)]
        self.digits = [max((len(_digits(c)) for c in column), default=0) for column in columns]
        widths = [_width(names)]
        for title, cells in zip(grid.columns, columns, strict=True):
            lines = [Cell(line) for line in _heading_lines(title)]
            widths.append(_width([*lines, *cells], grid.brief, self.shares))
        for environment, size, points, separation, limit in _SIZES:
            self.environment, self.size, self.separation = environment, size, separation
            self.fits = points * sum(widths) + 2 * separation * len(grid.columns) <= limit
            if self.fits:
                break


def _table(grid: Grid, label: str) -> str:
    set_as = _Measures(grid)
    kinds, size, shares = set_as.kinds, set_as.size, set_as.shares
    total = 1 + len(grid.columns)
    caption = escape(grid.caption.replace("`", ""))  # names are quoted in Markdown's way

    def line(row: Row) -> str:
        texts = [_broken(_starting(escape(row[0])), kinds[0])]
        for cell, kind, wide in zip(row[1], kinds[1:], set_as.digits, strict=True):
            text = _text(cell, kind, wide, shares)
            if cell.aside and not grid.brief:
                aside = escape(_shortened(cell.aside, shares))
                text = _STACK.format(kind, text, _SMALLER.get(size, "tiny"), aside)
            texts.append(text)
        return " & ".join(texts) + (r" \\[.4ex]" if _has_asides(grid, row) else r" \\")

    body: list[str] = []
    for number, band in enumerate(grid.bands):
        body += [r"\midrule"] if number else []
        if band.title:
            body += [rf"\multicolumn{{{total}}}{{@{{}}l@{{}}}}{{\emph{{{escape(band.title)}}}}} \\"]
        body += map(line, band.rows)
    specification = "".join(kinds)
    return "\n".join(
        [
            rf"\begin{{{set_as.environment}}}[tp]",
            r"\centering",
            r"\setlength{\belowcaptionskip}{6pt}",
            rf"\caption{{{caption}}}",
            rf"\label{{{label}}}",
            rf"\{size}",
            rf"\setlength{{\tabcolsep}}{{{set_as.separation}pt}}",
            rf"\begin{{tabular}}{{@{{}}{specification}@{{}}}}",
            r"\toprule",
            *_groups(grid),
            " & ".join([escape(grid.corner), *map(_heading, grid.columns, kinds[1:])]) + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            rf"\end{{{set_as.environment}}}",
            "",
        ]
    )


def _groups(grid: Grid) -> list[str]:
    """The line of groups' titles and the rules below them, if the grid has groups."""
    if not grid.groups:
        return []
    titles, rules, start = [""], [], 2
    for title, width in grid.groups:
        titles.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return [" & ".join(titles) + r" \\", " ".join(rules)]


def _kind(cells: Sequence[Cell], brief: bool = False) -> str:
    """The alignment of a column: numbers to the right, or centred if asides stand below them."""
    texts = [cell.text for cell in cells if cell.text]
    if texts and all(_FIGURE.fullmatch(text) for text in texts):
        return "r" if brief or not any(cell.aside for cell in cells) else "c"
    if any(len(text) > _LONG for text in texts):
        return r"p{.28\textwidth}"
    return "l"


def _width(cells: Sequence[Cell], brief: bool = False, shares: bool = False) -> float:
    """The width of a column in characters; bold ones count as wider."""
    texts = [
        len(_shortened(cell.text, shares)) * (1.1 if cell.emphasis == BOLD else 1) for cell in cells
    ]
    asides = [0 if brief else 0.9 * len(_shortened(cell.aside, shares)) for cell in cells]
    return min(_LONG, max(*texts, *asides))


def _text(cell: Cell, kind: str, digits: int, shares: bool) -> str:
    if not cell.text:
        return ""
    text = _EMPHASIS[cell.emphasis].format(escape(_shortened(cell.text, shares)))
    if cell.mark:
        text += rf"\rlap{{{escape(cell.mark)}}}"  # zero width, so that the numbers stay aligned
    missing = digits - len(_digits(cell)) if kind == "c" else 0
    return (rf"\phantom{{{'0' * missing}}}" if missing else "") + _broken(text, kind)


def _digits(cell: Cell) -> str:
    """The digits before the decimal point."""
    match = _FIGURE.fullmatch(cell.text)
    return match[1].replace(",", "") if match else ""


def _heading(title: str, kind: str) -> str:
    first, *others = [_starting(escape(line)) for line in _heading_lines(title)]
    if others:
        place = "l" if kind[0] == "p" else kind
        text = r" \\ ".join([first, *others])
        first = rf"\begin{{tabular}}[b]{{@{{}}{place}@{{}}}}{text}\end{{tabular}}"
    return rf"\multicolumn{{1}}{{c}}{{{first}}}" if kind == "r" else first


def _starting(text: str) -> str:
    r"""Text that is safe after `\\`, which would read a bracket or asterisk as its argument."""
    return "{}" + text if text.startswith(("[", "*")) else text


def _heading_lines(title: str) -> list[str]:
    """A heading broken into lines, since it may be much longer than the numbers below it."""
    return textwrap.wrap(title, _HEADING, break_long_words=False, break_on_hyphens=False) or [""]


def _broken(text: str, kind: str) -> str:
    """Set a text in a column of long texts ragged right, without stretched spaces."""
    return rf"{{\raggedright {text}\par}}" if kind.startswith("p") and text else text


def _shortened(text: str, shares: bool) -> str:
    """Shares without their leading zero, as the papers print them."""
    return _LEADING_ZERO.sub("", text) if shares else text


def _has_asides(grid: Grid, row: Row) -> bool:
    return not grid.brief and any(cell.aside for cell in row[1])
