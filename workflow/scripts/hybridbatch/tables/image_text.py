"""The page of retrieval between captions and images."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from hybridbatch.data.records import csv_lines
from hybridbatch.evaluation.claims import CANNOT_SAY, NOT_RUN
from hybridbatch.evaluation.image_names import DIRECTIONS, IMAGE_TO_TEXT, RECALLS
from hybridbatch.evaluation.image_scores import (
    FAMILY,
    IMAGE_METRICS,
    MEANS,
    SHARE_OF,
)
from hybridbatch.evaluation.image_text import (
    BY_FAMILY,
    CHANCE,
    COMPARED,
    NEAR_CHANCE,
    PUBLISHED,
    SHUFFLED,
    TOWERS,
)
from hybridbatch.evaluation.settings import ALL
from hybridbatch.render.grid import BOLD, Band, Cell, Grid, Page, Row
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.image_words import MEAN_TITLES
from hybridbatch.tables.published import read_figures

TITLE = "Retrieval between captions and images"
PUBLISHED_COLUMNS = ("source", "model", "metric", "language", "value")
FAMILY_COLUMNS = ("language", "group", "family")
_DIRECTION_TITLES = {direction: direction.replace("-", " ") for direction in DIRECTIONS}
_TESTED = ["difference", "p", "Holm", "detectable", "splits"]
_POOLED = [metric for metric, names in COMPARED if names == (ALL,)]


def read_published_recall(path: str | Path, benchmark: str) -> pd.DataFrame:
    """A file of published recall, in percent, as `image_text_table` takes it.

    Columns of the file: PUBLISHED_COLUMNS; metric is such as `text_to_image_recall_10`. Raises
    DataError, naming the file, for another metric or a file that is not as `read_figures` asks for.
    """
    frame = read_figures(path, PUBLISHED_COLUMNS)
    places = {
        f"{direction.replace('-', '_')}_{metric}": (direction, metric)
        for direction in DIRECTIONS
        for metric in RECALLS
    }
    if unknown := sorted(set(frame["metric"]) - places.keys()):
        raise DataError(f"{path}: unknown metric {unknown[0]!r}; known: {', '.join(places)}.")
    settings, metrics = zip(*(places[name] for name in frame["metric"]), strict=True)
    return frame.assign(
        benchmark=benchmark, setting=settings, metric=metrics, value=frame["value"] / 100
    )


def read_families(path: str | Path) -> dict[str, str]:
    """The family of each language, of a file with the columns FAMILY_COLUMNS."""
    (_, header), *lines = csv_lines(path)
    if header != list(FAMILY_COLUMNS):
        raise DataError(
            f"{path}: columns are {', '.join(header)}, not {', '.join(FAMILY_COLUMNS)}."
        )
    return {language: family for _, (language, _, family) in lines}


def image_text_page(frame: pd.DataFrame, margin: float, confidence: float) -> Page:
    """For each benchmark: verdicts, means, differences, then the languages.

    frame: of `evaluation.image_text`. margin, confidence: those that it was made with.
    """
    blocks: list[str | Grid] = [_introduction(margin, confidence)]
    for benchmark, part in frame.groupby("benchmark", sort=False):
        blocks += _verdicts(benchmark, part[part["statement"].notna()], confidence)
        scores = part[part["versus"].isna()]
        for direction in DIRECTIONS:
            in_direction = scores[scores["setting"] == direction]
            blocks += _means(benchmark, direction, in_direction, confidence)
        tested = part[part["versus"].notna() & part["statement"].isna()]
        blocks += _differences(benchmark, tested, confidence)
        for direction in DIRECTIONS:
            blocks += _languages(benchmark, direction, scores[scores["setting"] == direction])
    return Page("image_text", TITLE, blocks)


def _introduction(margin: float, confidence: float) -> str:
    return (
        "A row is a text tower, by the sampling of the batches that it was trained on, with the "
        "captions that were trained on beside images: a model for each split of the images and "
        "each seed. Text to image: the query is a caption, one image of the split is right. Image "
        "to text: the candidates are the captions of one language or of all, with one that is "
        f"right in each. In brackets {100 * confidence:g}% intervals over seeds and groups of "
        "images; with one seed they are of this seed only, and nothing is tested. Differences are "
        "paired; p, then corrected by Holm over the table (the shuffled captions apart); "
        "detectable: the minimum detectable difference (80% power, two-sided .05, uncorrected). "
        "`unseen` are languages without captions in training; a text tower "
        "that was not trained on a language either can do no more there than its pieces of words "
        f"allow. `{SHUFFLED}` captions are those of other images: nothing can be learned from "
        f"them. `{CHANCE}` is exact. The margin is {margin:g} in R@10; no paper prints a "
        f"difference to take it from. `{CANNOT_SAY} with n seeds`: the minimum detectable "
        f"difference exceeds the margin. `{NEAR_CHANCE}`: the better other tower is not above "
        "chance by more than the margin, so that there is nothing to lose. "
        f"`{NOT_RUN}`: an encoder that the configuration names and this run does not have, such as "
        "a pretrained one whose weights were not at hand."
    )


def _counted(rows: pd.DataFrame) -> str:
    """`900 queries, 400 groups of images, 3 splits, 3 seeds`, the most of any row."""
    names = {
        "n_queries": ("query", "queries"),
        "n_clusters": ("group of images", "groups of images"),
        "n_splits": ("split", "splits"),
        "n_seeds": ("seed", "seeds"),
    }
    own = rows[rows["n_seeds"].notna()]
    most = {name: int(own[name].max()) for name in names}
    return ", ".join(f"{number:,} {names[name][number != 1]}" for name, number in most.items())


def _verdicts(benchmark: str, rows: pd.DataFrame, confidence: float) -> list[str | Grid]:
    if rows.empty:
        return []
    bands = []
    for (captions, statement), part in rows.groupby(["captions", "statement"], sort=False):
        lines = [
            (
                f"{MEAN_TITLES[row.language]} ({row.n_languages})",
                [
                    Cell(row.verdict, emphasis=BOLD),
                    _value(row, BY_FAMILY, signed=True),
                    Cell(f"{row.margin:.3f}"),
                    _number(row.detectable, 4),
                ],
            )
            for row in part.itertuples()
        ]
        bands.append(Band(lines, f"{captions} captions; {statement}"))
    caption = (
        f"{benchmark}: whether text towers of hybrid batches transfer to unseen languages at least "
        f"as well. The difference to the better other one with its {100 * confidence:g}% interval, "
        "the margin allowed, and the minimum detectable difference."
    )
    columns = ["verdict", "difference", "margin", "detectable"]
    return [f"## {benchmark}: statements", Grid(caption, "mean over", columns, bands)]


def _means(
    benchmark: str, direction: str, scores: pd.DataFrame, confidence: float
) -> list[str | Grid]:
    """Means over languages, a group of columns for each; over all languages' captions a last."""
    means = [name for name in MEANS if (scores["language"] == name).any()]
    wanted = [(name, [m for m in RECALLS if _has(scores, name, m)]) for name in means]
    wanted.append((ALL, [m for m in _POOLED if _has(scores, ALL, m)]))
    wanted = [(name, metrics) for name, metrics in wanted if metrics]
    if not wanted:
        return []
    own = scores[scores["captions"] != PUBLISHED]
    values = {(row.tower, row.captions, row.language, row.metric): row for row in own.itertuples()}
    systems = dict.fromkeys((row.tower, row.captions) for row in own.itertuples())
    lines: list[Row] = []
    for tower, captions in systems:
        cells = [
            _value(values.get((tower, captions, name, metric)), metric)
            for name, metrics in wanted
            for metric in metrics
        ]
        lines.append((_system_name({"tower": tower, "captions": captions}), cells))
    titles = {**MEAN_TITLES, ALL: "captions of all languages together"}
    where = f"{benchmark}, {_DIRECTION_TITLES[direction]}"
    numbers = _counted(own[own["language"].isin([*MEANS, ALL])])
    return [
        f"## {where}",
        f"{numbers}.",
        Grid(
            f"{where}: {numbers}; in brackets {100 * confidence:g}% intervals.",
            "text tower, captions",
            [IMAGE_METRICS[metric].title for _, metrics in wanted for metric in metrics],
            [Band(lines)],
            [(titles[name], len(metrics)) for name, metrics in wanted],
        ),
    ]


