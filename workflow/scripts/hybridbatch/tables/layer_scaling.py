"""The page of budgets that are divided among the layers by schedules."""

import pandas as pd

from hybridbatch.evaluation.claims import CANNOT_SAY, NO_MARGIN, NOT_RUN, VERDICTS, verdict_kind
from hybridbatch.evaluation.layer_scaling import COMPARED, POINT
from hybridbatch.evaluation.metrics import METRICS, metric_title
from hybridbatch.evaluation.pools import told_pools
from hybridbatch.evaluation.settings import MEAN, SEEN, ZERO_SHOT
from hybridbatch.render.grid import BOLD, Band, Cell, Grid, Page, Row, plain
from hybridbatch.tables.words import POOL_TITLES, interval_phrase, seeds_phrase

TITLE = "Budgets divided among the layers"
_TITLES = [f"{setting} {metric_title(metric)}" for setting, metric in COMPARED]
_TESTED = ["difference", "p", "Holm", "detectable", "margin", "verdict"]


def layer_scaling_page(frame: pd.DataFrame, confidence: float) -> Page:
    """Verdicts in total; then by encoder, benchmark and pool the scores, and the differences.

    frame: of `evaluation.layer_scaling`. confidence: of the intervals. The pool `seen` is left out
    where it has the scores of the pool `all`.
    """
    frame = _told(frame)
    differences = frame[frame["versus"].notna()]
    interval = interval_phrase(frame, confidence)
    blocks: list[str | Grid] = [
        "A budget of ranks (lora) or units (bottleneck) is the sum over the layers. A schedule "
        "divides it among them, and all schedules of a budget train equally many parameters. In "
        f"brackets the {interval}. Means over all query languages of the pool. Differences are "
        "paired by question: p, then corrected by Holm over all distinct tests of the table; "
        "detectable: the minimum detectable difference (80% power, two-sided .05, uncorrected). "
        "Peak memory and pairs a second are in timings/layer_scaling.md, as measured: tables hold "
        "no times.",
        *_totals(differences, confidence),
    ]
    for (encoder, benchmark), part in frame.groupby(["encoder", "benchmark"], sort=False):
        for pool, in_pool in part.groupby("pool", sort=False):
            place = f"{encoder}, {benchmark}; {POOL_TITLES[pool]}"
            means = in_pool[in_pool["language"] == MEAN]
            of_scores, tested = means[means["versus"].isna()], means[means["versus"].notna()]
            counts = f"{of_scores['n_queries'].max():,} queries; {seeds_phrase(of_scores)}."
            caption = f"{TITLE}: {place}. {counts}"
            columns = ["trained parameters", *_TITLES]
            blocks += [
                f"## {place}",
                counts,
                Grid(
                    f"{caption} Below: {interval}.",
                    "budget, schedule",
                    columns,
                    _score_bands(of_scores),
                ),
            ]
            if len(tested):
                note = (
                    f"{caption} Differences with their {100 * confidence:g}% interval; p, and "
                    "corrected by Holm over the table; the minimum detectable difference; the "
                    "margin allowed; the verdict."
                )
                grid = Grid(note, "budget, schedules", _TESTED, _difference_bands(tested))
                blocks += [f"## Differences: {place}", grid]
    return Page("layer_scaling", TITLE, blocks)


def _told(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without those of the pool `seen` of a benchmark in which all languages are seen."""
    means = frame[(frame["language"] == MEAN) & frame["versus"].isna()]
    told = told_pools(means, [*POINT, "setting", "metric"])
    return frame[(frame["pool"] != SEEN) | frame["benchmark"].isin(told)]


def _totals(differences: pd.DataFrame, confidence: float) -> list[str | Grid]:
    """How often each statement has each verdict, over encoders, samplings, budgets and pools."""
    judged = differences.dropna(subset=["verdict"])
    if judged.empty:
        return []
    lines = [
        [statement, *((part["verdict"].map(verdict_kind) == v).sum() for v in VERDICTS)]
        for statement, part in judged.groupby("statement", sort=False)
    ]
    return [
        "## Statements",
        f"Differences with {100 * confidence:g}% intervals over seeds and articles. `holds`: the "
        'whole interval is on the statement\'s side (for "not below", with the margin allowed); '
        "`does not`: all of it is on the other; `undecided`: it reaches both; "
        f"`{CANNOT_SAY} with n seeds`: the minimum detectable difference (80% power, two-sided "
        ".05, uncorrected) exceeds the margin, or nothing was tested; "
        f"`{NO_MARGIN}`: none is configured, and the paper prints no difference to take it from; "
        f"`{NOT_RUN}`: no such score. The margin is the configured one, or half of what the paper "
        "prints between x-x-mono and x-y. Verdicts are not corrected for their number. Counted "
        "over samplings, budgets and pools.",
        plain(f"{TITLE}: verdicts on each statement.", ["statement", *VERDICTS], lines),
    ]


def _score_bands(scores: pd.DataFrame) -> list[Band]:
    """A band for each sampling and adapter."""
    named = scores.assign(adapter=scores["adapter"].fillna(""))
    point = ["budget", "schedule"]
    return [
        Band(
            [_score_row(part) for _, part in of_band.groupby(point, sort=False, dropna=False)],
            ", ".join(filter(None, (sampling, adapter))),
        )
        for (sampling, adapter), of_band in named.groupby(["sampling", "adapter"], sort=False)
    ]


def _score_row(rows: pd.DataFrame) -> Row:
    first = rows.iloc[0]
    name = ZERO_SHOT if pd.isna(first["budget"]) else f"{first['budget']}, {first['schedule']}"
    trained = first["trained_parameters"]
    cells = [Cell("none" if pd.isna(trained) else f"{trained:,}")]
    for setting, metric in COMPARED:
        found = rows[(rows["setting"] == setting) & (rows["metric"] == metric)]
        cells.append(_value(found.iloc[0], signed=False) if len(found) else Cell())
    return name, cells


def _difference_bands(differences: pd.DataFrame) -> list[Band]:
    """A band for each sampling, adapter, setting and metric."""
    keys = ["sampling", "adapter", "setting", "metric"]
    return [
        Band(
            [_difference_row(row) for _, row in of_band.iterrows()],
            f"{sampling}, {adapter}: {setting} {metric_title(metric)}",
        )
        for (sampling, adapter, setting, metric), of_band in differences.groupby(keys, sort=False)
    ]


def _difference_row(row: pd.Series) -> Row:
    decimals = METRICS[row["metric"]].decimals

    def number(name: str, places: int) -> Cell:
        return Cell() if pd.isna(row[name]) else Cell(f"{row[name]:.{places}f}")

    difference = _value(row, signed=True)
    if pd.isna(row["p"]):
        difference = Cell(difference.text, "no test")
    return f"{row['budget']}: {row['schedule']} − {row['versus']}", [
        difference,
        number("p", 5),
        number("p_holm", 4),
        number("detectable", decimals),
        number("margin", decimals),
        Cell() if pd.isna(row["verdict"]) else Cell(row["verdict"], emphasis=BOLD),
    ]


def _value(row: pd.Series, signed: bool) -> Cell:
    decimals = METRICS[row["metric"]].decimals
    form = f"{{:{'+' * signed}.{decimals}f}}"
    aside = ""
    if pd.notna(row["ci_low"]):
        aside = f"[{form.format(row['ci_low'])}, {form.format(row['ci_high'])}]"
    return Cell(form.format(row["value"]), aside)
