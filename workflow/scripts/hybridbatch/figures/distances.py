"""The distribution of rank distance between a query's answers in different languages."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.figures._style import (
    INK,
    POOLS,
    Words,
    looks_of,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)

DISTANCE_COLUMNS = ["sampling", "seed", "language", "candidates", "rank_distance"]
_ZERO = 0.5  # left edge of the bin of distance 0, since a logarithmic axis has no 0
_BINS_A_DECADE = 8
_NONE = "no query has two relevant candidates"


def distances_of(metrics: pd.DataFrame, trained: bool) -> pd.DataFrame:
    """The rows of the pools `all` and `seen` that have a rank distance.

    metrics: of `per_query.query_metrics`, for one query language. trained: whether it is a training
    language. `seen` is left out if it equals `all`, and for other than training languages, as in
    the tables.
    """
    metrics = metrics.dropna(subset=["rank_distance"])
    whole, seen = (metrics[metrics["candidates"] == pool] for pool in (ALL, SEEN))
    same = whole["rank_distance"].to_list() == seen["rank_distance"].to_list()
    return pd.concat([whole, seen]) if trained and not same else whole


@styled
def distance_figure(distances: pd.DataFrame) -> Figure:
    """The share of queries in each bin of rank distance; rows are samplings, columns pools.

    distances: DISTANCE_COLUMNS, one row for each query and seed, with candidates `all` or `seen`.
    Bins have equal width on the logarithmic axis; distance 0 has its own bin.
    """
    if distances.empty:
        figure, axes = panels(1, 1, 1.15)
        axes[0, 0].set_axis_off()
        axes[0, 0].text(0.5, 0.5, _NONE, ha="center", va="center")
        return figure
    looks = looks_of(distances["sampling"])
    samplings = list(looks)
    pools = [pool for pool in (ALL, SEEN) if (distances["candidates"] == pool).any()]
    edges = distance_bins(distances["rank_distance"].max())
    figure, axes = panels(
        len(samplings), len(pools), 1.15 + 0.5 / len(samplings), sharex=True, sharey="col"
    )
    for column, pool in enumerate(pools):
        for row, sampling in enumerate(samplings):
            panel = axes[row, column]
            part = _part(distances, sampling, pool)
            if part.empty:
                panel.set_axis_off()
                continue
            values, weights = part["rank_distance"].to_numpy(), query_weights(part)
            shares, _ = np.histogram(np.maximum(values, _ZERO), edges, weights=weights)
            panel.stairs(shares, edges, fill=True, color=looks[sampling].color)
            mean, median = _mean_and_median(part)
            for x in (median, mean):
                panel.axvline(x, color="white", lw=3)  # to be seen on any colour
            panel.axvline(median, color=INK, lw=1.2)
            panel.axvline(mean, color=INK, lw=1.2, ls=(0, (2, 2)))
            panel.set_title(f"median {median:,.0f}, mean {mean:,.0f}", loc="right", size=8, pad=3)
            panel.set_title(sampling, loc="left", weight="bold", color=looks[sampling].color, pad=3)
            panel.set_xscale("log")
            panel.grid(False, axis="y")
        axes[-1, column].set_xlabel(f"rank distance; {POOLS[pool]}")
    start = edges[np.searchsorted(edges, max(distances["rank_distance"].min(), _ZERO), "right") - 1]
    decades = [10**i for i in range(len(str(int(edges[-1]))))]
    ticks = {_ZERO * np.sqrt(2): "0"} | {decade: f"{decade:,}" for decade in decades}
    ticks = {tick: label for tick, label in ticks.items() if tick >= start}
    axes[0, 0].set_xlim(start, edges[-1])
    axes[0, 0].set_xticks(list(ticks), list(ticks.values()))
    axes[0, 0].set_xticks([], minor=True)
    figure.supylabel("share of queries", size=9)
    return figure


def distance_bins(largest: float) -> np.ndarray:
    """Edges of the bins from 0 to `largest`; the first, below 1, is that of distance 0."""
    decades = max(1.0, np.log10(largest + 1))
    return np.concatenate(
        [[_ZERO], np.logspace(0, decades, max(2, round(_BINS_A_DECADE * decades)) + 1)]
    )


def query_weights(part: pd.DataFrame) -> np.ndarray:
    """Weights that give every query language the same total; float64, summing to 1."""
    sizes = part.groupby("language")["language"].transform("size").to_numpy()
    return 1 / sizes / part["language"].nunique()


def distance_words(distances: pd.DataFrame, encoder: str, benchmark: str) -> Words:
    """Title and caption; distances: as for the figure."""
    title = f"Distribution of the rank distance, {benchmark}, {encoder}"
    if distances.empty:
        return Words(title, f"There is no rank distance: {_NONE}.")
    counts = distances[distances["candidates"] == ALL].groupby(["sampling", "seed", "language"])
    parts = {s: _part(distances, s, ALL) for s in ordered(distances["sampling"])}
    medians = [f"{s} {_mean_and_median(p)[1]:,.0f}" for s, p in parts.items() if len(p)]
    beside = ""
    if (distances["candidates"] == SEEN).any():
        beside = " Right: queries and candidates of languages with training data only."
    return Words(
        title,
        "Rank distance: largest minus smallest rank among the answers to a query in the ranking of "
        "all candidates, for queries with two or more answers; small where a model does not prefer "
        "passages by their language. Share of "
        f"queries in bins of a logarithmic axis, every query language weighing the same; "
        f"{queries_phrase(counts.size())} a language, each with "
        f"{seeds_phrase([distances['seed'].nunique()])}. Solid line: median, dashed: mean. The "
        "further left a hump, the smaller the language bias; a mean far right of the median comes "
        f"from few queries. Median over all languages: {'; '.join(medians)}.{beside}",
    )


def _part(distances: pd.DataFrame, sampling: str, pool: str) -> pd.DataFrame:
    return distances[(distances["sampling"] == sampling) & (distances["candidates"] == pool)]


def _mean_and_median(part: pd.DataFrame) -> tuple[float, float]:
    values, weights = part["rank_distance"].to_numpy(), query_weights(part)
    median = np.quantile(values, 0.5, method="inverted_cdf", weights=weights)
    return float(values @ weights), float(median)
