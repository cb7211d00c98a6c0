"""The papers' tables: tidy rows of scores and counts beside the published figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hybridbatch.evaluation.aggregate import (
    CELL_COLUMNS,
    MEAN,
    MEAN_SEEN,
    MEAN_UNSEEN,
    PASSAGE_COLUMNS,
)
from hybridbatch.evaluation.per_query import ALL, JUDGED, SEEN
from hybridbatch.runtime.files import write_text

TIDY_COLUMNS = [
    "table",
    "benchmark",
    "encoder",
    "sampling",
    *CELL_COLUMNS,
    "published",
    "delta",
]
_KEYS = ["benchmark", "encoder", "sampling", "setting", "metric", "language"]
MEANS = {
    MEAN: "all query languages",
    MEAN_SEEN: "query languages with training data",
    MEAN_UNSEEN: "query languages without training data",
}
POOL_TITLES = {
    ALL: "pool `all`: every language of the benchmark",
    SEEN: "pool `seen`: only the languages with training data",
    JUDGED: "pool `judged`: judged passages only, an easier task than the benchmark's",
}
METRIC_TITLES = {
    "map": "mAP",
    "recall_1": "R@1",
    "recall_10": "R@10",
    "rank_distance": "rank distance",
    "ndcg_10": "nDCG@10",
    "recall_100": "R@100",
}
LESS_IS_BETTER = {"rank_distance"}


@dataclass(frozen=True)
class TableSpec:
    """Which cells a table takes, and which of the paper's tables it stands beside."""

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
    """The table of one benchmark: the paper's Tables 3 to 6, 12 and 13."""
    metrics = ("map", "recall_1", "recall_10", "ndcg_10", "recall_100")
    return TableSpec(title, metrics, False, (3, 4, 5, 6, 12, 13))


def tidy(
    name: str,
    spec: TableSpec,
    cells: Iterable[pd.DataFrame],
    published: pd.DataFrame,
) -> pd.DataFrame:
    """TIDY_COLUMNS rows of a table from the cells of one system and benchmark each.

    Behind them PASSAGE_COLUMNS, if the cells have them.

    `published` and `delta` (ours minus published) are filled for pool `all` where the paper has
    the cell and stay absent elsewhere.
    """
    parts = []
    for frame in cells:
        chosen = frame[frame["metric"].isin(spec.metrics)]
        if spec.means_only:
            chosen = chosen[chosen["language"].isin(MEANS)]
        parts.append(chosen.assign(table=name))
    frame = pd.concat(parts, ignore_index=True)
    beside = published[published["table"].isin(spec.paper)][[*_KEYS, "published"]]
    frame = frame.merge(
        beside.assign(pool=ALL), on=[*_KEYS, "pool"], how="left", validate="many_to_one"
    )
    frame["delta"] = frame["value"] - frame["published"]
    return frame[[*TIDY_COLUMNS, *(name for name in PASSAGE_COLUMNS if name in frame)]]


def counts_table(name: str, rows: Sequence[dict], published: dict[tuple, int]) -> pd.DataFrame:
    """TIDY_COLUMNS rows for counts (Tables 9 and 10).

    rows: benchmark (or corpus), metric, language, value; published: figures by
    (benchmark, metric, language).
    """
    frame = pd.DataFrame(rows)
    keys = zip(frame["benchmark"], frame["metric"], frame["language"], strict=True)
    frame = frame.assign(table=name, published=[published.get(key) for key in keys])
    frame["published"] = frame["published"].astype("Int64")
    frame["delta"] = frame["value"] - frame["published"]
    return frame.reindex(columns=TIDY_COLUMNS)


def seeds_phrase(frame: pd.DataFrame) -> str:
    """`1 seed`, `3 seeds` or `1 or 3 seeds`; frame: rows with n_seeds."""
    seeds = sorted(frame["n_seeds"].unique())
    return f"{' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}"


def interval_phrase(frame: pd.DataFrame, confidence: float) -> str:
    """What was resampled for the intervals; frame: rows with n_seeds."""
    units = "queries" if (frame["n_seeds"] == 1).all() else "queries and seeds"
    return f"{100 * confidence:g}% bootstrap interval over {units}"


def write_tidy(path: str | Path, frame: pd.DataFrame) -> None:
    """Write the CSV, whole; figures with six decimals, an absent one as an empty field."""
    write_text(path, frame.to_csv(index=False, float_format="%.6f", lineterminator="\n"))
