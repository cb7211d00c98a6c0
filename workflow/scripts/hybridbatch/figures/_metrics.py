"""Per-query metrics of several models, as the figures of them read them."""

from collections.abc import Iterator, Sequence

import pandas as pd

from hybridbatch.runtime.files import read_table


def read_metrics(
    parts: Sequence[tuple[str, int, str]], paths: Sequence[str], columns: Sequence[str]
) -> Iterator[tuple[dict[str, str | int], pd.DataFrame]]:
    """Of each file its names (sampling, seed and query language) and these columns.

    parts: the names of each of the paths, in their order; files: of `per_query.query_metrics`.
    """
    for names, path in zip(parts, paths, strict=True):
        named = dict(zip(("sampling", "seed", "language"), names, strict=True))
        yield named, read_table(path, columns).to_pandas()
