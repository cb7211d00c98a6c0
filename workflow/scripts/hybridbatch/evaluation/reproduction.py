"""The paper's printed cells beside ours, each with a grade.

Grades: `agrees`, the published figure lies within our interval; `close`, it lies outside but within
.005 of our value, for rank distance within 5% of the published one; `differs`; `not run`. Only a
configuration that declares itself to be at the paper's scale is graded: elsewhere an encoder of the
same name was trained on other data, and every cell is `not run`.
"""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from hybridbatch.evaluation.per_query import ALL
from hybridbatch.render.grid import Cell, Grid, Page, pivoted, plain
from hybridbatch.tables.scores import METRIC_TITLES

PAPER = "paper"  # the configuration's scale at which cells are graded
AGREES, CLOSE, DIFFERS, NOT_RUN = GRADES = ("agrees", "close", "differs", "not run")
REPRODUCTION_COLUMNS = [
    "table",
    "benchmark",
    "encoder",
    "sampling",
    "setting",
    "metric",
    "language",
    "published",
    "value",
    "delta",
    "ci_low",
    "ci_high",
    "n_queries",
    "n_seeds",
    "grade",
]
_KEYS = ["benchmark", "encoder", "sampling", "setting", "metric", "language"]
_CLOSE = 0.005
_CLOSE_SHARE = 0.05  # of the published rank distance, whose unit is ranks
_OKISH_SHARE = 0.1  # of the graded cells that may differ
_DECIMALS = {1: 3, 2: 0, 7: 1, 8: 1}  # as the paper prints them; four in its other tables


def reproduction_table(
    published: pd.DataFrame, cells: Iterable[pd.DataFrame], scale: str
) -> pd.DataFrame:
    """A row for each published cell, in the paper's order; columns REPRODUCTION_COLUMNS.

    published: of `published.read_published`; cells: of one system and benchmark each, with their
    columns benchmark, encoder and sampling; scale: the configuration's. `delta` is ours minus
    published.
    """
    ours = ["value", "ci_low", "ci_high", "n_queries", "n_seeds"]
    run = [frame[frame["pool"] == ALL] for frame in cells] if scale == PAPER else []
    if run:
        found = pd.concat(run, ignore_index=True)[[*_KEYS, *ours]]
        frame = published.merge(found, on=_KEYS, how="left", validate="many_to_one")
    else:
        frame = published.assign(**dict.fromkeys(ours, float("nan")))
    frame["delta"] = frame["value"] - frame["published"]
    counts = {"n_queries": "Int64", "n_seeds": "Int64"}
    frame["grade"] = [grade_of(row) for row in frame.itertuples()]
    return frame[REPRODUCTION_COLUMNS].astype(counts)


def grade_of(row) -> str:
    """The grade of one cell; row: published, value, ci_low, ci_high, metric. NaN is absent."""
    if pd.isna(row.value):
        return NOT_RUN
    if row.ci_low <= row.published <= row.ci_high:
        return AGREES
    allowed = _CLOSE_SHARE * row.published if row.metric == "rank_distance" else _CLOSE
    # Figures are decimal: .495 is .005 from .5, which binary fractions miss by a bit.
    return CLOSE if abs(row.value - row.published) <= allowed + 1e-9 else DIFFERS


def summary(frame: pd.DataFrame) -> str:
    """One line: OK, OKish, FAIL or `nothing to grade`, and the number of cells of each grade."""
    counts = Counter(frame["grade"])
    graded = sum(counts[grade] for grade in (AGREES, CLOSE, DIFFERS))
    if not graded:
        word = "nothing to grade"
    elif not counts[DIFFERS]:
        word = "OK"
    else:
        word = "OKish" if counts[DIFFERS] <= _OKISH_SHARE * graded else "FAIL"
    return f"{word}: " + ", ".join(f"{counts[grade]} {grade}" for grade in GRADES)


def reproduction_page(frame: pd.DataFrame, confidence: float, scale: str) -> Page:
    """Totals and summary first, then each of the paper's tables: published / ours, and grade."""
    by_table = list(frame.groupby("table"))
    totals = [("all", frame), *((f"Table {table}", part) for table, part in by_table)]
    lines = [[name, *((part["grade"] == grade).sum() for grade in GRADES)] for name, part in totals]
    title = "The paper's cells and ours"
    blocks: list[str | Grid] = [
        plain(f"{title}: grades, scale {scale}. {summary(frame)}.", ["", *GRADES], lines),
        f"**{summary(frame)}**",
        "OK: every graded cell agrees or is close; OKish: at most a tenth of them differ. "
        f"`agrees`: the published figure lies within our {100 * confidence:g}% interval; `close`: "
        "within .005, for rank distance within 5%; `differs`: neither; `not run`: not graded.",
    ]
    if scale != PAPER:
        blocks.append(
            f"The configuration's scale is `{scale}`. Only the paper's scale is graded: an encoder "
            "of the same name that was trained on other data is not the paper's."
        )
    for table, part in by_table:
        fixed = [key for key in ("benchmark", "encoder", "metric") if part[key].nunique() == 1]
        names = part[fixed].iloc[0].replace(METRIC_TITLES)
        heading = f"Table {table}: {', '.join(names)}; published / ours"
        across = [key for key in ("encoder", "sampling") if key not in fixed]
        down = [key for key in ("benchmark", "setting", "metric", "language") if key not in fixed]
        titles = part.assign(metric=part["metric"].replace(METRIC_TITLES))
        rows, columns = (titles[keys].agg(" ".join, axis=1) for keys in (down, across))
        cells = [_cell(row, _DECIMALS.get(table, 4)) for row in part.itertuples()]
        caption = f"The paper's {heading}, with our {100 * confidence:g}% interval and the grade."
        blocks += [f"## {heading}", pivoted(caption, ", ".join(down), rows, list(columns), cells)]
    return Page("reproduction", title, blocks)


def _cell(row, decimals: int) -> Cell:
    def number(value: float) -> str:
        return f"{value:.{decimals}f}"

    if row.grade == NOT_RUN:
        return Cell(f"{number(row.published)} / {NOT_RUN}")
    interval = "" if pd.isna(row.ci_low) else f"[{number(row.ci_low)}, {number(row.ci_high)}] "
    return Cell(f"{number(row.published)} / {number(row.value)}", interval + row.grade)
