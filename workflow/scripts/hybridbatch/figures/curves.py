"""Score against what an ablation varies, such as the mix, the data, the languages or the steps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.pools import told_pools
from hybridbatch.evaluation.settings import ALL, MEAN, ZERO_SHOT
from hybridbatch.figures._style import (
    LOOKS,
    POOLS,
    Look,
    Words,
    interval_phrase,
    label_ends,
    looks_of,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)


@dataclass(frozen=True)
class Curve:
    """The setting that an ablation varies, and its axis."""

    title: str
    axis: str
    logarithmic: bool
    see: str


CURVES = {
    "alpha": Curve(
        "Share of monolingual batches",
        "alpha",
        False,
        "At 0 every batch is of x-y, at 1 of x-x-mono: a curve that is high in the middle in all "
        "settings is what hybrid batches promise",
    ),
    "data_size": Curve(
        "Share of the training pairs",
        "share of the training pairs",
        True,
        "Where the curves of the samplings come together, the mix no longer matters",
    ),
    "languages": Curve(
        "Number of training languages",
        "number of training languages",
        False,
        "Every point is scored on the same languages, whichever were trained on: a rise may be "
        "that of the languages that came in",
    ),
    "temperature": Curve(
        "Temperature of the loss",
        "temperature",
        True,
        "A difference between samplings that changes its sign with the temperature says little of "
        "the samplings",
    ),
    "batch_size": Curve(
        "Pairs in a batch",
        "pairs in a batch",
        True,
        "A larger batch has more negatives: an order of the samplings that hangs on them is one of "
        "this size only",
    ),
    "steps": Curve(
        "Number of steps",
        "steps",
        True,
        "All samplings are trained equally long at each point: where their order changes along the "
        "curves, it is one of the budget",
    ),
}
HYBRID = "hybrid"
_DODGE = 5  # points of offset between samplings, so that error bars do not overlap
PURE = {"x-y": 0.0, "x-x-mono": 1.0}  # samplings that equal hybrid at this alpha
_ORDER = ["monolingual", "cross-lingual", "multilingual"]
_METRICS = ["map", "ndcg_10", "rank_distance"]


@styled
def curve_figure(name: str, table: pd.DataFrame) -> Figure:
    """A row for each benchmark, encoder and pool, a column for each setting and metric.

    There is a line for each sampling. name: one of CURVES. table: the ablation's; the macro means
    of mAP, nDCG@10 and rank distance are drawn.
    """
    curve, means = CURVES[name], curve_points(name, table)
    keys = ["benchmark", "encoder", "pool"]
    rows = list(dict.fromkeys(means[keys].itertuples(index=False, name=None)))
    columns, looks = _columns(means), looks_of(means["sampling"])
    figure, axes = panels(len(rows), len(columns), 2.3, sharex=True)
    for row, key in enumerate(rows):
        part = means[(means[keys] == list(key)).all(axis=1)]
        for column, (setting, metric) in enumerate(columns):
            panel = axes[row, column]
            shown = part[(part["setting"] == setting) & (part["metric"] == metric)]
            if shown.empty:
                panel.set_axis_off()
                continue
            _draw(panel, name, shown, looks, named=column == len(columns) - 1)
            if row == 0:
                panel.set_title(f"{setting} {METRICS[metric].title}", weight="bold")
            if row == len(rows) - 1:
                panel.set_xlabel(curve.axis)
        benchmark, encoder, pool = key
        axes[row, 0].set_ylabel(f"{benchmark}, {encoder}\n{POOLS[pool]}")
    return figure


def _draw(
    panel: Axes, name: str, shown: pd.DataFrame, looks: Mapping[str, Look], named: bool
) -> None:
    lines = {one: shown[shown["sampling"] == one] for one in ordered(shown["sampling"])}
    ends = dodged_lines(panel, lines, looks)
    if name == "alpha":  # its ends are the other samplings themselves
        for sampling, point in PURE.items():
            end, look = shown[shown["point"] == point], LOOKS[sampling]
            panel.plot(end["point"], end["value"], look.marker, color=look.color, ms=7)
    points = sorted(shown["point"].unique())
    axis_of_points(panel, points, CURVES[name].logarithmic, _tick_labels(name, points))
    if named and name != "alpha":  # whose one curve is named by its ends
        label_ends(panel, ends, {s: looks[s].color for s in ends}, 0.1)


def dodged_lines(
    panel: Axes, lines: Mapping[str, pd.DataFrame], looks: Mapping[str, Look]
) -> dict[str, tuple[float, float]]:
    """Draw a line with error bars for each name, beside each other; returns their last points.

    lines: frames with point, value, ci_low and ci_high.
    """
    ends = {}
    for i, (name, line) in enumerate(lines.items()):
        line, look = line.sort_values("point"), looks[name]
        drawn = panel.plot(
            line["point"], line["value"], label=name,
            color=look.color, ls=look.line, marker=look.marker,
        )  # fmt: skip
        bars = panel.vlines(line["point"], line["ci_low"], line["ci_high"], look.color, lw=1)
        points = _DODGE * (i - (len(lines) - 1) / 2)
        aside = ScaledTranslation(points / 72, 0, panel.figure.dpi_scale_trans)
        for artist in (*drawn, bars):  # after drawing, so that limits fit
            artist.set_transform(panel.transData + aside)
        ends[name] = (line["point"].iloc[-1], line["value"].iloc[-1])
    return ends


def axis_of_points(
    panel: Axes, points: Iterable[float], logarithmic: bool, labels: Sequence[str] | None = None
) -> None:
    """A tick at each point and nowhere else."""
    points = sorted(set(points))
    if logarithmic:
        panel.set_xscale("log")
    panel.set_xticks(points, labels or [f"{point:g}" for point in points])
    panel.set_xticks([], minor=True)
    panel.margins(x=0.1)


def _tick_labels(name: str, points: Sequence[float]) -> list[str]:
    if name != "alpha":
        return [f"{point:g}" for point in points]
    # Eleven labels do not fit under a quarter of the width.
    labels = [f"{p:g}" if len(points) < 7 or round(10 * p) % 5 == 0 else "" for p in points]
    ends = {point: f"{point:g}\n{sampling}" for sampling, point in PURE.items()}
    return [ends.get(p, label) for p, label in zip(points, labels, strict=True)]


def curve_points(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of an ablation's table that its figure draws, `point` as a number.

    The ends of alpha are systems of other samplings; they belong to the one curve. Zero-shot
    systems have no point on the axis.
    """
    scores = table[table["versus"].isna()]  # the other rows are differences
    scores = scores[scores["sampling"] != ZERO_SHOT]
    chosen = scores[(scores["language"] == MEAN) & scores["metric"].isin(_METRICS)]
    chosen = chosen.assign(point=pd.to_numeric(chosen["point"]))
    if name == "alpha":
        chosen = chosen.assign(sampling=HYBRID)
    keys = ["benchmark", "encoder", "sampling", "setting", "metric", "point"]
    told = told_pools(chosen, keys)
    return chosen[(chosen["pool"] == ALL) | chosen["benchmark"].isin(told)]


def _columns(means: pd.DataFrame) -> list[tuple[str, str]]:
    """(setting, metric) in the order of the paper, ranks last."""
    found = set(zip(means["setting"], means["metric"], strict=True))
    return sorted(found, key=lambda pair: (_METRICS.index(pair[1]), _ORDER.index(pair[0])))


def curve_words(name: str, table: pd.DataFrame, confidence: float) -> Words:
    """Title and caption; table: as for the figure."""
    curve, means = CURVES[name], curve_points(name, table)
    metrics = [METRICS[m].title for m in _METRICS if (means["metric"] == m).any()]
    return Words(
        curve.title,
        f"{' and '.join(metrics)} (macro averages over query languages) against the "
        f"{curve.title.lower()}, {means['point'].nunique()} values; "
        f"{queries_phrase(means['n_queries'])}, {seeds_phrase(means['n_seeds'])}. "
        f"{interval_phrase(means, confidence)} {curve.see}. Small rank distances are good.",
    )
