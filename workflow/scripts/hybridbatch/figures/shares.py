"""Language bias at the top: the share of the query's own language in the first k."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hybridbatch.evaluation.language_bias import SAME, SHARE
from hybridbatch.evaluation.settings import ALL, MEAN, SEEN, ZERO_SHOT
from hybridbatch.figures._style import (
    INK,
    POOLS,
    Look,
    Words,
    interval_phrase,
    label_ends,
    looks_of,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)

_DODGE = 0.14  # offset in steps between languages, so that error bars do not overlap
_HALF = 0.35  # half the length of the line of a fair share, in steps between languages


@styled
def share_figure(bias: pd.DataFrame, languages: Sequence[str], seen: Sequence[str]) -> Figure:
    """The share of the own language by query language; rows are pools, columns are values of k.

    bias: rows of bias_detail.csv for one encoder and benchmark. languages, seen: as for the heat
    map. The order of languages is the same, followed by the mean.
    """
    own = own_shares(bias)
    pools = [pool for pool in (ALL, SEEN) if (own["pool"] == pool).any()]
    if set(languages) == set(seen):
        pools = pools[:1]  # both pools are the same
    cutoffs = sorted(own["k"].unique())
    looks = looks_of(own["sampling"])
    order = [*seen, *(code for code in languages if code not in seen)]
    figure, axes = panels(len(pools), len(cutoffs), 2.7, sharey=True)
    for (row, pool), (column, k) in product(enumerate(pools), enumerate(cutoffs)):
        panel = axes[row, column]
        shown = own[(own["pool"] == pool) & (own["k"] == k)]
        names = set(shown["query_language"])
        members = [code for code in order if code in names]
        ends = _draw(panel, shown, members, looks)
        panel.set_ylim(0, 1.02)
        panel.set_title(f"first {k:g}, candidates of {POOLS[pool]}", weight="bold")
        panel.set_xlabel("query language")
        if column == 0:
            panel.set_ylabel("share of own language")
        if column == len(cutoffs) - 1:
            label_ends(panel, ends, {s: looks[s].color for s in ends}, 0.08)
    return figure


def _draw(
    panel: Axes, shown: pd.DataFrame, members: Sequence[str], looks: Mapping[str, Look]
) -> dict:
    """A line a sampling over the languages, the mean apart; returns the means' places."""
    samplings, ends = ordered(shown["sampling"]), {}
    columns = np.array([*range(len(members)), len(members) + 0.3])
    for i, sampling in enumerate(samplings):
        look = looks[sampling]
        line = shown[shown["sampling"] == sampling].set_index("query_language")
        line = line.reindex([*members, MEAN])
        x = columns + _DODGE * (i - (len(samplings) - 1) / 2)
        panel.vlines(x, line["ci_low"], line["ci_high"], color=look.color, lw=1)
        for part, label in ((slice(-1), sampling), (slice(-1, None), f"{sampling}, {MEAN}")):
            panel.plot(
                x[part], line["value"].iloc[part], label=label,
                color=look.color, marker=look.marker, ls=look.line, lw=0.7,
            )  # fmt: skip
        ends[sampling] = (x[-1], line["value"].iloc[-1])
    fair = shown.groupby("query_language")["fair"].first().reindex([*members, MEAN])
    panel.hlines(fair, columns - _HALF, columns + _HALF, INK, lw=2)
    panel.annotate(
        "fair share", (0, fair.iloc[0]), (0, -5), textcoords="offset points",
        ha="center", va="top", size=8,
    )  # fmt: skip
    panel.set_xticks(columns, [*members, MEAN])
    return ends


def own_shares(bias: pd.DataFrame) -> pd.DataFrame:
    """The shares of each query language's own passages, and their means, of trained models."""
    asked, found = bias["query_language"], bias["candidate_language"]
    own = (asked == found) | ((asked == MEAN) & (found == SAME))
    return bias[(bias["measure"] == SHARE) & own & (bias["sampling"] != ZERO_SHOT)]


def share_words(bias: pd.DataFrame, encoder: str, benchmark: str, confidence: float) -> Words:
    """Title and caption; bias: as for the figure."""
    own = own_shares(bias)
    smallest = own["k"].min()
    means = own[(own["query_language"] == MEAN) & (own["pool"] == ALL) & (own["k"] == smallest)]
    excess = [
        f"{sampling} {value:.2f} (fair {fair:.2f})"
        for sampling, value, fair in zip(
            means["sampling"], means["value"], means["fair"], strict=True
        )
    ]
    return Words(
        f"Share of the query's own language in the first k, {benchmark}, {encoder}",
        "Share of passages in the query's own language among the first k of the ranking of all "
        f"candidates; {queries_phrase(own['n_queries'])} a language, "
        f"{seeds_phrase(own['n_seeds'])}. {interval_phrase(own, confidence)} Black: the fair "
        "share, that of the language among the candidates. Every query has its answer in each "
        "language, so what stands above the black line is preference for a language. Mean over "
        f"query languages in the first {smallest:g}: {'; '.join(excess)}.",
    )
