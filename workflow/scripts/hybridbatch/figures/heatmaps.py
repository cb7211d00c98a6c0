"""Heat maps of cross-lingual mAP: queries of language L against candidates of language C."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.figures._style import (
    INK,
    Words,
    contrast,
    ordered,
    panels,
    queries_phrase,
    seeds_phrase,
    styled,
)

SCORE_COLUMNS = ["sampling", "seed", "language", "candidates", "map", "n_queries"]


def pair_scores(metrics: pd.DataFrame) -> pd.DataFrame:
    """Mean AP of each (query language, candidate language); columns candidates, map, n_queries.

    metrics: of `per_query.query_metrics`, of one query language; the unions of languages are
    left out.
    """
    pairs = metrics[~metrics["candidates"].isin([ALL, SEEN])]
    groups = pairs.groupby("candidates", sort=False)["map"]
    return groups.agg(map="mean", n_queries="size").reset_index()


@styled
def heatmap_figure(scores: pd.DataFrame, languages: Sequence[str], seen: Sequence[str]) -> Figure:
    """A panel for each sampling, query languages as rows, candidate languages as columns.

    All panels share one colour scale. scores: SCORE_COLUMNS. languages: those of the benchmark.
    seen: the training languages, which come first, followed by a line. A pair without a score stays
    empty.
    """
    order = [*seen, *(code for code in languages if code not in seen)]
    samplings = ordered(scores["sampling"])
    columns = min(len(samplings), 3 if len(order) <= 8 else 2)
    rows = -(-len(samplings) // columns)
    figure, axes = panels(rows, columns, 0.9 + 9.2 / columns * 0.85)
    image = None
    for panel, sampling in zip(axes.flat, samplings, strict=False):
        matrix = score_matrix(scores[scores["sampling"] == sampling], order)
        image = panel.imshow(matrix, cmap="cividis", vmin=0, vmax=scores["map"].max())
        panel.set_title(sampling, weight="bold")
        panel.set_xticks(range(len(order)), order)
        panel.set_yticks(range(len(order)), order)
        panel.set_xlabel("candidates")
        panel.set_ylabel("queries")
        panel.grid(False)
        panel.spines[:].set_visible(False)
        panel.tick_params(length=0)
        for (row, column), value in np.ndenumerate(matrix):
            if not np.isnan(value):
                text = f"{value:.2f}".removeprefix("0")
                cell = image.to_rgba(value)[:3]
                ink = max((INK, "white"), key=lambda color: contrast(color, cell))
                panel.text(column, row, text, ha="center", va="center", color=ink, size=8)
        if 0 < len(seen) < len(order):
            for line in (panel.axhline, panel.axvline):
                line(len(seen) - 0.5, color="white", lw=2.5)
    for panel in axes.flat[len(samplings) :]:
        panel.set_axis_off()
    if image is not None:
        figure.colorbar(image, ax=axes, label="mAP", shrink=0.8 / rows, pad=0.01)
    return figure


def score_matrix(scores: pd.DataFrame, order: Sequence[str]) -> np.ndarray:
    """float64 [languages, languages], queries down: means over seeds; NaN: not scored."""
    means = scores.groupby(["language", "candidates"])["map"].mean().unstack()
    return means.reindex(index=order, columns=order).to_numpy()


def heatmap_words(scores: pd.DataFrame, encoder: str, benchmark: str) -> Words:
    """Title and caption; scores: SCORE_COLUMNS."""
    same = scores["language"] == scores["candidates"]
    means = []
    for sampling in ordered(scores["sampling"]):
        own, other = (
            scores[(scores["sampling"] == sampling) & mask]["map"].mean() for mask in (same, ~same)
        )
        means.append(f"{sampling} {own:.3f} and {other:.3f}")
    return Words(
        f"Queries of one language against candidates of another, {benchmark}, {encoder}",
        f"Mean average precision of the queries of the row's language against the candidates of "
        f"the column's, mean over {seeds_phrase(scores.groupby('sampling')['seed'].nunique())}; "
        f"{queries_phrase(scores['n_queries'])} a cell. Languages after the white line have no "
        "training data. The diagonal is the monolingual setting, the rest of a row the "
        "cross-lingual one: the brighter the rest, the better the languages are aligned. Mean of "
        f"the diagonal and of the rest: {'; '.join(means)}.",
    )
