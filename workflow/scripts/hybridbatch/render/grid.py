"""The content of tables without their layout: pages of grids, which become Markdown and LaTeX.

A grid has bands of rows, such as one for each setting, all with the same columns. It may also have
groups of neighbouring columns, such as one for each benchmark. LaTeX sets a heading over each
group. Markdown cannot, so there each group becomes a table of its own under a heading.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

BOLD, UNDERLINED = "bold", "underlined"
DAGGER = "†"


@dataclass(frozen=True)
class Cell:
    """A number or word; an empty text is an absent cell."""

    text: str = ""
    aside: str = ""  # printed beside or below the text, such as an interval
    emphasis: str = ""  # BOLD, UNDERLINED or none
    mark: str = ""  # DAGGER or none


Row = tuple[str, Sequence[Cell]]  # the row's name, and one cell for each column


@dataclass(frozen=True)
class Band:
    """Rows that belong together."""

    rows: Sequence[Row]
    title: str = ""


@dataclass(frozen=True)
class Grid:
    """One table; names and texts are data, which the renderers escape."""

    caption: str  # for LaTeX, where the table stands alone: what it shows, n, seeds
    corner: str  # the heading of the column of row names
    columns: Sequence[str]
    bands: Sequence[Band]
    groups: Sequence[tuple[str, int]] = ()  # title and number of neighbouring columns, all in order
    brief: bool = False  # LaTeX leaves the asides out, to save space


@dataclass(frozen=True)
class Page:
    """A table file: blocks of Markdown text, headings among them, and grids."""

    name: str  # of the file and of the LaTeX labels
    title: str
    blocks: Sequence[str | Grid]


def pivot(
    names: Iterable[str], columns: Iterable[str], cells: Iterable[Cell], order: Sequence[str]
) -> list[Row]:
    """A row for each distinct name, in order of first appearance, with the columns of `order`.

    names, columns and cells are parallel: one cell each. A missing cell becomes an empty one.
    Raises ValueError if a name and column have two cells.
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
    """A grid of one band; rows and columns in order of first appearance."""
    order = list(dict.fromkeys(columns))
    return Grid(caption, corner, order, [Band(pivot(names, columns, cells, order))])


def plain(
    caption: str, header: Sequence[str], lines: Iterable[Sequence[object]], **options: object
) -> Grid:
    """A grid of texts; the first text of a line is the row's name. None is an absent cell."""
    rows = [(str(n), [Cell("" if c is None else str(c)) for c in cells]) for n, *cells in lines]
    return Grid(caption, header[0], header[1:], [Band(rows)], **options)


def of_frame(caption: str, frame: pd.DataFrame, decimals: Mapping[str, int] = {}) -> Grid:
    """A frame as a grid; decimals: by column of fractions. A missing value is an empty cell."""

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
