"""Score against the budget of adapters, a line for each schedule among the layers."""

from itertools import cycle

import pandas as pd
from matplotlib.figure import Figure

from hybridbatch.evaluation.layer_scaling import COMPARED, POINT
from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.pools import told_pools
from hybridbatch.evaluation.settings import ALL, MEAN
from hybridbatch.figures._style import (
    LOOKS,
    POOLS,
    Look,
    Words,
    interval_phrase,
    label_ends,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)
from hybridbatch.figures.curves import axis_of_points, dodged_lines

# By lightness as samplings are; a schedule between two numbers takes one that is free.
_NAMED = dict(zip(("falling", "rising", "uniform", "middle", "ends"), LOOKS.values(), strict=True))
_OTHERS = tuple(Look("#7d7d7d", dash, marker) for dash, marker in (((3, 1), "D"), ((1, 2), "X")))
_UNITS = {"lora": "ranks", "bottleneck": "units"}
_ROW = ["benchmark", "encoder", "pool", "sampling", "adapter"]


@styled
def budget_figure(table: pd.DataFrame) -> Figure:
    """A row for each benchmark, encoder, pool, sampling and adapter; a column for each setting.

    table: of `evaluation.layer_scaling`; the macro means are drawn.
    """
    means = budget_points(table)
    looks = schedule_looks(ordered(means["schedule"]))
    rows = list(dict.fromkeys(means[_ROW].itertuples(index=False, name=None)))
    present = set(zip(means["setting"], means["metric"], strict=True))
    columns = [column for column in COMPARED if column in present]
    # Rows of different adapters have axes of their own.
    figure, axes = panels(len(rows), len(columns), 2.5, sharex="row")
    for row, key in enumerate(rows):
        benchmark, encoder, pool, sampling, adapter = key
        part = means[(means[_ROW] == list(key)).all(axis=1)]
        for column, (setting, metric) in enumerate(columns):
            panel = axes[row, column]
            shown = part[(part["setting"] == setting) & (part["metric"] == metric)]
            lines = {name: shown[shown["schedule"] == name] for name in ordered(shown["schedule"])}
            ends = dodged_lines(panel, lines, looks)
            axis_of_points(panel, shown["point"], logarithmic=True)
            if column == len(columns) - 1:
                label_ends(panel, ends, {name: looks[name].color for name in ends}, 0.1)
            if row == 0:
                panel.set_title(f"{setting} {METRICS[metric].title}", weight="bold")
            panel.set_xlabel(f"budget in {_UNITS[adapter]} of all layers")
        axes[row, 0].set_ylabel(f"{benchmark}, {encoder}\n{sampling}\n{POOLS[pool]}")
    return figure


def schedule_looks(schedules: list[str]) -> dict[str, Look]:
    """The look of each schedule, the same in every figure for those with a name of their own."""
    others = cycle(_OTHERS)
    return {name: _NAMED[name] if name in _NAMED else next(others) for name in schedules}


def budget_points(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table that its figure draws, the budget as `point`."""
    scores = table[table["versus"].isna() & table["adapter"].notna()]
    shown = [pair in COMPARED for pair in zip(scores["setting"], scores["metric"], strict=True)]
    chosen = scores[pd.Series(shown, index=scores.index) & (scores["language"] == MEAN)]
    chosen = chosen.assign(point=chosen["budget"].astype(float))
    told = told_pools(chosen, [*POINT, "setting", "metric"])
    return chosen[(chosen["pool"] == ALL) | chosen["benchmark"].isin(told)]


def budget_words(table: pd.DataFrame, confidence: float) -> Words:
    """Title and caption; table: as for the figure."""
    means = budget_points(table)
    whole = means[means["pool"] == ALL]
    parameters = sorted(whole["trained_parameters"].astype(int).unique())
    span = " to ".join(f"{n:,}" for n in dict.fromkeys((parameters[0], parameters[-1])))
    return Words(
        "Budgets divided among the layers",
        f"mAP and rank distance (macro averages over query languages) against the budget of "
        f"adapters, {means['point'].nunique()} values, {span} trained parameters; a line a "
        f"schedule, which trains as many parameters as the others at its budget; "
        f"{queries_phrase(means['n_queries'])}, {seeds_phrase(means['n_seeds'])}. "
        f"{interval_phrase(means, confidence)} Bars that overlap do not mean that schedules are "
        "alike: their differences, paired by question, are in the table, beside the least "
        "difference that it could find. Small rank distances are good.",
    )
