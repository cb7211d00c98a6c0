"""The paper's published scores beside ours, each with a grade.

A grade is a tolerance alone: `agrees`, our score is within .0005 of the published one, or within 1%
of it for rank distance; `close`, within .005 or 5%; `differs`; `not run`. An interval over queries
is no measure of agreement, since both sides scored the same queries. Only a configuration that
declares the paper's scale is graded. At other scales, an encoder of the same name was trained on
other data, and every score is `not run`.

Beside the grade is the prediction interval over seeds: the printed score is one run, and one more
run of ours would lie in the interval with the given confidence. It is mean +- t s sqrt(1 + 1/S),
where s is the standard deviation between seeds, pooled over the samplings of an encoder that have
as many seeds (Hahn and Meeker 1991, "Statistical intervals", section 4.7).

`discrimination` says how much the grades can tell: how the paper's own x-y scores would be graded
if they were ours of hybrid.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy import stats

from hybridbatch.evaluation.metrics import METRICS, RANKS
from hybridbatch.evaluation.settings import ALL, INDEX_COLUMN, SCORE_KEYS, SEED_SD, ZERO_SHOT

PAPER = "paper"  # the value of `scale` at which scores are graded
AGREES, CLOSE, DIFFERS, NOT_RUN = GRADES = ("agrees", "close", "differs", "not run")
REPRODUCTION_COLUMNS = [
    "table",
    *SCORE_KEYS,
    "published",
    "value",
    "delta",
    "ci_low",
    "ci_high",
    "prediction_low",
    "prediction_high",
    "n_queries",
    "n_seeds",
    "grade",
]
# By grade: the absolute tolerance, and for rank distance that in shares of the published one.
_TOLERANCES = {AGREES: (0.0005, 0.01), CLOSE: (0.005, 0.05)}
_ROUNDING = 1e-9  # since .5 - .495 is not exactly .005 in binary floating point
_OKISH_SHARE = 0.1  # of the graded cells that may differ
_MIXED, _OTHER = "hybrid", "x-y"  # the samplings of `discrimination`


def reproduction_table(
    published: pd.DataFrame, cells: Iterable[pd.DataFrame], scale: str, confidence: float
) -> pd.DataFrame:
    """A row for each published score, in the paper's order; columns REPRODUCTION_COLUMNS.

    published: of `tables.published.read_published`. cells: scores of one system and benchmark each,
    of `aggregate.score_system`, with columns benchmark, encoder and sampling. scale: that of the
    configuration. confidence: of the prediction interval; it is NaN with one seed. `delta` is ours
    minus published. Scores of an approximate index are not compared.
    """
    ours = ["value", "ci_low", "ci_high", "prediction_low", "prediction_high"]
    counts = {"n_queries": "Int64", "n_seeds": "Int64"}
    exact = [frame for frame in cells if INDEX_COLUMN not in frame] if scale == PAPER else []
    run = [frame[frame["pool"] == ALL] for frame in exact]
    if run:
        found = _with_prediction(pd.concat(run, ignore_index=True), confidence)
        found = found[[*SCORE_KEYS, *ours, *counts]]
        frame = published.merge(found, on=SCORE_KEYS, how="left", validate="many_to_one")
    else:
        frame = published.assign(**dict.fromkeys([*ours, *counts], float("nan")))
    frame["delta"] = frame["value"] - frame["published"]
    frame["grade"] = [
        grade_of(*row)
        for row in zip(frame["published"], frame["value"], frame["metric"], strict=True)
    ]
    return frame[REPRODUCTION_COLUMNS].astype(counts)


def grade_of(published: float, value: float, metric: str) -> str:
    """The grade of one score; value: NaN if absent."""
    if pd.isna(value):
        return NOT_RUN
    in_ranks = METRICS[metric].unit == RANKS
    for grade, (absolute, share) in _TOLERANCES.items():
        allowed = share * published if in_ranks else absolute
        if abs(value - published) <= allowed + _ROUNDING:
            return grade
    return DIFFERS


def discrimination(published: pd.DataFrame) -> Counter[str]:
    """Grades of the paper's x-y scores if they were ours of hybrid, counted over the paper's cells.

    published: as for `reproduction_table`.
    """
    keys = ["table", *(key for key in SCORE_KEYS if key != "sampling")]
    own, other = (
        published[published["sampling"] == sampling].set_index(keys)["published"]
        for sampling in (_MIXED, _OTHER)
    )
    pairs = own.to_frame("own").join(other.rename("other"), how="inner").reset_index()
    return Counter(
        grade_of(*row) for row in zip(pairs["own"], pairs["other"], pairs["metric"], strict=True)
    )


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


def _with_prediction(cells: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """`cells` with the ends of the prediction interval over seeds."""
    trained = cells[(cells["sampling"] != ZERO_SHOT) & (cells["n_seeds"] > 1)]
    pool = [key for key in SCORE_KEYS if key != "sampling"] + ["n_seeds"]
    groups = trained.assign(variance=trained[SEED_SD] ** 2).groupby(pool)["variance"]
    s = np.sqrt(groups.transform("mean"))
    seeds = trained["n_seeds"]
    df = groups.transform("size") * (seeds - 1)
    half = stats.t.ppf((1 + confidence) / 2, df) * s * np.sqrt(1 + 1 / seeds)
    return cells.assign(prediction_low=cells["value"] - half, prediction_high=cells["value"] + half)
