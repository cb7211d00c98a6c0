"""One look for every figure, and the files that a figure becomes.

A sampling is told by its name beside the data, by line and marker, and by a colour whose
lightness alone tells it too, so that a grey print and colour-blind eyes lose nothing. Text becomes
paths: an SVG in a page cannot count on any font. The same data give the same bytes.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
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
    """How a sampling is drawn."""

    color: str
    dash: tuple[float, ...]  # of matplotlib's on-off sequences; empty: solid
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


@dataclass(frozen=True)
class Words:
    """What is said of a figure: its title, and a caption with metric, n, seeds and what to see."""

    title: str
    caption: str


@contextmanager
def style() -> Iterator[None]:
    """Matplotlib's defaults with our changes, whatever the user's own settings are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Let a function draw in our style."""

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

    ends: points in data coordinates; gap: least distance of two names as a share of the axes'
    height. Call it last: it goes by the limits of the axes.
    """
    axes.get_xlim(), axes.get_ylim()  # what matplotlib computes on demand
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
    """Relative luminance of a colour, 0 to 1 (WCAG 2); what is left of it in grey."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: Any, other: Any) -> float:
    """Contrast of two colours, 1 to 21 (WCAG 2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def message_figure(text: str) -> Figure:
    """A sentence where there is nothing to draw."""
    with style():
        figure = Figure(figsize=(WIDTH, 1.0))
        figure.text(0.5, 0.5, text, ha="center", va="center", wrap=True)
    return figure


def save_figure(figure: Figure, words: Words, svg: str | Path, text: str | Path, id_: str) -> None:
    """Write the SVG, with title and description for those who hear it, and `text`.

    `text` holds the title, an empty line and the caption. id_: what begins the ids of the SVG's
    elements, another one for each figure. A date or a random id would make the same figure differ
    from run to run.
    """
    file = io.StringIO()
    with style(), matplotlib.rc_context({"svg.hashsalt": id_}):
        none = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", metadata=none)
    write_text(svg, _described(file.getvalue(), words, id_))
    write_text(text, f"{words.title}\n\n{words.caption}\n")


def _described(svg: str, words: Words, name: str) -> str:
    """The SVG with the elements that screen readers read; ids that differ between figures."""
    label = re.sub(r"[^A-Za-z0-9_.-]", "-", name)
    head = f'<svg role="img" aria-labelledby="{label}-title {label}-description" '
    elements = (
        f' <title id="{label}-title">{escape(words.title)}</title>\n'
        f' <desc id="{label}-description">{escape(words.caption)}</desc>\n'
    )
    before, after = svg.split("<svg ", 1)
    opening, rest = after.split(">\n", 1)
    return f"{before}{head}{opening}>\n{elements}{rest}"


def queries_phrase(counts: Iterable[float]) -> str:
    """`n = 167 queries`, or from least to most."""
    return f"n = {_range(counts)} queries"


def seeds_phrase(counts: Iterable[float]) -> str:
    """`1 seed`, `3 seeds`, or from least to most."""
    counts = list(counts)
    return f"{_range(counts)} seed{'' if max(counts) == 1 else 's'}"


def ordered(names: Iterable[str]) -> list[str]:
    """Samplings in the order in which they came, each once."""
    return list(dict.fromkeys(names))


def interval_phrase(frame: pd.DataFrame, confidence: float) -> str:
    """What the bars are, if there are any; frame: with ci_low."""
    if frame["ci_low"].isna().all():
        return "There are no intervals: one query has none."
    return f"Bars: {100 * confidence:g}% bootstrap intervals over queries and seeds."


def _range(counts: Iterable[float]) -> str:
    low, high = min(counts := [int(c) for c in counts]), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