def _has(scores: pd.DataFrame, language: str, metric: str) -> bool:
    return ((scores["language"] == language) & (scores["metric"] == metric)).any()


def _differences(benchmark: str, tested: pd.DataFrame, confidence: float) -> list[str | Grid]:
    blocks: list[str | Grid] = []
    titles = {**MEAN_TITLES, ALL: "captions of all languages together"}
    for compared, what in ((TOWERS, "text towers"), ("captions", "captions")):
        bands = []
        rows = tested[tested["compared"] == compared]
        fixed = "captions" if compared == TOWERS else "tower"
        keys = ["setting", fixed, "metric"]
        for (direction, of, metric), part in rows.groupby(keys, sort=False):
            first = "tower" if compared == TOWERS else "captions"
            lines = [
                (f"{getattr(row, first)} − {row.versus}, {titles[row.language]}", _test(row))
                for row in part.itertuples()
            ]
            place = f"{_DIRECTION_TITLES[direction]}, {of} {fixed}, {IMAGE_METRICS[metric].title}"
            bands.append(Band(lines, place))
        if bands:
            caption = (
                f"{benchmark}: differences between {what} with {100 * confidence:g}% intervals; p, "
                "and corrected by Holm; the minimum detectable difference; below it the least and "
                "the greatest difference of a split, and p that splits are alike."
            )
            blocks += [
                f"## {benchmark}: differences between {what}",
                Grid(caption, "difference", _TESTED, bands),
            ]
    return blocks


