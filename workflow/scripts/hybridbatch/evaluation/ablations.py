"""Ablations: the same scores at every value of the one thing that is varied.

A row of scores is as in the papers' tables, with the value as `point`. Where several samplings were
trained at each point, rows with `versus` have hybrid's paired difference to another sampling, with
its interval: they say at which values hybrid batches help.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

import pandas as pd

from hybridbatch.evaluation.aggregate import CELL_COLUMNS, MEAN, MEAN_SEEN, MEAN_UNSEEN
from hybridbatch.evaluation.per_query import ALL
from hybridbatch.experiment.names import NO_LANGUAGE, ONE_SAMPLING
from hybridbatch.render.grid import Band, Cell, Grid, Page, pivot
from hybridbatch.tables.scores import METRIC_TITLES, POOL_TITLES, seeds_phrase

ABLATION_COLUMNS = [
    "table",
    "point",
    "benchmark",
    "encoder",
    "sampling",
    "versus",
    *CELL_COLUMNS,
    "published",
    "delta",
]
TITLES = {
    "alpha": ("alpha", "Share of monolingual batches in hybrid sampling"),
    "data_size": ("share of pairs", "Share of the training pairs"),
    "languages": ("languages", "Number of training languages"),
    "unseen_languages": ("left out", "Training without one language"),
    "temperature": ("temperature", "Temperature of the loss"),
    "encoders": ("encoder", "Encoders trained by one recipe"),
    "lareqa": ("sampling", "All samplings beside LAReQA's figures (Roy et al. 2020, mBERT)"),
}
_TOGETHER = "all settings"
_NOTES = {
    "alpha": "alpha 1 is x-x-mono, alpha 0 is x-y.",
    "data_size": "A smaller share's pairs are among a larger one's, the same for every seed; a "
    "corpus that does not fill a batch any more is left out. A tokenizer from scratch is that of "
    "all pairs.",
    "languages": "English and the first of the target languages; a corpus that has fewer of them "
    "keeps fewer. All are scored in the pools of the whole configuration, `seen` being what all of "
    "it is trained on. A tokenizer from scratch is that of all languages.",
    "unseen_languages": "Queries of the language itself, trained on and left out; `seen` is what "
    "the whole configuration is trained on. The tokenizer has seen the language either way.",
    "lareqa": "In parentheses LAReQA's figure, of another encoder, trained on other data: read the "
    "order of the samplings, not the difference.",
}
# At their points other languages are trained on than those that `seen` means are over.
_OTHER_LANGUAGES = ("languages", "unseen_languages")
_HYBRID = "hybrid"
_SHOWN = [
    ("monolingual", "map"),
    ("cross-lingual", "map"),
    ("multilingual", "map"),
    ("multilingual", "rank_distance"),
]


def ablation_table(
    name: str,
    parts: Iterable[tuple[str, pd.DataFrame]],
    comparisons: Iterable[tuple[str, str, str, pd.DataFrame]],
    published: pd.DataFrame,
) -> pd.DataFrame:
    """Rows of ABLATION_COLUMNS.

    parts: (point, cells of one system and benchmark, with columns benchmark, encoder, sampling);
    comparisons: (point, benchmark, encoder, rows of `significance.compare`); published: LAReQA's
    figures (`published.read_published`), which stand beside the table of that name only.
    """
    frames = [cells.assign(point=point) for point, cells in parts]
    frame = pd.concat(frames, ignore_index=True).assign(versus=None)
    if name in _OTHER_LANGUAGES:
        frame = frame[~frame["language"].isin([MEAN_SEEN, MEAN_UNSEEN])]
    if name == "alpha":
        frame["sampling"] = _HYBRID  # what it is at every alpha
    samplings = set(frame["sampling"])
    for point, benchmark, encoder, rows in comparisons:
        names = {"point": point, "benchmark": benchmark, "encoder": encoder}
        differences = _of_hybrid(rows, samplings).assign(**names)
        frame = pd.concat([frame, differences], ignore_index=True)
    if name == "lareqa":
        keys = ["benchmark", "sampling", "setting", "metric", "language"]
        beside = published[[*keys, "published"]].assign(pool=ALL)
        frame = frame.merge(beside, on=[*keys, "pool"], how="left", validate="many_to_one")
    else:
        frame["published"] = float("nan")
    frame = frame.assign(table=name, delta=frame["value"] - frame["published"])
    counts = {"n_queries": "int64", "n_seeds": "int64"}
    return frame[ABLATION_COLUMNS].astype(counts)


def ablation_page(name: str, frame: pd.DataFrame, confidence: float) -> Page:
    """A grid an encoder, benchmark and pool: points down, in a band a setting and metric.

    Samplings and differences stand across; where a point has one sampling only, the settings and
    metrics do, in one band.
    """
    corner, title = TITLES[name]
    note = _NOTES.get(name, "")
    interval = f"{100 * confidence:g}% bootstrap interval over queries and seeds"
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
            chosen = _of_left_out(of_metric) if name == "unseen_languages" else _means(of_metric)
            heading = f"{setting}, {METRIC_TITLES[metric]}"
            if chosen.empty:
                continue
            if name in ONE_SAMPLING:
                shown.setdefault(_TOGETHER, []).append(chosen.assign(column=heading))
            else:
                shown[heading] = [chosen]
        columns = (frame["column"] for frames in shown.values() for frame in frames)
        order = list(dict.fromkeys(chain.from_iterable(columns)))
        bands = [_band(pd.concat(frames), order, heading) for heading, frames in shown.items()]
        caption = f"{title}: {place}. {_counts_note(part)} Below: {interval}. {note}".strip()
        blocks += [f"## {place}", _counts_note(part), Grid(caption, corner, order, bands)]
    return Page(name, title, blocks)


def _band(rows: pd.DataFrame, order: Sequence[str], heading: str) -> Band:
    return Band(pivot(rows["point"], rows["column"], map(_cell, rows.itertuples()), order), heading)


def _of_hybrid(rows: pd.DataFrame, samplings: set[str]) -> pd.DataFrame:
    """Rows of `significance.compare` that have hybrid, as hybrid minus the other sampling.

    samplings: those of the ablation; the tables may compare others.
    """
    rows = rows[rows["sampling_a"].isin(samplings) & rows["sampling_b"].isin(samplings)]
    first, second = rows["sampling_a"] == _HYBRID, rows["sampling_b"] == _HYBRID
    ends = ["ci_low", "ci_high"]
    forward = rows[first].assign(versus=lambda f: f["sampling_b"], value=lambda f: f["difference"])
    backward = rows[second].assign(
        versus=lambda f: f["sampling_a"], value=lambda f: -f["difference"]
    )
    backward[ends] = -backward[ends[::-1]].to_numpy()
    both = pd.concat([forward, backward]).sort_index()
    return both.assign(sampling=_HYBRID)[[*CELL_COLUMNS, "sampling", "versus"]]


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["language"] == MEAN]


def _of_left_out(rows: pd.DataFrame) -> pd.DataFrame:
    """Each left-out language's own rows, before and after it was left out."""
    parts = []
    for code in dict.fromkeys(rows.loc[rows["point"] != NO_LANGUAGE, "point"]):
        own = rows[(rows["language"] == code) & rows["point"].isin([NO_LANGUAGE, code])]
        titles = {NO_LANGUAGE: f"{code}, trained on", code: f"{code}, left out"}
        parts.append(own.assign(point=own["point"].map(titles)))
    return pd.concat(parts) if parts else rows.iloc[:0]


def _counts_note(rows: pd.DataFrame) -> str:
    return f"{rows['n_queries'].max():,} queries; {seeds_phrase(rows)}."


def _cell(row) -> Cell:
    decimals = 0 if row.metric == "rank_distance" else 3
    form = f"{{:{'+' if pd.notna(row.versus) else ''}.{decimals}f}}"
    beside = []
    if pd.notna(row.published):
        beside.append(f"({row.published:.2f})")
    if pd.notna(row.ci_low):
        beside.append(f"[{form.format(row.ci_low)}, {form.format(row.ci_high)}]")
    return Cell(form.format(row.value), " ".join(beside))
