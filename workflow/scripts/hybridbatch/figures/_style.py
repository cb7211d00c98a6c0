"""The common style of all figures, and the files of a figure.

Samplings are distinguished by a name beside the data, by line and marker, and by a colour. Colours
differ in lightness, so that they also work in grey print and for colour-blind readers. Text is
converted to paths, since an SVG in a page cannot rely on any font. The same data give the same
bytes.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from itertools import cycle
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.runtime.files import write_text

WIDTH = 10.0  # inches; a page shows it at about 1,000 pixels, text of 9 points at 12 or 13
INK, FAINT = "#1a1a1a", "#b0b0b0"
_RC: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#606060",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "text.parse_math": False,  # a name may hold a dollar
    "text.color": INK,
    "svg.fonttype": "path",
}
POOLS = {ALL: "all languages", SEEN: "languages with training data"}


@dataclass(frozen=True)
class Look:
    """The look of a sampling in figures."""

    color: str
    dash: tuple[float, ...]  # on-off sequence of matplotlib; empty for a solid line
    marker: str

    @property
    def line(self) -> tuple[float, tuple[float, ...] | None]:
        return (0, self.dash or None)


# Lightness rises from en-en to x-y in even steps.
LOOKS = {
    "en-en": Look("#0d0d0d", (1, 1.5), "v"),
    "x-x-mono": Look("#173a7a", (5, 2), "s"),
    "hybrid": Look("#a3224f", (), "o"),
    "x-x": Look("#277d99", (1, 1, 4, 1), "P"),
    "x-y": Look("#c68217", (6, 1.5, 1, 1.5), "^"),
}
# Of samplings with names of their own, in their order.
_OTHERS = (
    Look("#6b4c9a", (8, 2), "D"),
    Look("#3d7a3a", (3, 1, 1, 1, 1, 1), "X"),
    Look("#8a5a2b", (2, 2), "<"),
    Look("#5f6b73", (10, 3, 2, 3), ">"),
    Look("#b0529b", (4, 4), "p"),
)


def looks_of(samplings: Iterable[str]) -> dict[str, Look]:
    """The look of each sampling of a figure, by name.

    The five of the catalogue have the same in all figures. Others take what is left, in their
    order, and from the sixth on share it; their names stand beside the data in any case.
    """
    spare = cycle(_OTHERS)
    return {name: LOOKS.get(name) or next(spare) for name in ordered(samplings)}


@dataclass(frozen=True)
class Words:
    """A figure's title, and its caption with metric, n, seeds and how to read it."""

    title: str
    caption: str


@contextmanager
def style() -> Iterator[None]:
    """Use matplotlib's defaults with our changes, and ignore the user's own settings."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a function so that it draws in our style."""

    @wraps(draw)
    def in_style(*args: Any, **kwargs: Any) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return in_style


def panels(rows: int, columns: int, height: float, **options: Any) -> tuple[Figure, np.ndarray]:
    """A figure of WIDTH and its axes [rows, columns]; height: inches of a row."""
    figure = Figure(figsize=(WIDTH, rows * height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def label_ends(
    axes: Axes, ends: Mapping[str, tuple[float, float]], colors: Mapping[str, str], gap: float
) -> None:
    """Write each series' name beside its last point, right of the axes.

    ends: points in data coordinates. gap: minimum distance of two names, as a fraction of the axes'
    height. Call it last, since it depends on the limits of the axes.
    """
    axes.get_xlim(), axes.get_ylim()  # forces matplotlib to compute the limits
    to_axes = axes.transScale + axes.transLimits
    heights = [to_axes.transform(point)[1] for point in ends.values()]
    for (name, point), height in zip(ends.items(), spread(heights, gap), strict=True):
        axes.annotate(
            name,
            point,
            (1.04, height),
            textcoords=axes.transAxes,
            va="center",
            color=colors[name],
            weight="bold",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colors[name], "lw": 0.5, "shrinkA": 1},
        )


def spread(values: Sequence[float], gap: float) -> np.ndarray:
    """`values` moved as little as possible (least squares) to stand at least `gap` apart."""
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(values))
    moved = np.empty(len(values))
    if len(values):
        moved[order] = isotonic_regression(np.asarray(values, float)[order] - steps).x + steps
    return moved


def luminance(color: Any) -> float:
    """Relative luminance of a colour, 0 to 1 (WCAG 2), which is its lightness in grey print."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: Any, other: Any) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def message_figure(text: str) -> Figure:
    """A figure with a sentence, used where there is nothing to draw."""
    with style():
        figure = Figure(figsize=(WIDTH, 1.0))
        figure.text(0.5, 0.5, text, ha="center", va="center", wrap=True)
    return figure


def save_figure(figure: Figure, words: Words, svg: str | Path, text: str | Path, id_: str) -> None:
    """Write the SVG, with title and description for screen readers, and the text file.

    text: path of the file with the title, an empty line and the caption. id_: prefix of the ids of
    the SVG's elements, unique to the figure. The SVG has no date and no random ids, so that its
    bytes are the same in every run.
    """
    file = io.StringIO()
    with style(), matplotlib.rc_context({"svg.hashsalt": id_}):
        none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=none)
    write_text(svg, _described(file.getvalue(), words, id_))
    write_text(text, f"{words.title}\n\n{words.caption}\n")


def _described(svg: str, words: Words, name: str) -> str:
    """Add the elements for screen readers to an SVG, and make its ids unique to the figure."""
    label = re.sub(r"[^A-Za-z0-9_.:-]", "-", name)
    head = f'<svg role="img" aria-labelledby="{label}-title {label}-description" '
    elements = (
        f' <title id="{label}-title">{escape(words.title)}</title>\n'
        f' <desc id="{label}-description">{escape(words.caption)}</desc>\n'
    )
    before, after = svg.split("<svg ", 1)
    opening, rest = after.split(">\n", 1)
    return f"{before}{head}{opening}>\n{elements}{rest}"


def queries_phrase(counts: Iterable[float]) -> str:
    """`n = 167 queries`, or the range if counts differ."""
    return f"n = {_range(counts)} queries"


def seeds_phrase(counts: Iterable[float]) -> str:
    """`1 seed`, `3 seeds`, or the range if counts differ."""
    counts = list(counts)
    return f"{_range(counts)} seed{'' if max(counts) == 1 else 's'}"


def ordered(names: Iterable[str]) -> list[str]:
    """The distinct samplings, in order of first appearance."""
    return list(dict.fromkeys(names))


def interval_phrase(frame: pd.DataFrame, confidence: float) -> str:
    """A phrase that explains the error bars; empty without any. frame: has ci_low."""
    if frame["ci_low"].isna().all():
        return "There are no intervals: a single article or question has none."
    one_seed = (frame["n_seeds"] == 1).all()
    of = "this seed only" if one_seed else "articles and seeds"
    return f"Bars: {100 * confidence:g}% intervals over {of}."


def _range(counts: Iterable[float]) -> str:
    low, high = min(counts := [int(c) for c in counts]), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
