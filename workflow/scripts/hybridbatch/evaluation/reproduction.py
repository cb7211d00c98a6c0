"""The paper's published scores beside ours, each with a grade.

Grades: `agrees`, the published value lies within our interval; `close`, it lies outside but within
.005 of our value, or within 5% of the published value for rank distance; `differs`; `not run`. Only
a configuration that declares the paper's scale is graded. At other scales, an encoder of the same
name was trained on other data, and every score is `not run`.
"""

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, RANKS
from hybridbatch.evaluation.settings import ALL, INDEX_COLUMN

PAPER = "paper"  # the value of `scale` at which scores are graded
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


def reproduction_table(
    published: pd.DataFrame, cells: Iterable[pd.DataFrame], scale: str
) -> pd.DataFrame:
    """A row for each published score, in the paper's order; columns REPRODUCTION_COLUMNS.

    published: of `tables.published.read_published`. cells: scores of one system and benchmark each,
    with columns benchmark, encoder and sampling. scale: that of the configuration. `delta` is ours
    minus published. Scores of an approximate index are not compared.
    """
    ours = ["value", "ci_low", "ci_high", "n_queries", "n_seeds"]
    exact = [frame for frame in cells if INDEX_COLUMN not in frame] if scale == PAPER else []
    run = [frame[frame["pool"] == ALL] for frame in exact]
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
    """The grade of one score; row: published, value, ci_low, ci_high, metric; NaN if absent."""
    if pd.isna(row.value):
        return NOT_RUN
    if row.ci_low <= row.published <= row.ci_high:
        return AGREES
    allowed = _CLOSE_SHARE * row.published if METRICS[row.metric].unit == RANKS else _CLOSE
    # Tolerance, since .5 - .495 is not exactly .005 in binary floating point.
    return CLOSE if abs(row.value - row.published) <= allowed + 1e-9 else DIFFERS


def summary(frame: pd.DataFrame) -> str:
    """One line: OK, OKish, FAIL or `nothing to grade`, and the number of scores of each grade."""
    counts = Counter(frame["grade"])
    graded = sum(counts[grade] for grade in (AGREES, CLOSE, DIFFERS))
    if not graded:
        word = "nothing to grade"
    elif not counts[DIFFERS]:
        word = "OK"
    else:
        word = "OKish" if counts[DIFFERS] <= _OKISH_SHARE * graded else "FAIL"
    return f"{word}: " + ", ".join(f"{counts[grade]} {grade}" for grade in GRADES)
