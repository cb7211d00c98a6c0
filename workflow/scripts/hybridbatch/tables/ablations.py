"""The page of an ablation: the scores at every value of one varied setting."""

from collections.abc import Sequence
from itertools import chain

import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, metric_title
from hybridbatch.evaluation.settings import MEAN, STEPS_COLUMN, ZERO_SHOT
from hybridbatch.render.grid import Band, Cell, Grid, Page, pivot
from hybridbatch.tables.words import POOL_TITLES, interval_phrase, seeds_phrase

TITLES = {
    "alpha": ("alpha", "Share of monolingual batches in hybrid sampling"),
    "data_size": ("share of pairs", "Share of the training pairs"),
    "languages": ("languages", "Number of training languages"),
    "unseen_languages": ("left out", "Training without one language"),
    "temperature": ("temperature", "Temperature of the loss"),
    "batch_size": ("pairs in a batch", "Pairs in a batch"),
    "steps": ("steps", "Equal numbers of steps"),
    "corpus_weighting": ("temperature", "Weights of the corpora"),
    "encoders": ("encoder", "Encoders trained by one recipe"),
    "lareqa": ("sampling", "All samplings beside LAReQA's figures (Roy et al. 2020, mBERT)"),
}
_TOGETHER = "all settings"
_DETECTABLE = "minimum detectable difference (80% power, two-sided .05, uncorrected)"
_NOTES = {
    "alpha": "alpha 1 is x-x-mono, alpha 0 is x-y.",
    "data_size": "A smaller share's pairs are among a larger one's, the same for every seed; a "
    "corpus that does not fill a batch any more is left out. A tokenizer from scratch is that of "
    "all pairs.",
    "languages": "English and the first of the target languages; a corpus that has fewer of them "
    "keeps fewer. All are scored in the pools of the whole configuration, `seen` being what all of "
    "it is trained on. A tokenizer from scratch is that of all languages.",
    "batch_size": "Training ends as elsewhere when validation stops improving; a larger batch has "
    "seen more pairs after as many steps.",
    "steps": "Every sampling is trained for the same number of steps, the last of them with a "
    "falling learning rate. A batch depends on seed and step alone, and the rate is constant "
    "before it falls: fewer steps are a snapshot of the same run, from which the rate fell.",
    "corpus_weighting": "Corpora are drawn with probability proportional to pairs ** (1 / "
    "temperature): 1 is by size, and a higher one draws small corpora more often.",
    "unseen_languages": "Queries of the language itself, trained on and left out; `seen` is what "
    "the whole configuration is trained on. The tokenizer has seen the language either way.",
    "lareqa": "In parentheses LAReQA's figure, of another encoder, trained on other data: read the "
    "order of the samplings, not the difference.",
}
_SHOWN = [
    ("monolingual", "map"),
    ("cross-lingual", "map"),
    ("multilingual", "map"),
    ("multilingual", "rank_distance"),
]


