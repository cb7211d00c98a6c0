"""Scatter plots of the paper's scores against ours."""

import pandas as pd
from matplotlib.figure import Figure

from hybridbatch.evaluation.reproduction import CLOSE, DIFFERS, NOT_RUN, PAPER, summary
from hybridbatch.figures._style import (
    FAINT,
    LOOKS,
    Words,
    message_figure,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)

_DISTANCE = "rank_distance"


@styled
def reproduction_figure(cells: pd.DataFrame, scale: str) -> Figure:
    """A column for each sampling; shares above, rank distance below; filled if the grade differs.

    cells: reproduction.csv. scale: that of the configuration. At any other scale than the paper's
    there is nothing to compare, and the figure says so.
    """
    run = cells[cells["grade"] != NOT_RUN]
    if run.empty:
        return message_figure(_nothing(scale))
    samplings = ordered(run["sampling"])
    is_distance = run["metric"] == _DISTANCE
    parts = {"mAP and recall": run[~is_distance], "rank distance": run[is_distance]}
    parts = {name: part for name, part in parts.items() if len(part)}
    figure, axes = panels(len(parts), len(samplings), 3.3)
    for row, (name, part) in enumerate(parts.items()):
        ends = (
            part[["published", "value"]].min(axis=None),
            part[["published", "value"]].max(axis=None),
        )
        for column, sampling in enumerate(samplings):
            panel, look = axes[row, column], LOOKS[sampling]
            shown = part[part["sampling"] == sampling]
            panel.plot(ends, ends, color=FAINT, lw=1, zorder=0)
            panel.vlines(shown["published"], shown["ci_low"], shown["ci_high"], look.color, lw=0.6)
            for differs, face in ((False, "white"), (True, look.color)):
                chosen = shown[(shown["grade"] == DIFFERS) == differs]
                panel.plot(
                    chosen["published"], chosen["value"], look.marker,
                    ms=4, mec=look.color, mfc=face, mew=0.8,
                )  # fmt: skip
            panel.set_title(f"{sampling}: {name}", weight="bold", color=look.color)
            panel.set_xlabel("published")
            panel.set_aspect("equal", adjustable="datalim")
            if column == 0:
                panel.set_ylabel("ours")
    return figure


def reproduction_words(cells: pd.DataFrame, scale: str, confidence: float) -> Words:
    """Title and caption; arguments: as for the figure."""
    title = "The paper's cells against ours"
    run = cells[cells["grade"] != NOT_RUN]
    if run.empty:
        return Words(title, f"{_nothing(scale)} {len(cells):,} cells are {NOT_RUN}.")
    return Words(
        title,
        f"Each cell that the paper prints against ours: mAP and recall, rank distance; "
        f"{len(run):,} of {len(cells):,} cells were run, {queries_phrase(run['n_queries'])}, "
        f"{seeds_phrase(run['n_seeds'])}. Bars: {100 * confidence:g}% intervals. On the "
        f"line both agree; a filled point differs, an open one agrees or is {CLOSE} (see the "
        f"reproduction table). {summary(cells)}.",
    )


def _nothing(scale: str) -> str:
    if scale == PAPER:
        return "None of the paper's cells was run."
    return (
        f"The configuration's scale is `{scale}`: only runs at the paper's scale are set against "
        "the paper's figures."
    )
