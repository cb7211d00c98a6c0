"""The papers' tables: tidy rows beside the published figures, and wide Markdown to read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from hybridbatch.cells import (
    CELL_COLUMNS,
    MEAN,
    MEAN_SEEN,
    MEAN_UNSEEN,
    MEDIAN,
    PASSAGE_COLUMNS,
)
from hybridbatch.errors import DataError
from hybridbatch.evaluation import ALL, JUDGED, SEEN
from hybridbatch.files import write_text

TIDY_COLUMNS = [
    "table",
    "benchmark",
    "encoder",
    "sampling",
    *CELL_COLUMNS,
    "published",
    "delta",
]
PUBLISHED_COLUMNS = [
    "table", "dataset", "model", "sampling", "setting", "metric", "language", "value",
]  # fmt: skip
LAREQA_COLUMNS = PUBLISHED_COLUMNS[1:]
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


def read_published(
    path: str | Path, columns: Sequence[str] = tuple(PUBLISHED_COLUMNS)
) -> pd.DataFrame:
    """A paper's cells; raises `DataError` for a wrong column or a cell that stands twice."""
    frame = pd.read_csv(path, dtype={"language": str}, keep_default_na=False)
    if list(frame.columns) != list(columns):
        raise DataError(
            f"{path}: line 1: columns are {', '.join(frame.columns)}; expected "
            f"{', '.join(columns)}."
        )
    wrong = frame[pd.to_numeric(frame["value"], errors="coerce").isna()]
    if len(wrong):
        raise DataError(f"{path}: line {wrong.index[0] + 2}: the value is not a number.")
    twice = frame[frame.duplicated([c for c in columns if c != "value"])]
    if len(twice):
        raise DataError(f"{path}: line {twice.index[0] + 2} repeats a cell.")
    return frame.rename(columns={"dataset": "benchmark", "model": "encoder", "value": "published"})


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


def write_tidy(path: str | Path, frame: pd.DataFrame) -> None:
    """Write the CSV, whole; figures with six decimals, an absent one as an empty field."""
    write_text(path, frame.to_csv(index=False, float_format="%.6f", lineterminator="\n"))


def benchmark_markdown(
    title: str, frame: pd.DataFrame, confidence: float, averaged: Sequence[str] = ()
) -> str:
    """A section an encoder and pool, a block a setting, a table a metric.

    averaged: the languages that mean rows are over, if they are not all.
    Languages down, samplings across; as many decimals as in the paper's Tables 3 to 8.
    """
    blocks = [f"# {title}", _note(frame, confidence)]
    shown = [mean for mean in MEANS if (frame["language"] == mean).any()]
    lines = [f"- `{mean}`: over {MEANS[mean]}" for mean in shown]
    if (frame["language"] == MEDIAN).any():
        lines.append(f"- `{MEDIAN}`: of the languages that `{MEAN}` is over")
    if averaged:
        lines.append(f"- query languages in these: {', '.join(averaged)}")
    blocks += ["\n".join(lines), *_passage_notes(frame)]
    for encoder in frame["encoder"].unique():
        for pool in frame["pool"].unique():
            part = frame[(frame["encoder"] == encoder) & (frame["pool"] == pool)]
            if part.empty:
                continue
            blocks.append(f"## {encoder}, {POOL_TITLES[pool]}")
            for (benchmark, setting), block in part.groupby(["benchmark", "setting"], sort=False):
                blocks.append(f"### {benchmark}, {setting}")
                for metric, table in block.groupby("metric", sort=False):
                    corner = METRIC_TITLES.get(metric, metric)
                    texts = _texts(table, 1 if metric == "rank_distance" else 4)
                    blocks.append(
                        grid_markdown(_with_pool_sizes(table), table["sampling"], texts, corner)
                    )
    return "\n\n".join(blocks) + "\n"


def _with_pool_sizes(table: pd.DataFrame) -> pd.Series:
    """The languages, each with the number of passages that were searched if it is known."""
    if "pool_size" not in table:
        return table["language"]
    sizes = table["pool_size"].map(lambda size: "" if pd.isna(size) else f" ({int(size):,})")
    return table["language"] + sizes