def ablation_page(
    name: str, frame: pd.DataFrame, confidence: float, together: bool, whole: str
) -> Page:
    """A grid for each encoder, benchmark and pool, with points as rows.

    By default there is a band for each setting and metric, and columns are samplings and
    differences. Below it stand the minimum detectable differences, if there are any. together:
    points have only one sampling; there is one band, and columns are settings and metrics. whole:
    the point at which no language is left out. confidence: of the intervals.
    """
    corner, title = TITLES[name]
    note = _NOTES.get(name, "")
    interval = interval_phrase(frame, confidence)
    means = "" if name == "unseen_languages" else "Means over all query languages of the pool. "
    blocks: list[str | Grid] = [f"In brackets the {interval}. {means}{note}".strip()]
    keys = ["benchmark", "pool"] if name == "encoders" else ["encoder", "benchmark", "pool"]
    for key, part in frame.groupby(keys, sort=False):
        *names, pool = key
        place = f"{', '.join(names)}; {POOL_TITLES[pool]}"
        versus = (" − " + part["versus"].astype("str")).where(part["versus"].notna(), "")
        part = part.assign(column=part["sampling"] + versus)
        shown: dict[str, list[pd.DataFrame]] = {}  # by band
        for setting, metric in _SHOWN:
            of_metric = part[(part["setting"] == setting) & (part["metric"] == metric)]
            chosen = (
                _of_left_out(of_metric, whole) if name == "unseen_languages" else _means(of_metric)
            )
            if chosen.empty:
                continue
            heading = f"{setting}, {metric_title(metric)}"
            if METRICS[metric].least_relevant > 1:
                heading += f" ({chosen['n_queries'].max():,} queries)"
            if together:
                shown.setdefault(_TOGETHER, []).append(chosen.assign(column=heading))
            else:
                shown[heading] = [chosen]
        columns = (frame["column"] for frames in shown.values() for frame in frames)
        order = list(dict.fromkeys(chain.from_iterable(columns)))
        bands = []
        for heading, frames in shown.items():
            rows = pd.concat(frames)
            bands.append(_band(rows, order, heading))
            if rows["detectable"].notna().any():
                bands.append(_detectable_band(rows.dropna(subset="detectable"), order))
        if STEPS_COLUMN in part:
            bands.append(_steps_band(part[part["versus"].isna()], order, together))
        caption = f"{title}: {place}. {_counts_note(part)} Below: {interval}. {note}".strip()
        blocks += [f"## {place}", _counts_note(part), Grid(caption, corner, order, bands)]
    return Page(name, title, blocks)


def _band(rows: pd.DataFrame, order: Sequence[str], heading: str) -> Band:
    return Band(pivot(rows["point"], rows["column"], map(_cell, rows.itertuples()), order), heading)


def _detectable_band(rows: pd.DataFrame, order: Sequence[str]) -> Band:
    """The minimum detectable difference of each point and column."""
    cells = [Cell(f"{r.detectable:.{METRICS[r.metric].decimals}f}") for r in rows.itertuples()]
    return Band(pivot(rows["point"], rows["column"], cells, order), _DETECTABLE)


def _steps_band(rows: pd.DataFrame, order: Sequence[str], together: bool) -> Band:
    """How long the model of each point and column was trained."""
    known = rows.drop_duplicates(["point", "column"])
    cells = [Cell(f"{steps:,.0f}") for steps in known[STEPS_COLUMN]]
    columns = [order[0]] * len(known) if together else known["column"]
    return Band(pivot(known["point"], columns, cells, order), "steps of training")


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["language"] == MEAN]


def _of_left_out(rows: pd.DataFrame, whole: str) -> pd.DataFrame:
    """The scores of each left-out language, with and without it in training."""
    parts = []
    for code in dict.fromkeys(rows.loc[~rows["point"].isin([whole, ZERO_SHOT]), "point"]):
        titles = {
            ZERO_SHOT: f"{code}, {ZERO_SHOT}",
            whole: f"{code}, trained on",
            code: f"{code}, left out",
        }
        own = rows[(rows["language"] == code) & rows["point"].isin(titles)]
        parts.append(own.assign(point=own["point"].map(titles)))
    return pd.concat(parts) if parts else rows.iloc[:0]


def _counts_note(rows: pd.DataFrame) -> str:
    return f"{rows['n_queries'].max():,} queries; {seeds_phrase(rows)}."


def _cell(row) -> Cell:
    decimals = METRICS[row.metric].decimals - 1
    form = f"{{:{'+' if pd.notna(row.versus) else ''}.{decimals}f}}"
    beside = []
    if pd.notna(row.published):
        beside.append(f"({row.published:.2f})")
    if pd.notna(row.ci_low):
        beside.append(f"[{form.format(row.ci_low)}, {form.format(row.ci_high)}]")
    return Cell(form.format(row.value), " ".join(beside))
