"""Translation quality against retrieval: chrF++ and mAP, a point for each language."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybridbatch.evaluation.settings import ALL, ZERO_SHOT
from hybridbatch.figures._style import (
    FAINT,
    Words,
    interval_phrase,
    label_ends,
    looks_of,
    message_figure,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    spread,
    styled,
)

_TEXTS = "sentences"  # the texts like passages; questions, for a set without sentences
_DODGE = 0.008  # offset as a fraction of the axis, so that error bars do not overlap
_CHARACTER = 0.008  # width of a character, as a fraction of the figure's width
_NOTHING = "No benchmark has a language whose translations were scored."


def quality_points(quality: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """The chrF++ of each scored language with its monolingual mAP by benchmark and sampling.

    Zero-shot systems, which no translation reaches, are left out.

    quality: translation_quality.csv. scores: rows of the benchmarks' tables for one encoder.
    Returns the columns of scores, and `references` and `chrf++`.
    """
    scored = quality[quality["chrf++"].notna()]
    with_sentences = set(scored.loc[scored["texts"] == _TEXTS, "references"])
    measured = scored[(scored["texts"] == _TEXTS) | ~scored["references"].isin(with_sentences)]
    mono = scores[
        (scores["setting"] == "monolingual") & (scores["metric"] == "map") & (scores["pool"] == ALL)
    ]
    mono = mono[mono["sampling"] != ZERO_SHOT]
    return mono.merge(measured[["references", "language", "chrf++"]], on="language")


@styled
def quality_figure(points: pd.DataFrame) -> Figure:
    """A panel for each benchmark, a marker for each sampling; points: of `quality_points`."""
    if points.empty:
        return message_figure(_NOTHING)
    looks = looks_of(points["sampling"])
    benchmarks = ordered(points["benchmark"])
    columns = min(2, len(benchmarks))
    rows = -(-len(benchmarks) // columns)
    figure, axes = panels(rows, columns, 3.3)
    for panel, benchmark in zip(axes.flat, benchmarks, strict=False):
        shown = points[points["benchmark"] == benchmark]
        samplings, ends = ordered(shown["sampling"]), {}
        step = _DODGE * (np.ptp(shown["chrf++"]) or 1) * columns
        for i, sampling in enumerate(samplings):
            line, look = shown[shown["sampling"] == sampling].sort_values("chrf++"), looks[sampling]
            x = line["chrf++"] + step * (i - (len(samplings) - 1) / 2)
            panel.vlines(x, line["ci_low"], line["ci_high"], color=look.color, lw=1)
            panel.plot(
                x, line["value"], label=sampling, color=look.color, marker=look.marker, ls=""
            )
            ends[sampling] = (x.iloc[-1], line["value"].iloc[-1])
        panel.margins(x=0.12, y=0.1)
        _name_languages(panel, shown, columns)
        panel.set_xlabel("chrF++ of the translations")
        panel.set_ylabel(f"monolingual mAP, {benchmark}")
        label_ends(panel, ends, {s: looks[s].color for s in ends}, 0.07)
    for panel in axes.flat[len(benchmarks) :]:
        panel.set_axis_off()
    return figure


def _name_languages(panel: Axes, shown: pd.DataFrame, columns: int) -> None:
    """Write language codes above the panel, each with a line down through its points.

    If there are several reference sets, the set is named, too.
    """
    several = shown["references"].nunique() > 1
    places = {
        f"{language} ({references})" if several else language: x
        for language, references, x in zip(
            shown["language"], shown["references"], shown["chrf++"], strict=True
        )
    }
    left, right = panel.get_xlim()
    shares = [(x - left) / (right - left) for x in places.values()]
    gap = _CHARACTER * columns * (2 + max(map(len, places)))
    for (name, x), share in zip(places.items(), spread(shares, gap), strict=True):
        panel.axvline(x, color=FAINT, lw=0.6, zorder=0)
        panel.annotate(
            name, (x, 1), (share, 1.06), xycoords=("data", "axes fraction"),
            textcoords="axes fraction", ha="center", va="bottom", weight="bold",
            arrowprops={"arrowstyle": "-", "color": FAINT, "lw": 0.6, "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip
    panel.set_xlim(left, right)


def quality_words(points: pd.DataFrame, encoder: str, confidence: float) -> Words:
    """Title and caption; points: of `quality_points`."""
    title = f"Translation quality against retrieval, {encoder}"
    if points.empty:
        return Words(title, _NOTHING)
    codes = points["language"].nunique()
    return Words(
        title,
        f"Monolingual mAP of a language against chrF++ of its translations, of sentences or, "
        f"where a reference set has none, of questions ({codes} "
        f"language{'' if codes == 1 else 's'} that both have); "
        f"{queries_phrase(points['n_queries'])} a language, {seeds_phrase(points['n_seeds'])}. "
        f"{interval_phrase(points, confidence)} Points that rise to the right go with the thought "
        "that translation limits retrieval; a handful of languages does not prove it, and "
        "languages differ in more than their translations.",
    )
