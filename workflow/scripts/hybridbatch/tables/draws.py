"""Grids of what training will draw."""

import pandas as pd

from hybridbatch.render.grid import Cell, Grid, pivoted
from hybridbatch.training.draws import ALL, BATCHES


def draws_grids(frame: pd.DataFrame) -> list[Grid]:
    """A grid of the shares by corpus and one by language; frame: of `draws.expected_draws`."""
    grids = []
    several = frame["encoder"].nunique() > 1
    names = frame["encoder"] + " " + frame["sampling"] if several else frame["sampling"]
    for what, corner, column, rows in (
        ("drawn from each corpus", "corpus", "benchmark", frame["language"].isna()),
        ("of a corpus that has the language", "language", "language", frame["benchmark"] == ALL),
    ):
        part = frame[rows & (frame["metric"] == BATCHES)]
        if part.empty:
            continue
        texts = (f"{100 * share:.3g}%" for share in part["share"])
        caption = f"Share of batches that training can be expected to have {what}."
        cells = map(Cell, texts)
        grids.append(pivoted(caption, corner, part[column], list(names[part.index]), cells))
    return grids
