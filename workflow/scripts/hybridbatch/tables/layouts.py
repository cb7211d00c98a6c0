"""Layouts of scores on a page, for both Markdown and LaTeX."""

from collections.abc import Iterator, Sequence

import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, SETTINGS, metric_title
from hybridbatch.evaluation.settings import (
    INDEX_COLUMN,
    MEAN,
    MEAN_SEEN,
    MEAN_UNSEEN,
    MEDIAN,
    STEPS_COLUMN,
)
from hybridbatch.render.grid import Band, Cell, Grid, Page, Row, pivot
from hybridbatch.tables.markers import legend, marked
from hybridbatch.tables.words import MEAN_TITLES, POOL_TITLES, interval_phrase, seeds_phrase

# Short titles of the columns of averages, in their order.
_COLUMN_TITLES = {MEAN: "mean", MEDIAN: "median", MEAN_SEEN: "seen", MEAN_UNSEEN: "unseen"}
_MEANS = tuple(_COLUMN_TITLES)


def benchmark_page(
    name: str,
    title: str,
    frame: pd.DataFrame,
    tests: pd.DataFrame | None,
    confidence: float,
    averaged: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Page:
    """A grid for each encoder, benchmark and pool: the paper's Tables 3 to 8, 12 and 13.

    Rows are samplings, with a band for each setting and metric. Columns are query languages and
    means. Decimals are those of the paper. name: of the file. frame: tidy rows. tests: as for
    `markers.marked`. averaged: the languages that means average, if not all. notes: more of
    them, on the benchmarks.
    """
    frame = marked(frame, tests, confidence)
    note, marks = _note(frame, confidence), legend(frame, confidence)
    languages = set(frame["language"])
    lines = [
        f"- `{_COLUMN_TITLES[mean]}`: {_mean_note(mean)}" for mean in _MEANS if mean in languages
    ]
    if averaged:
        lines.append(f"- query languages in these: {', '.join(averaged)}")
    blocks: list[str | Grid] = [
        *filter(None, [note, _undefined(frame), steps_note(frame), marks, "\n".join(lines)]),
        *_passage_notes(frame),
        *notes,
    ]
    for key, part in frame.groupby(["encoder", "benchmark", "pool"], sort=False):
        encoder, benchmark, pool = key
        languages = list(part["language"].unique())
        codes = [code for code in languages if code not in _MEANS]
        means = [mean for mean in _MEANS if mean in languages]
        bands = [
            score_band(
                rows, rows["sampling"], rows["language"], [*codes, *means],
                METRICS[metric].decimals, f"{setting}, {metric_title(metric)}",
            )
            for (setting, metric), rows in _by_setting(part)
        ]  # fmt: skip
        caption = [
            f"{title}: {encoder} on {benchmark}, {POOL_TITLES[pool]}, by query language; "
            + ", ".join(f"{_COLUMN_TITLES[mean]}: {_mean_note(mean)}" for mean in means)
            + ".",
            f"Query languages in these: {', '.join(averaged)}." if averaged else "",
            f"{_numbers(part)}.",
            steps_note(part),
            *_passage_notes(part),
            marks,
        ]
        sizes = _pool_sizes(part)
        blocks += [
            f"## {encoder}, {benchmark}, {POOL_TITLES[pool]}",
            Grid(
                " ".join(filter(None, caption)),
                "sampling",
                [
                    *(code + sizes.get(code, "") for code in codes),
                    *(_COLUMN_TITLES[mean] for mean in means),
                ],
                bands,
                brief=True,
            ),
        ]
    return Page(name, title, blocks)


def overview_page(
    name: str, title: str, frame: pd.DataFrame, tests: pd.DataFrame | None, confidence: float
) -> Page:
    """A grid for each pool and mean, with means only: the paper's Tables 1 and 2.

    Rows are systems. Columns are settings, grouped by benchmark, or benchmarks if there is only one
    setting. Decimals are those of the paper. Arguments as for `benchmark_page`.
    """
    frame = marked(frame, tests, confidence)
    note, marks = _note(frame, confidence), legend(frame, confidence)
    blocks: list[str | Grid] = [*filter(None, [note, _undefined(frame), steps_note(frame), marks])]
    one_setting = frame["setting"].nunique() == 1
    for pool in frame["pool"].unique():
        for mean, what in MEAN_TITLES.items():
            part = frame[(frame["pool"] == pool) & (frame["language"] == mean)]
            if part.empty:
                continue
            pairs = part[["benchmark", "setting"]].drop_duplicates()
            widths = pairs["benchmark"].value_counts(sort=False)
            pairs = pairs.set_index("benchmark").loc[widths.index]["setting"]
            band = score_band(
                part,
                part["encoder"] + " " + part["sampling"],
                part["benchmark"] + " " + part["setting"],
                [f"{benchmark} {setting}" for benchmark, setting in pairs.items()],
                max(METRICS[metric].decimals - 1 for metric in part["metric"].unique()),
            )
            blocks += [
                f"## Mean over {what}; {POOL_TITLES[pool]}",
                Grid(
                    f"{title}. Mean over {what}; {POOL_TITLES[pool]}. {_numbers(part)}"
                    f"{_below(part, confidence)}. {marks}",
                    "system",
                    list(pairs.index if one_setting else pairs),
                    [band],
                    () if one_setting else list(widths.items()),
                ),
            ]
    return Page(name, title, blocks)


def score_band(
    frame: pd.DataFrame,
    names: pd.Series,
    across: pd.Series,
    columns: Sequence[str],
    decimals: int,
    title: str = "",
) -> Band:
    """A band of scores. Each row is followed by the published one, if there is one.

    The last row has the number of queries, for metrics that some queries have no value of. frame:
    tidy rows, from `marked` if markers are to be shown. names, across: the grid's row and column
    for each of them. columns: the order of columns. Averages have their interval as aside.
    """
    number = f"{{:.{decimals}f}}"
    cells, published = [], []
    for row in frame.itertuples():
        aside = ""
        if row.language in _MEANS and pd.notna(row.ci_low):
            aside = f"[{number.format(row.ci_low)}, {number.format(row.ci_high)}]"
        marks = getattr(row, "emphasis", ""), getattr(row, "mark", "")
        cells.append(Cell(number.format(row.value), aside, *marks))
        published.append(Cell("" if pd.isna(row.published) else number.format(row.published)))
    rows: list[Row] = []
    for ours, theirs in zip(
        pivot(names, across, cells, columns), pivot(names, across, published, columns), strict=True
    ):
        rows.append(ours)
        if any(cell.text for cell in theirs[1]):
            rows.append(("published", theirs[1]))
    if len(frame) and all(METRICS[metric].least_relevant > 1 for metric in frame["metric"]):
        of_column = frame["n_queries"].groupby(across).max()
        rows.append(("queries", [Cell(_count(of_column.get(column))) for column in columns]))
    return Band(rows, title)


def _count(number: float | None) -> str:
    return "" if number is None else f"{int(number):,}"


def _mean_note(mean: str) -> str:
    return (
        f"mean over {MEAN_TITLES[mean]}"
        if mean in MEAN_TITLES
        else f"of the languages that {MEAN} is over"
    )


def _pool_sizes(frame: pd.DataFrame) -> dict[str, str]:
    """The number of passages searched by language, where it is known."""
    if "pool_size" not in frame:
        return {}
    known = frame.dropna(subset="pool_size").drop_duplicates("language")
    return {row.language: f" ({int(row.pool_size):,})" for row in known.itertuples()}


def _passage_notes(frame: pd.DataFrame) -> list[str]:
    """Notes on how passages were searched, and on relevant passages that the collection lacks."""
    notes = []
    if INDEX_COLUMN in frame:
        notes.append(
            f"Searched through the index {', '.join(frame[INDEX_COLUMN].dropna().unique())}, which "
            "may miss candidates: these figures are not compared with published ones. Its recall "
            "against the exact ranking stands below them."
        )
    if not _pool_sizes(frame):
        return notes
    notes += ["In brackets behind a language: the passages that were searched."]
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


def _by_setting(part: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """Rows of each setting and metric, in SETTINGS' order."""
    found = dict(list(part.groupby(["setting", "metric"], sort=False)))
    order = [(setting, metric) for setting, metrics in SETTINGS.items() for metric in metrics]
    return ((key, found[key]) for key in dict.fromkeys([*order, *found]) if key in found)


def _numbers(frame: pd.DataFrame) -> str:
    """`Mean over 3 seeds; 500 to 1,190 queries`."""
    queries = frame["n_queries"]
    texts = [f"{n:,}" for n in sorted({queries.min(), queries.max()})]
    return (
        f"Mean over {seeds_phrase(frame)}; n = "
        f"{' to '.join(texts)} {'query' if texts == ['1'] else 'queries'}"
    )


def steps_note(frame: pd.DataFrame) -> str:
    """The sentence on how long each system was trained; empty if it is not known."""
    if STEPS_COLUMN not in frame or frame[STEPS_COLUMN].isna().all():
        return ""
    known = frame.dropna(subset=STEPS_COLUMN).drop_duplicates(["encoder", "sampling"])
    several = known["encoder"].nunique() > 1
    steps = [
        f"{row.encoder + ' ' if several else ''}{row.sampling} {getattr(row, STEPS_COLUMN):,.0f}"
        for row in known.itertuples()
    ]
    return f"Steps of training, mean over seeds: {', '.join(steps)}."


def _below(frame: pd.DataFrame, confidence: float) -> str:
    """The sentence on where LaTeX prints intervals; empty if there are none."""
    return f"; below: {interval_phrase(frame, confidence)}" if frame["ci_low"].notna().any() else ""


def _undefined(frame: pd.DataFrame) -> str:
    """The note on metrics that some queries have no value of; empty without any."""
    metrics = [METRICS[name] for name in frame["metric"].unique()]
    titles = [metric.title for metric in metrics if metric.least_relevant > 1]
    return f"Of queries with two or more relevant candidates: {', '.join(titles)}." * bool(titles)


def _note(frame: pd.DataFrame, confidence: float) -> str:
    """The note that explains how a score is printed."""
    if frame.empty:
        return "No query has a value of this metric."
    note = _numbers(frame)
    if frame["ci_low"].notna().any():
        note += f" [{interval_phrase(frame, confidence)}]"
    if frame["published"].notna().any():
        note += ". A row `published` has the paper's figures for the row above"
    return note + "."
