"""What a table shows, apart from how: pages of grids that Markdown and LaTeX are made from.

A grid has bands, such as a setting each, one below the other with the same columns, and may have
groups of neighbouring columns, such as a benchmark each. LaTeX spans them; Markdown, which cannot,
makes a table of each under a heading.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

BOLD, UNDERLINED = "bold", "underlined"
DAGGER = "†"


@dataclass(frozen=True)
class Cell:
    """A figure or word; no text is an absent cell."""

    text: str = ""
    aside: str = ""  # such as an interval
    emphasis: str = ""  # BOLD, UNDERLINED or none
    mark: str = ""  # DAGGER or none


Row = tuple[str, Sequence[Cell]]  # its name; a cell for each column


@dataclass(frozen=True)
class Band:
    """Rows that belong together."""

    rows: Sequence[Row]
    title: str = ""


@dataclass(frozen=True)
class Grid:
    """One table; names and texts are data, which the renderers escape."""

    caption: str  # for LaTeX, where the table stands alone: what is shown, n, seeds
    corner: str  # what the rows' names are
    columns: Sequence[str]
    bands: Sequence[Band]
    groups: Sequence[tuple[str, int]] = ()  # title and number of neighbouring columns, all in order
    brief: bool = False  # LaTeX leaves the asides out, for want of room


@dataclass(frozen=True)
class Page:
    """A table file: blocks of Markdown text, headings among them, and grids."""

    name: str  # the file's, and of LaTeX's labels
    title: str
    blocks: Sequence[str | Grid]


def pivot(
    names: Iterable[str], columns: Iterable[str], cells: Iterable[Cell], order: Sequence[str]
) -> list[Row]:
    """A row for each name, in the order in which they first stand, of the columns in `order`.

    The first three go in parallel; an absent cell is empty. Raises ValueError for a second cell of
    the same name and column.
    """
    found: dict[str, dict[str, Cell]] = {}
    for name, column, cell in zip(names, columns, cells, strict=True):
        if column in found.setdefault(name, {}):
            raise ValueError(f"two cells in row {name}, column {column}")
        found[name][column] = cell
    return [(name, [row.get(column, Cell()) for column in order]) for name, row in found.items()]


def pivoted(
    caption: str, corner: str, names: Iterable[str], columns: Sequence[str], cells: Iterable[Cell]
) -> Grid:
    """A grid of one band; rows and columns in the order in which they first stand."""
    order = list(dict.fromkeys(columns))
    return Grid(caption, corner, order, [Band(pivot(names, columns, cells, order))])


def plain(
    caption: str, header: Sequence[str], lines: Iterable[Sequence[object]], **options: object
) -> Grid:
    """A grid of texts; the first of each line is its name. None is an absent cell."""
    rows = [(str(n), [Cell("" if c is None else str(c)) for c in cells]) for n, *cells in lines]
    return Grid(caption, header[0], header[1:], [Band(rows)], **options)


def of_frame(caption: str, frame: pd.DataFrame, decimals: Mapping[str, int] = {}) -> Grid:
    """A frame as it is; decimals: of the columns of fractions. Absent is an empty cell."""

    def text(column: str, value: object) -> str | None:
        if pd.isna(value):
            return None
        if column in decimals:
            return f"{value:.{decimals[column]}f}"
        return f"{value:,}" if isinstance(value, int) else str(value)

    header = list(frame.columns)
    lines = (
        [text(column, value) for column, value in zip(header, line, strict=True)]
        for line in frame.itertuples(index=False, name=None)
    )
    return plain(caption, header, lines)
