"""The table of what the filters kept."""

from collections.abc import Iterable, Mapping

import pandas as pd

from hybridbatch.data.filtering import REASONS
from hybridbatch.render.grid import Page, of_frame


def filtering_table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """A row for each corpus and language; rows: counts of `filter_pairs` with their keys."""
    return pd.DataFrame(rows)[["corpus", "language", "pairs", "kept", *REASONS]]


def filtering_page(frame: pd.DataFrame) -> Page:
    """The counts as they are."""
    title = "Filtering of translated pairs"
    caption = f"{title}: pairs, those kept, and those dropped by the first reason that applied."
    return Page("filtering", title, [of_frame(caption, frame)])
