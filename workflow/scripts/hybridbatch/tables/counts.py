"""Tables of counts beside the published ones (the paper's Tables 9 to 11)."""

from collections.abc import Sequence

import pandas as pd

from hybridbatch.render.grid import Cell, Page, pivoted
from hybridbatch.tables.columns import TIDY_COLUMNS


def counts_table(name: str, rows: Sequence[dict], published: dict[tuple, int]) -> pd.DataFrame:
    """A table of counts with TIDY_COLUMNS (the paper's Tables 9 and 10).

    rows: benchmark (or corpus), metric, language, value. published: counts by
    (benchmark, metric, language).
    """
    frame = pd.DataFrame(rows)
    keys = zip(frame["benchmark"], frame["metric"], frame["language"], strict=True)
    frame = frame.assign(table=name, published=[published.get(key) for key in keys])
    frame["published"] = frame["published"].astype("Int64")
    frame["delta"] = frame["value"] - frame["published"]
    return frame.reindex(columns=TIDY_COLUMNS)


def counts_page(name: str, title: str, frame: pd.DataFrame, what: str) -> Page:
    """Counts with the published ones in brackets; rows are `what` and language."""
    texts = [
        f"{value:,}" + ("" if pd.isna(published) else f" ({published:,})")
        for value, published in zip(frame["value"], frame["published"], strict=True)
    ]
    names = frame["benchmark"] + " " + frame["language"].fillna("")
    brackets = ", the published figure in brackets" if frame["published"].notna().any() else ""
    caption, corner = f"{title}: counts{brackets}.", f"{what}, language"
    grid = pivoted(caption, corner, names, list(frame["metric"]), map(Cell, texts))
    return Page(name, title, [grid])
