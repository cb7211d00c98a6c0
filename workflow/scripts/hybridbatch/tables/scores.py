"""The papers' tables of scores: which metrics each has, and tidy rows beside published figures."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.settings import (
    ALL,
    INDEX_COLUMN,
    MEANS,
    PASSAGE_COLUMNS,
    SCORE_KEYS,
    STEPS_COLUMN,
)
from hybridbatch.tables.columns import TIDY_COLUMNS


@dataclass(frozen=True)
class TableSpec:
    """The scores that a table shows, and the paper's table that it is compared with."""

    title: str
    metrics: tuple[str, ...]
    means_only: bool
    paper: tuple[int, ...]


SPECS = {
    "main": TableSpec("Mean average precision (the paper's Table 1)", ("map",), True, (1,)),
    "language_bias": TableSpec(
        "Language bias: mean rank distance (the paper's Table 2)", ("rank_distance",), True, (2,)
    ),
    "rank_distance": TableSpec(
        "Rank distance per query language (the paper's Tables 7 and 8)",
        ("rank_distance",),
        False,
        (7, 8),
    ),
}


def benchmark_spec(title: str) -> TableSpec:
    """The table of one benchmark: the paper's Tables 3 to 6, 12 and 13.

    It has the metrics that no overview of all benchmarks shows by language.
    """
    elsewhere = {m for spec in SPECS.values() if not spec.means_only for m in spec.metrics}
    metrics = tuple(metric for metric in METRICS if metric not in elsewhere)
    return TableSpec(title, metrics, False, (3, 4, 5, 6, 12, 13))


def tidy(
    name: str,
    spec: TableSpec,
    cells: Iterable[pd.DataFrame],
    published: pd.DataFrame,
) -> pd.DataFrame:
    """A table with TIDY_COLUMNS; cells: frames of scores of one system and benchmark each.

    STEPS_COLUMN, PASSAGE_COLUMNS and INDEX_COLUMN follow if the cells have them. `published` and
    `delta` (ours minus published) are filled for pool `all` where the paper has the score. They
    stay empty elsewhere, and where an approximate index was searched.
    """
    parts = []
    for frame in cells:
        chosen = frame[frame["metric"].isin(spec.metrics)]
        if spec.means_only:
            chosen = chosen[chosen["language"].isin(MEANS)]
        parts.append(chosen.assign(table=name))
    frame = pd.concat(parts, ignore_index=True)
    beside = published[published["table"].isin(spec.paper)][[*SCORE_KEYS, "published"]]
    frame = frame.merge(
        beside.assign(pool=ALL), on=[*SCORE_KEYS, "pool"], how="left", validate="many_to_one"
    )
    if INDEX_COLUMN in frame:
        frame.loc[frame[INDEX_COLUMN].notna(), "published"] = float("nan")
    frame["delta"] = frame["value"] - frame["published"]
    more = [name for name in (STEPS_COLUMN, *PASSAGE_COLUMNS, INDEX_COLUMN) if name in frame]
    return frame[[*TIDY_COLUMNS, *more]]