def _passage_notes(frame: pd.DataFrame) -> list[str]:
    """What the figures behind languages are, and where relevant passages are not there."""
    if "pool_size" not in frame or frame["pool_size"].isna().all():
        return []
    notes = ["In brackets behind a language: the passages that were searched."]
    lacking = frame[frame["absent_relevant"].fillna(0) > 0].drop_duplicates(
        ["benchmark", "language"]
    )
    if len(lacking):
        counts = ", ".join(
            f"{row.language} {row.absent_relevant:,}" for row in lacking.itertuples()
        )
        notes.append(
            f"Relevant passages that the collection lacks, and that count as not found: {counts}."
        )
    return notes


def overview_markdown(title: str, frame: pd.DataFrame, confidence: float) -> str:
    """Mean rows only: systems down; settings across, or benchmarks where there is one setting.

    As many decimals as in the paper's Tables 1 and 2.
    """
    blocks = [f"# {title}", _note(frame, confidence)]
    one_setting = frame["setting"].nunique() == 1
    for pool in frame["pool"].unique():
        for mean, what in MEANS.items():
            part = frame[(frame["pool"] == pool) & (frame["language"] == mean)]
            if part.empty:
                continue
            blocks.append(f"## Mean over {what}; {POOL_TITLES[pool]}")
            for benchmark in [None] if one_setting else part["benchmark"].unique():
                table = part if one_setting else part[part["benchmark"] == benchmark]
                columns = table["benchmark" if one_setting else "setting"]
                if not one_setting:
                    blocks.append(f"### {benchmark}")
                systems = table["encoder"] + " " + table["sampling"]
                texts = _texts(table, 0 if "rank_distance" in set(table["metric"]) else 3)
                blocks.append(grid_markdown(systems, columns, texts, "system"))
    return "\n\n".join(blocks) + "\n"


def counts_markdown(title: str, frame: pd.DataFrame, what: str) -> str:
    """Counts with the published figure in brackets: `what` and language down, counts across."""
    rows = frame["benchmark"] + " " + frame["language"].fillna("")
    texts = [
        f"{value:,}" + ("" if pd.isna(published) else f" ({published:,})")
        for value, published in zip(frame["value"], frame["published"], strict=True)
    ]
    grid = grid_markdown(rows, frame["metric"], texts, f"{what}, language", align="right")
    return f"# {title}\n\n{grid}\n"


def grid_markdown(
    rows: pd.Series, columns: pd.Series, texts: list[str], corner: str, align: str = "left"
) -> str:
    """A Markdown table; rows and columns in the order in which they first stand."""
    grid = pd.DataFrame({"row": rows, "column": columns, "text": texts})
    wide = grid.pivot(index="row", columns="column", values="text")
    wide = wide.loc[rows.unique(), columns.unique()].fillna("")
    lines = [[corner, *wide.columns], *([row.Index, *row[1:]] for row in wide.itertuples())]
    return table_markdown(*lines, align=align)


def table_markdown(*lines: Sequence[str], align: str = "left") -> str:
    """A Markdown table whose header is the first line; its first column stands left."""
    first, *others = [[str(cell).replace("|", r"\|") for cell in line] for line in lines]
    aligned = ("left", *[align] * (len(first) - 1))
    return tabulate(
        others, headers=first, disable_numparse=True, colalign=aligned, tablefmt="github"
    )


def _texts(part: pd.DataFrame, decimals: int) -> list[str]:
    """`value (published) [interval]` of each row, the interval only of means."""
    number = f"{{:.{decimals}f}}"
    texts = []
    for row in part.itertuples():
        text = number.format(row.value)
        if pd.notna(row.published):
            text += f" ({number.format(row.published)})"
        if row.language in (*MEANS, MEDIAN) and pd.notna(row.ci_low):
            text += f" [{number.format(row.ci_low)}, {number.format(row.ci_high)}]"
        texts.append(text)
    return texts


def _note(frame: pd.DataFrame, confidence: float) -> str:
    """What a figure is, in the form in which it is printed."""
    seeds = sorted(frame["n_seeds"].unique())
    note = f"Mean over {' or '.join(map(str, seeds))} seed{'s' if seeds != [1] else ''}"
    if frame["published"].notna().any():
        note += " (the published figure)"
    if frame["ci_low"].notna().any():
        units = "queries" if seeds == [1] else "queries and seeds"
        note += f" [{100 * confidence:g}% bootstrap interval over {units}]"
    return note + "."
