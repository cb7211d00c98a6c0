"""Reading the per-query metrics of several models for figures."""

from collections.abc import Iterator, Sequence
from itertools import product

import pandas as pd

from hybridbatch.evaluation.inputs import pick
from hybridbatch.runtime.files import read_keyed


def read_metrics(
    paths: Sequence[str],
    columns: Sequence[str],
    runs: Sequence[tuple[str, int]],
    languages: Sequence[str],
) -> Iterator[tuple[dict[str, str | int], pd.DataFrame]]:
    """Yield keys and `columns` of each run, (sampling, seed), and query language, in this order.

    paths: files of `per_query.query_metrics`, in any order.
    """
    wanted = [
        {"sampling": sampling, "seed": seed, "language": language}
        for (sampling, seed), language in product(runs, languages)
    ]
    found = pick(read_keyed(paths, list(columns)), wanted)
    for names, table in zip(wanted, found, strict=True):
        yield names, table.to_pandas()
