"""The page of language bias in detail: shares of the top, mean ranks and rank correlations."""

import numpy as np
import pandas as pd

from hybridbatch.evaluation.language_bias import (
    CORRELATION,
    CUTOFFS,
    MEAN_RANK,
    OTHER,
    SAME,
    SHARE,
)
from hybridbatch.evaluation.settings import MEAN
from hybridbatch.render.grid import Cell, Grid, Page, pivoted, plain
from hybridbatch.tables.words import POOL_TITLES, interval_phrase, seeds_phrase


def bias_page(frame: pd.DataFrame, confidence: float) -> Page:
    """A section for each benchmark, encoder and pool: means by sampling, then by query language.

    frame: of `evaluation.bias_summary.bias_detail`.
    """
    first = CUTOFFS[0]
    note = f"Means over queries and {seeds_phrase(frame)}"
    interval = interval_phrase(frame, confidence) if frame["ci_low"].notna().any() else ""
    title = "Language bias in detail"
    blocks: list[str | Grid] = [
        note + (f" [{interval}]" if interval else "") + ". docs/metrics.md defines the measures.",
        f"- share@k over fair: the share of a language in the first k ({first} or "
        f"{CUTOFFS[1]}) of the ranking of all the pool's candidates, divided by its share of the "
        "pool. 1 is fair, above 1 preferred.\n"
        "- mean rank of a query's answers in its own language, and of those in other languages: "
        "without bias the two are alike. Of queries that have both.\n"
        "- rank correlation: Spearman's rho between the rankings that two languages' versions of a "
        "question give; without bias 1.",
    ]
    for (benchmark, encoder), of_encoder in frame.groupby(["benchmark", "encoder"], sort=False):
        for pool, part in of_encoder.groupby("pool", sort=False):
            place = f"{benchmark}, {encoder}, {POOL_TITLES[pool]}"
            of = f"{place}. {note}; up to {part['n_queries'].max():,} queries."
            below = f", below: {interval}" if interval else ""
            caption = f"{title}: means over query languages{below}; {of}"
            blocks += [f"## {place}", _overview(part, caption)]
            shares = part[(part["measure"] == SHARE) & (part["k"] == first)]
            for sampling, of_sampling in shares.groupby("sampling", sort=False):
                what = f"{sampling}: share@{first} over fair, candidate languages across"
                blocks += [f"### {what}", _share_matrix(of_sampling, f"{what}; {of}")]
            ranks = part[part["measure"] == MEAN_RANK]
            if len(ranks):
                n = f"{ranks['n_queries'].max():,}"
                what = f"Mean rank of answers in the same and in other languages, up to {n} queries"
                across = ranks["sampling"] + ", " + ranks["candidate_language"]
                blocks += [f"### {what}", _by_language(ranks, across, 1, f"{what}; {of}")]
            rho = part[(part["measure"] == CORRELATION) & (part["candidate_language"] == MEAN)]
            if len(rho):
                what = "Rank correlation, mean over the other query languages"
                blocks += [f"### {what}", _by_language(rho, rho["sampling"], 3, f"{what}; {of}")]
    return Page("bias_detail", title, blocks)


def _overview(part: pd.DataFrame, caption: str) -> Grid:
    """The mean rows of one benchmark, encoder and pool: samplings as rows, measures as columns."""
    means = part[part["query_language"] == MEAN]
    titles = {
        **{(SHARE, SAME, k): f"share@{k} of the query's language over fair" for k in CUTOFFS},
        (MEAN_RANK, SAME, 0): "mean rank, same language",
        (MEAN_RANK, OTHER, 0): "mean rank, other languages",
        (CORRELATION, MEAN, 0): "rank correlation",
    }
    keys = list(
        zip(means["measure"], means["candidate_language"], means["k"].fillna(0), strict=True)
    )
    columns = pd.Series([titles.get(key) for key in keys], index=means.index)
    shown, columns = means[columns.notna()], columns.dropna()
    cells = map(_cell, shown.itertuples())
    return pivoted(caption, "sampling", shown["sampling"], list(columns), cells)


def _by_language(part: pd.DataFrame, across: pd.Series, decimals: int, caption: str) -> Grid:
    cells = [Cell(f"{value:.{decimals}f}") for value in part["value"]]
    return pivoted(caption, "query language", part["query_language"], list(across), cells)


def _cell(row) -> Cell:
    scale, decimals = {
        SHARE: (row.fair, 2),
        MEAN_RANK: (1.0, 1),
        CORRELATION: (1.0, 3),
    }[row.measure]
    value, low, high = (
        f"{figure / scale:.{decimals}f}" for figure in (row.value, row.ci_low, row.ci_high)
    )
    return Cell(value) if np.isnan(row.ci_low) else Cell(value, f"[{low}, {high}]")


def _share_matrix(shares: pd.DataFrame, caption: str) -> Grid:
    """Shares divided by fair shares, their means over query languages, and the fair shares."""
    shares = shares[shares["candidate_language"] != SAME]
    over_fair = (shares["value"] / shares["fair"]).map("{:.2f}".format)
    wide = shares.assign(text=over_fair).pivot(
        index="query_language", columns="candidate_language", values="text"
    )
    codes = list(shares["candidate_language"].unique())
    wide = wide.loc[shares["query_language"].unique(), codes]
    fair = shares.drop_duplicates("candidate_language")["fair"].map("{:.1%}".format)
    lines = [[row.Index, *row[1:]] for row in wide.itertuples()]
    return plain(caption, ["query language", *codes], [*lines, ["fair share", *fair]])
