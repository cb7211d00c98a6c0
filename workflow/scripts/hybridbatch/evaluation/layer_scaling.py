"""Budgets divided among the layers by schedules: scores, differences to uniform, verdicts.

A point is a schedule at a budget. Schedules are compared with each other at one encoder, sampling
and budget, where they train equally many parameters. The differences are `significance.compare`'s,
with schedules in the place of samplings: the variance between seeds is pooled over the schedules of
a point.

Two statements are judged as the paper's are (`claims`): that a schedule is not below uniform, in
each setting's mAP, and that rising is above falling in cross-lingual mAP. The margin of the first
is that of the paper's statements, half of what the paper prints between x-x-mono and x-y; another
one may be configured.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridbatch.evaluation.claims import Claim, Margins, judge
from hybridbatch.evaluation.settings import (
    CROSS_LINGUAL,
    MEAN,
    MEANS,
    MONOLINGUAL,
    MULTILINGUAL,
    PARAMETERS_COLUMNS,
    SCORE_COLUMNS,
    STEPS_COLUMN,
)
from hybridbatch.evaluation.significance import holm_of_distinct
from hybridbatch.runtime.errors import DataError

UNIFORM, RISING, FALLING = "uniform", "rising", "falling"
# What differences are made of, and what the page shows.
COMPARED = (
    (MONOLINGUAL, "map"),
    (CROSS_LINGUAL, "map"),
    (MULTILINGUAL, "map"),
    (MULTILINGUAL, "rank_distance"),
)
# The columns of a score's place.
POINT = ["benchmark", "encoder", "sampling", "adapter", "budget", "schedule"]
LAYER_COLUMNS = [
    "table",
    *POINT,
    "versus",
    "setting",
    "pool",
    "metric",
    "language",
    *PARAMETERS_COLUMNS,
    "value",
    "ci_low",
    "ci_high",
    "standard_error",
    "df",
    "p",
    "p_holm",
    "detectable",
    "margin",
    "statement",
    "verdict",
    "n_queries",
    "n_clusters",
    "n_seeds",
    STEPS_COLUMN,
]
_COUNTS = ("budget", *PARAMETERS_COLUMNS, "n_queries", "n_clusters", "n_seeds")


@dataclass(frozen=True)
class Point:
    """The place of a score; a system that is not trained has no adapter."""

    adapter: str | None = None
    budget: int | None = None
    schedule: str | None = None


@dataclass(frozen=True)
class Compared:
    """What the schedules of a comparison have in common."""

    benchmark: str
    encoder: str
    sampling: str
    adapter: str
    budget: int


def layer_claims(schedules: Sequence[str]) -> list[Claim]:
    """The statements on these schedules; `sampling` and `others` of a claim are schedules here."""
    claims = [
        Claim(
            f"{schedule}_{setting}",
            f"{schedule}'s {setting} mAP is not below {UNIFORM}'s",
            *(setting, "map", schedule, (UNIFORM,), False),
        )
        for schedule in schedules
        if schedule != UNIFORM
        for setting in (MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL)
    ]
    if {RISING, FALLING} <= set(schedules):
        statement = f"{RISING}'s {CROSS_LINGUAL} mAP is above {FALLING}'s"
        claims.append(
            Claim("rising_above_falling", statement, CROSS_LINGUAL, "map", RISING, (FALLING,), True)
        )
    return claims


def layer_scaling_table(
    scores: Iterable[tuple[Point, pd.DataFrame]],
    comparisons: Iterable[tuple[Compared, pd.DataFrame]],
    margins: Margins,
    own_margins: Mapping[str, float | None],
    confidence: float,
) -> pd.DataFrame:
    """Scores of every point, then the differences between schedules; columns LAYER_COLUMNS.

    scores: of one system and benchmark each, with columns benchmark, encoder, sampling,
    STEPS_COLUMN and PARAMETERS_COLUMNS. comparisons: rows of `significance.compare` with schedules
    as samplings, `uniform` the last one and `falling` after `rising`. own_margins: by adapter, the
    configured margin in mAP, or None.

    Rows with `versus` are differences, in means over languages, of the metrics in COMPARED. p_holm
    is corrected over all distinct tests of the table. A difference in the mean over all query
    languages that is a statement's has its margin and verdict. Raises DataError unless the
    schedules of a comparison have trained equally many parameters.
    """
    scores = list(scores)
    table = pd.concat([frame for _, frame in scores], ignore_index=True)
    for column in ("adapter", "budget", "schedule"):
        values = [getattr(point, column) for point, frame in scores for _ in range(len(frame))]
        table[column] = np.array(values, dtype=object)
    trained = _equal_parameters(table)
    found = [
        _differences(of, rows, _margin(of, margins, own_margins), confidence)
        for of, rows in comparisons
    ]
    if parts := [rows for rows in found if len(rows)]:
        differences = pd.concat(parts, ignore_index=True)
        keys = [*POINT, "versus", "setting", "metric"]
        differences["p_holm"] = holm_of_distinct(differences, keys)
        differences = differences.merge(trained, how="left", validate="many_to_one")
        table = pd.concat([table, differences], ignore_index=True)
    table = table.assign(table="layer_scaling").reindex(columns=LAYER_COLUMNS)
    return table.astype(dict.fromkeys(_COUNTS, "Int64"))


def _equal_parameters(scores: pd.DataFrame) -> pd.DataFrame:
    """The parameters of each encoder, adapter and budget, which all schedules must agree on."""
    keys = ["encoder", "adapter", "budget"]
    found = scores.dropna(subset=["adapter"])[[*keys, *PARAMETERS_COLUMNS]].drop_duplicates()
    found = found.astype(dict.fromkeys(["budget", *PARAMETERS_COLUMNS], "int64"))
    for (encoder, adapter, budget), part in found.groupby(keys):
        if len(part) > 1:
            numbers = " and ".join(f"{n:,}" for n in sorted(part[PARAMETERS_COLUMNS[0]]))
            raise DataError(
                f"{encoder}, {adapter} with a budget of {budget}: the schedules have trained "
                f"{numbers} parameters, so that they cannot be compared. The budget's unit has "
                "another size in some layers: choose `modules` that have one size in all of them."
            )
    return found


def _margin(
    of: Compared, margins: Margins, own_margins: Mapping[str, float | None]
) -> dict[str, float | None]:
    """The margin of *not below* by setting, in mAP."""
    own = own_margins[of.adapter]
    return {
        setting: margins.margin(of.benchmark, of.encoder, setting, metric) if own is None else own
        for setting, metric in COMPARED
        if metric == "map"
    }


def _differences(
    of: Compared, rows: pd.DataFrame, margins: Mapping[str, float | None], confidence: float
) -> pd.DataFrame:
    """The rows of one comparison that the table has, with verdicts."""
    metrics = list(zip(rows["setting"], rows["metric"], strict=True))
    pairs = list(zip(rows["sampling_a"], rows["sampling_b"], strict=True))
    wanted = [
        metric in COMPARED and (pair[1] == UNIFORM or pair == (RISING, FALLING))
        for metric, pair in zip(metrics, pairs, strict=True)
    ]
    rows = rows[pd.Series(wanted, index=rows.index) & rows["language"].isin(MEANS)]
    rows = rows.sort_values("sampling_b", key=lambda names: names != UNIFORM, kind="stable")
    names = {"sampling_a": "schedule", "sampling_b": "versus", "difference": "value"}
    found = rows.rename(columns=names).assign(
        **vars(of), margin=float("nan"), statement=None, verdict=None
    )
    schedules = list(dict.fromkeys([*rows["sampling_a"], *rows["sampling_b"]]))
    for pool, in_pool in rows[rows["language"] == MEAN].groupby("pool", sort=False):
        for claim in layer_claims(schedules):
            margin = None if claim.better else margins[claim.setting]
            verdict = judge(claim, in_pool, margin, confidence)
            place = (
                (found["pool"] == pool)
                & (found["language"] == MEAN)
                & (found["setting"] == claim.setting)
                & (found["metric"] == claim.metric)
                & (found["schedule"] == claim.sampling)
                & (found["versus"] == claim.others[0])
            )
            for column in ("margin", "statement", "verdict"):
                if place.any():
                    found.loc[place, column] = verdict[column]
    kept = [*POINT, "versus", *SCORE_COLUMNS, "standard_error", "df", "p", "detectable"]
    return found[[*kept, "margin", "statement", "verdict", "n_clusters", "repeats"]]
