"""The papers' tables: tidy rows beside the published figures, and wide Markdown to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from hybridbatch.cells import MEAN, MEAN_SEEN, MEAN_UNSEEN
from hybridbatch.errors import DataError
from hybridbatch.evaluation import ALL, SEEN
from hybridbatch.files import write_text

TIDY_COLUMNS = [
    "table",
    "benchmark",
    "encoder",
    "sampling",
    "setting",
    "pool",
    "metric",
    "language",
    "value",
    "ci_low",
    "ci_high",
    "n_queries",
    "n_seeds",
    "published",
    "delta",
]
_PUBLISHED_COLUMNS = [
    "table", "dataset", "model", "sampling", "setting", "metric", "language", "value",
]  # fmt: skip
_KEYS = ["benchmark", "encoder", "sampling", "setting", "metric", "language"]
_MEANS = (MEAN, MEAN_SEEN, MEAN_UNSEEN)
_POOL_TITLES = {
    ALL: "Pool `all`: every language of the benchmark",
    SEEN: "Pool `seen`: only the languages with training data",
}
_METRIC_TITLES = {
    "map": "mAP",
    "recall_1": "R@1",
    "recall_10": "R@10",
    "rank_distance": "rank distance",
}


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
    """The table of one benchmark: the paper's Tables 3 to 6."""
    return TableSpec(title, ("map", "recall_1", "recall_10"), False, (3, 4, 5, 6))


def read_published(path: str | Path) -> pd.DataFrame:
    """The paper's cells; raises `DataError` for a wrong column or a cell that stands twice."""
    frame = pd.read_csv(path, dtype={"language": str}, keep_default_na=False)
    if list(frame.columns) != _PUBLISHED_COLUMNS:
        raise DataError(
            f"{path}: columns are {', '.join(frame.columns)}; expected "
            f"{', '.join(_PUBLISHED_COLUMNS)}."
        )
    twice = frame[frame.duplicated([c for c in _PUBLISHED_COLUMNS if c != "value"])]
    if len(twice):
        raise DataError(f"{path}: line {twice.index[0] + 2} repeats a cell.")
    return frame.rename(columns={"dataset": "benchmark", "model": "encoder", "value": "published"})


def tidy(
    name: str,
    spec: TableSpec,
    cells: Iterable[tuple[str, str, str, pd.DataFrame]],
    published: pd.DataFrame,
) -> pd.DataFrame:
    """TIDY_COLUMNS rows of a table from (benchmark, encoder, sampling, cells) parts.

    `published` and `delta` (ours minus published) are filled for pool `all` where the paper has
    the cell and stay absent elsewhere.
    """
    parts = []
    for benchmark, encoder, sampling, frame in cells:
        chosen = frame[frame["metric"].isin(spec.metrics)]
        if spec.means_only:
            chosen = chosen[chosen["language"].isin(_MEANS)]
        parts.append(
            chosen.assign(table=name, benchmark=benchmark, encoder=encoder, sampling=sampling)
        )
    frame = pd.concat(parts, ignore_index=True)
    beside = published[published["table"].isin(spec.paper)][[*_KEYS, "published"]]
    frame = frame.merge(beside.assign(pool=ALL), on=[*_KEYS, "pool"], how="left")
    frame["delta"] = frame["value"] - frame["published"]
    return frame[TIDY_COLUMNS]


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


def write_tidy(path: str | Path, frame: pd.DataFrame) -> None:
    """Write the CSV, whole; figures with six decimals, an absent one as an empty field."""
    write_text(path, frame.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def benchmark_markdown(title: str, frame: pd.DataFrame, confidence: float) -> str:
    """One section an encoder and pool, one table a setting: languages down, samplings across."""
    blocks = [f"# {title}", _note(frame, confidence)]
    for encoder in frame["encoder"].unique():
        for pool in frame["pool"].unique():
            part = frame[(frame["encoder"] == encoder) & (frame["pool"] == pool)]
            if part.empty:
                continue
            blocks.append(f"## {encoder}. {_POOL_TITLES[pool]}")
            for (benchmark, setting), table in part.groupby(["benchmark", "setting"], sort=False):
                blocks.append(f"### {benchmark}, {setting}\n\n" + _wide(table))
    return "\n\n".join(blocks) + "\n"


def overview_markdown(title: str, frame: pd.DataFrame, confidence: float) -> str:
    """Mean rows only: systems down, benchmarks and settings across, as in Tables 1 and 2."""
    blocks = [f"# {title}", _note(frame, confidence)]
    for pool in frame["pool"].unique():
        for mean in _MEANS:
            part = frame[(frame["pool"] == pool) & (frame["language"] == mean)]
            if part.empty:
                continue
            one_metric = part["metric"].nunique() == 1 and part["setting"].nunique() == 1
            columns = [
                benchmark if one_metric else f"{benchmark} {setting}"
                for benchmark, setting in zip(part["benchmark"], part["setting"], strict=True)
            ]
            rows = part["encoder"] + " " + part["sampling"]
            what = {
                MEAN: "mean over query languages",
                MEAN_SEEN: "mean over query languages with training data",
                MEAN_UNSEEN: "mean over query languages without training data",
            }[mean]
            blocks.append(f"## {_POOL_TITLES[pool]}; {what}")
            blocks.append(_grid(rows, pd.Series(columns, index=part.index), part, "system"))
    return "\n\n".join(blocks) + "\n"


def counts_markdown(title: str, frame: pd.DataFrame, what: str) -> str:
    """Counts with the published figure in brackets: `what` and language down, counts across."""
    rows = frame["benchmark"] + " " + frame["language"].fillna("")
    return f"# {title}\n\n" + _grid(rows, frame["metric"], frame, f"{what}, language") + "\n"


def _wide(part: pd.DataFrame) -> str:
    columns = part["metric"].map(_METRIC_TITLES) + " " + part["sampling"]
    return _grid(part["language"], columns, part, "language")


def _grid(rows: pd.Series, columns: pd.Series, part: pd.DataFrame, corner: str) -> str:
    texts = pd.Series([_text(row) for row in part.itertuples()], index=part.index)
    grid = pd.DataFrame({"row": rows, "column": columns, "text": texts})
    wide = grid.pivot(index="row", columns="column", values="text")
    wide = wide.loc[rows.unique(), columns.unique()].fillna("")
    wide.index.name, wide.columns.name = corner, None
    align = ("left", *["right"] * len(wide.columns))
    return wide.reset_index().to_markdown(
        index=False, disable_numparse=True, colalign=align, tablefmt="github"
    )


def _text(row) -> str:
    if isinstance(row.value, int) or row.metric not in _METRIC_TITLES:
        number = "{:,.0f}"
    elif row.metric == "rank_distance":
        number = "{:.0f}"
    else:
        number = "{:.4f}"
    text = number.format(row.value)
    if row.language in _MEANS and pd.notna(row.ci_low):
        text += f" [{number.format(row.ci_low)}, {number.format(row.ci_high)}]"
    if pd.notna(row.published):
        text += f" ({number.format(row.published)})"
    return text


def _note(frame: pd.DataFrame, confidence: float) -> str:
    seeds = sorted(frame["n_seeds"].unique())
    note = (
        f"Mean over {' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}; in square "
        f"brackets the {confidence:.0%} bootstrap interval over queries and seeds"
    )
    if frame["published"].notna().any():
        note += "; in round brackets the published figure"
    return note + "."
