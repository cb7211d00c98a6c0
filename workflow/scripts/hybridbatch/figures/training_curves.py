"""Training curves: the smoothed training loss and the English validation loss."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from hybridbatch.figures._style import (
    Words,
    label_ends,
    looks_of,
    ordered,
    panels,
    seeds_phrase,
    styled,
)

CURVE_COLUMNS = ["sampling", "seed", "step", "loss"]
_WINDOW_SHARE = 20  # the smoothing window is 1 / this of the steps


@styled
def training_figure(training: pd.DataFrame, validation: pd.DataFrame) -> Figure:
    """Two panels with a thin line for each seed; both frames have CURVE_COLUMNS.

    training: the loss of each step. validation: the loss after a number of steps. A ring marks each
    seed's lowest validation loss; the saved model has the weights of that step.
    """
    figure, axes = panels(1, 2, 3.4, sharex=True)
    looks = looks_of(training["sampling"])
    titles = ("training loss (moving mean)", "English validation loss")
    for panel, frame, title in zip(axes[0], (training, validation), titles, strict=True):
        ends = {}
        for sampling in ordered(frame["sampling"]):
            look, runs = looks[sampling], frame[frame["sampling"] == sampling].groupby("seed")
            lasts = []
            for _, run in runs:
                run = run.sort_values("step")
                if frame is training:
                    run = run.assign(loss=smoothed(run["loss"]))
                marker = "" if frame is training else look.marker
                panel.plot(
                    run["step"], run["loss"], label=sampling,
                    color=look.color, ls=look.line, marker=marker, ms=3, lw=1.1,
                )  # fmt: skip
                lasts.append((run["step"].iloc[-1], run["loss"].iloc[-1]))
                if frame is validation:
                    best = run.loc[run["loss"].idxmin()]
                    panel.plot(
                        best["step"], best["loss"], "o", ms=8, mfc="none", mec=look.color, mew=1
                    )
            ends[sampling] = (
                max(step for step, _ in lasts),
                sum(loss for _, loss in lasts) / len(lasts),
            )
        panel.set_title(title, weight="bold")
        panel.set_xlabel("step")
        panel.set_ylabel("InfoNCE loss")
        if frame is training:
            panel.set_yscale("log")
            # Plain numbers, since minor ticks would otherwise be set as mathematics.
            panel.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5)))
            panel.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
            panel.yaxis.set_minor_formatter(lambda loss, _: f"{loss:g}")
        label_ends(panel, ends, {s: looks[s].color for s in ends}, 0.06)
    return figure


def smoothed(losses: pd.Series) -> pd.Series:
    """Centred moving mean over `window` steps, over fewer at both ends."""
    return losses.rolling(window(len(losses)), center=True, min_periods=1).mean()


def window(steps: int) -> int:
    """The length of the smoothing window; odd, so that it has a centre."""
    return 2 * (steps // _WINDOW_SHARE // 2) + 1


def training_words(training: pd.DataFrame, validation: pd.DataFrame, encoder: str) -> Words:
    """Title and caption; frames: as for the figure."""
    runs = training.groupby(["sampling", "seed"]).size()
    best = validation.groupby(["sampling", "seed"], sort=False)["loss"].min()
    lowest = [f"{s} {x.mean():.3f}" for s, x in best.groupby(level=0, sort=False)]
    seeds = seeds_phrase([training["seed"].nunique()])
    steps = " to ".join(f"{n:,}" for n in dict.fromkeys((runs.min(), runs.max())))
    return Words(
        f"Training curves, {encoder}",
        f"InfoNCE loss against the step, a line a seed ({seeds}, {steps} steps). Left: of the "
        f"training batches, moving mean over {window(runs.max())} steps; samplings differ in how "
        "hard their batches are, so their heights are not to be compared. Right: of held-out "
        "English pairs, which decides when training stops; the ring "
        f"is the step whose weights are kept. Lowest, mean over seeds: {'; '.join(lowest)}.",
    )