def _test(row) -> list[Cell]:
    decimals = IMAGE_METRICS[row.metric].decimals
    difference = _value(row, row.metric, signed=True)
    if pd.isna(row.p):
        difference = Cell(difference.text, "no test")
    splits = Cell()
    if row.n_splits > 1:
        ends = f"{row.split_min:+.{decimals}f} to {row.split_max:+.{decimals}f}"
        splits = Cell(ends, "" if pd.isna(row.split_p) else f"p = {row.split_p:.3f}")
    return [
        difference,
        _number(row.p, 5),
        _number(row.p_holm, 4),
        _number(row.detectable, decimals),
        splits,
    ]


def _languages(benchmark: str, direction: str, scores: pd.DataFrame) -> list[str | Grid]:
    """R@10 of each language, a column for each system; of image to text also the shares."""
    blocks: list[str | Grid] = []
    where = f"{benchmark}, {_DIRECTION_TITLES[direction]}"
    for metric, what in (
        ("recall_10", "R@10"),
        (SHARE_OF, "share of a language among the first candidates of all languages"),
    ):
        of_means = scores["language"].isin([*MEANS, ALL]) | scores["language"].str.startswith(
            FAMILY
        )
        rows = scores[(scores["metric"] == metric) & ~of_means]
        if rows.empty or (metric == SHARE_OF and direction != IMAGE_TO_TEXT):
            continue
        columns = list(dict.fromkeys(map(_system_name, rows.to_dict("records"))))
        values: dict[str, dict[str, Cell]] = {}
        for row in rows.to_dict("records"):
            cells = values.setdefault(row["language"], {})
            cells[_system_name(row)] = _number(row["value"], 3)
        lines = [
            (language, [values[language].get(name, Cell()) for name in columns])
            for language in sorted(values)
        ]
        caption = f"{where}: {what}, by language. Intervals are in the CSV file."
        sources = ", ".join(rows["source"].dropna().unique())
        said = f"Published figures: {sources}. Other models and data, of all test images."
        blocks += [f"## {where}: {what}", *([said] if sources else [])]
        blocks.append(Grid(caption, "language", columns, [Band(lines)], brief=True))
    return blocks


def _system_name(row: Mapping[str, object]) -> str:
    if row["captions"] == CHANCE:
        return CHANCE
    return f"{row['tower']}, {row['captions']}"


def _value(row, metric: str, signed: bool = False) -> Cell:
    """A value with its interval; row: of the table, or None."""
    if row is None:
        return Cell()
    if row.verdict == NOT_RUN:
        return Cell(NOT_RUN)
    form = f"{{:{'+' * signed}.{IMAGE_METRICS[metric].decimals}f}}"
    ends = f"[{form.format(row.ci_low)}, {form.format(row.ci_high)}]"
    return Cell(form.format(row.value), "" if pd.isna(row.ci_low) else ends)


def _number(value: float, places: int) -> Cell:
    return Cell() if pd.isna(value) else Cell(f"{value:.{places}f}")
