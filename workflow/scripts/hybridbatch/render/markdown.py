"""Markdown for GitHub. Cells, titles and names of tables are escaped: none of them is markup."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from tabulate import tabulate

from hybridbatch.render.grid import BOLD, UNDERLINED, Cell, Grid, Page, Row

# An underscore inside a word is not markup, so it is not escaped.
_MARKUP = re.compile(r"([\\`*\[\]<>|~$&]|(?<![^\W_])_|_(?![^\W_]))")
# GitHub shows <ins> underlined and drops <u>.
_EMPHASIS = {BOLD: "**{}**", UNDERLINED: "<ins>{}</ins>", "": "{}"}


def escape(text: str) -> str:
    """`text` on one line, escaped so that GitHub shows it literally inside a table cell."""
    visible = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return _MARKUP.sub(r"\\\1", " ".join(visible.split()))


def grid(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are escaped, None is an empty cell."""
    lines = [["" if cell is None else escape(str(cell)) for cell in row] for row in rows]
    return _table(headers, lines)


def render(page: Page) -> str:
    """The page as Markdown. Each group of a grid is a table under a third-level heading."""
    blocks = [heading(1, page.title)]
    for block in page.blocks:
        blocks += [block] if isinstance(block, str) else tables(block)
    return "\n\n".join(blocks) + "\n"


def heading(level: int, text: str) -> str:
    """A heading that shows `text` as it is."""
    # Number signs at its end would close it.
    shown = re.sub(r"(#+)$", r"\\\1", escape(text))
    return f"{'#' * level} {shown}"


def fenced(text: str, language: str) -> str:
    """A block of code, whatever backticks are in it."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def tables(grid: Grid) -> Iterator[str]:
    """The tables of a grid, each preceded by its heading if it has one."""
    start = 0
    for group, width in grid.groups or [("", len(grid.columns))]:
        part = slice(start, start + width)
        start += width
        for band in grid.bands:
            if title := ", ".join(filter(None, [group, band.title])):
                yield heading(3, title)
            yield _table([grid.corner, *grid.columns[part]], [_line(r, part) for r in band.rows])


def _line(row: Row, part: slice) -> list[str]:
    return [escape(row[0]), *map(_text, row[1][part])]


def _text(cell: Cell) -> str:
    text = escape(cell.text)
    text = _EMPHASIS[cell.emphasis].format(text) + cell.mark if text else ""
    return f"{text} {cell.aside}".strip().replace("\n", " ")


def _table(header: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    columns = [escape(name) for name in header]
    right = [
        any(cells) and all(cell[-1].isdigit() for cell in cells if cell)
        for cells in zip(*lines, strict=True)
    ] or [False] * len(columns)
    return tabulate(
        lines,
        headers=columns,
        disable_numparse=True,
        colalign=["left", *("right" if r else "left" for r in right[1:])] if lines else None,
        tablefmt="github",
    )
