"""R@10 between captions and images by language family, a line for each text tower."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybridbatch.evaluation.image_names import DIRECTIONS
from hybridbatch.evaluation.image_scores import FAMILY, IMAGE_METRICS
from hybridbatch.evaluation.image_text import BY_FAMILY, CHANCE, PUBLISHED, SHUFFLED
from hybridbatch.evaluation.settings import MEAN, MEAN_SEEN
from hybridbatch.figures._style import (
    FAINT,
    INK,
    Look,
    Words,
    label_ends,
    looks_of,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)
from hybridbatch.figures.curves import dodged_lines

_TRAINED = "trained on"  # the first place: languages that had captions in training
_MOST_BESIDE = 10  # places in a panel of half of the width
_CONTROL = Look(FAINT, (1, 2), "x")


@styled
def family_figure(table: pd.DataFrame) -> Figure:
    """A row for each benchmark and captions, a column for each direction.

    Directions stand below each other where there are too many families for half of the width.

    table: of `evaluation.image_text`. Families are in the order of their mean over text towers.
    """
    points = family_points(table)
    chance = _chance(table)
    looks = looks_of(points["tower"]) | {SHUFFLED: _CONTROL}
    own = points[points["captions"] != SHUFFLED]
    rows = list(dict.fromkeys(own[["benchmark", "captions"]].itertuples(index=False, name=None)))
    columns = [of for of in DIRECTIONS if (points["setting"] == of).any()]
    stacked = points["place"].nunique() > _MOST_BESIDE
    shape = (len(rows) * len(columns), 1) if stacked else (len(rows), len(columns))
    figure, axes = panels(*shape, 3.0, sharey="row")
    axes = axes.reshape(len(rows), len(columns))
    for row, (benchmark, captions) in enumerate(rows):
        of_row = points[(points["benchmark"] == benchmark) & _drawn_with(points, captions)]
        order = _order(of_row[of_row["captions"] == captions])
        for column, direction in enumerate(columns):
            panel, shown = axes[row, column], of_row[of_row["setting"] == direction]
            ends = _draw(panel, shown, order, looks)
            level = chance.get((benchmark, direction))
            if level is not None:
                panel.axhline(level, color=INK, lw=0.8, ls=(0, (1, 2)), zorder=0)
                panel.annotate(
                    CHANCE, (0, level), (3, -2), ("axes fraction", "data"),
                    textcoords="offset points", va="top", size=8,
                )  # fmt: skip
            panel.set_title(f"{direction.replace('-', ' ')}, {captions} captions", weight="bold")
            panel.set_ylim(bottom=0)
            if column == 0 or stacked:
                panel.set_ylabel(f"{benchmark}\n{IMAGE_METRICS[BY_FAMILY].title}")
            if column == len(columns) - 1 or stacked:
                label_ends(panel, ends, {name: looks[name].color for name in ends}, 0.08)
    return figure


def family_points(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the table that are drawn, `place` being where: _TRAINED or a family's name."""
    scores = table[table["versus"].isna() & (table["metric"] == BY_FAMILY)]
    scores = scores[~scores["captions"].isin((CHANCE, PUBLISHED))]
    of_family = scores["language"].str.startswith(FAMILY)
    scores = scores[of_family | (scores["language"] == MEAN_SEEN)]
    place = scores["language"].str.removeprefix(FAMILY).replace(MEAN_SEEN, _TRAINED)
    return scores.assign(place=place)


def _drawn_with(points: pd.DataFrame, captions: str) -> pd.Series:
    """Rows with these captions; the control's stand beside those that it was made of, the last."""
    own = points[points["captions"] != SHUFFLED]["captions"]
    last = own.iloc[-1] if len(own) else None
    chosen = points["captions"] == captions
    return chosen | (points["captions"] == SHUFFLED) if captions == last else chosen


def _order(points: pd.DataFrame) -> list[str]:
    """_TRAINED, then the families by falling mean."""
    means = points.groupby("place")["value"].mean().sort_values(ascending=False, kind="stable")
    there = [name for name in means.index if name != _TRAINED]
    return [_TRAINED] * (_TRAINED in means.index) + there


def _draw(
    panel: Axes, shown: pd.DataFrame, order: list[str], looks: dict[str, Look]
) -> dict[str, tuple[float, float]]:
    shown = shown[shown["place"].isin(order)]
    shown = shown.assign(point=[float(order.index(place)) for place in shown["place"]])
    names = shown["tower"].where(shown["captions"] != SHUFFLED, SHUFFLED)
    lines = {name: shown[names == name] for name in ordered(names)}
    ends = dodged_lines(panel, lines, looks)
    first = shown.drop_duplicates("place").set_index("place")["n_languages"]
    labels = [f"{place} ({first[place]:.0f})" for place in order]
    panel.set_xticks(range(len(order)), labels, rotation=40, ha="right", rotation_mode="anchor")
    panel.margins(x=0.05)
    return ends


def _chance(table: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The mean over languages of chance, by benchmark and direction."""
    rows = table[(table["captions"] == CHANCE) & (table["metric"] == BY_FAMILY)]
    rows = rows[rows["language"] == MEAN]
    return {(r.benchmark, r.setting): r.value for r in rows.itertuples()}


def family_words(table: pd.DataFrame, confidence: float) -> Words:
    """Title and caption; table: as for the figure."""
    points = family_points(table)
    splits = int(points["n_splits"].max())
    return Words(
        "R@10 between captions and images by language family",
        "Left: the mean over the languages whose captions were trained on. Then, for each language "
        "family, the mean over its languages without captions in training, whose number stands in "
        f"brackets. A line a text tower; {queries_phrase(points['n_queries'])}, "
        f"{seeds_phrase(points['n_seeds'])}, {splits} split{'s' * (splits != 1)}. Bars: "
        f"{100 * confidence:g}% intervals over groups of images and seeds"
        f"{' (one seed: of this seed only)' * bool((points['n_seeds'] == 1).all())}. Bars that "
        "overlap do not mean that towers are alike: their paired differences are in the table. "
        f"{CHANCE}: "
        f"candidates in random order. {SHUFFLED}: trained on the captions of other images.",
    )
