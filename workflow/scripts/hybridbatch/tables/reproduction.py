"""The page of the paper's scores beside ours: totals, then each of the paper's tables."""

from collections.abc import Mapping

import pandas as pd

from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.reproduction import (
    AGREES,
    CLOSE,
    GRADES,
    NOT_RUN,
    PAPER,
    summary,
)
from hybridbatch.render.grid import Cell, Grid, Page, pivoted, plain

_DECIMALS = {1: 3, 2: 0, 7: 1, 8: 1}  # by table, as in the paper; its other tables have four
_TITLES = {name: metric.title for name, metric in METRICS.items()}


def reproduction_page(
    frame: pd.DataFrame, told: Mapping[str, int], confidence: float, scale: str
) -> Page:
    """Totals and summary first, then each of the paper's tables: published / ours, and grade.

    frame, told: of `reproduction.reproduction_table` and `reproduction.discrimination`.
    """
    cells, passed = sum(told.values()), told.get(AGREES, 0) + told.get(CLOSE, 0)
    by_table = list(frame.groupby("table"))
    totals = [("all", frame), *((f"Table {table}", part) for table, part in by_table)]
    lines = [[name, *((part["grade"] == grade).sum() for grade in GRADES)] for name, part in totals]
    title = "The paper's cells and ours"
    blocks: list[str | Grid] = [
        plain(f"{title}: grades, scale {scale}. {summary(frame)}.", ["", *GRADES], lines),
        f"**{summary(frame)}**",
        "OK: every graded cell agrees or is close; OKish: at most a tenth of them differ. "
        "`agrees`: within .0005 of the published figure, for rank distance within 1%; `close`: "
        "within .005 and 5%; `differs`: neither; `not run`: not graded.",
        f"What a grade can tell: of {cells} cells of hybrid, the paper's own x-y figures, entered "
        f"as ours, would pass in {passed} ({passed / cells:.0%}): {told.get(AGREES, 0)} "
        f"{AGREES}, {told.get(CLOSE, 0)} {CLOSE}.",
        f"In brackets the {100 * confidence:g}% prediction interval over seeds, where there are "
        "several: one more run of ours would lie in it, and the printed figure is one run. It is "
        "no part of the grade.",
    ]
    if scale != PAPER:
        blocks.append(
            f"The configuration's scale is `{scale}`. Only the paper's scale is graded: an encoder "
            "of the same name that was trained on other data is not the paper's."
        )
    for table, part in by_table:
        fixed = [key for key in ("benchmark", "encoder", "metric") if part[key].nunique() == 1]
        names = part[fixed].iloc[0].replace(_TITLES)
        heading = f"Table {table}: {', '.join(names)}; published / ours"
        across = [key for key in ("encoder", "sampling") if key not in fixed]
        down = [key for key in ("benchmark", "setting", "metric", "language") if key not in fixed]
        titles = part.assign(metric=part["metric"].replace(_TITLES))
        rows, columns = (titles[keys].agg(" ".join, axis=1) for keys in (down, across))
        cells = [_cell(row, _DECIMALS.get(table, 4)) for row in part.itertuples()]
        caption = (
            f"The paper's {heading}, with our {100 * confidence:g}% prediction interval over seeds "
            "and the grade."
        )
        blocks += [f"## {heading}", pivoted(caption, ", ".join(down), rows, list(columns), cells)]
    return Page("reproduction", title, blocks)


def _cell(row, decimals: int) -> Cell:
    def number(value: float) -> str:
        return f"{value:.{decimals}f}"

    if row.grade == NOT_RUN:
        return Cell(f"{number(row.published)} / {NOT_RUN}")
    ends = [row.prediction_low, row.prediction_high]
    interval = "" if pd.isna(ends).any() else f"[{number(ends[0])}, {number(ends[1])}] "
    return Cell(f"{number(row.published)} / {number(row.value)}", interval + row.grade)
