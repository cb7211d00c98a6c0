"""Clusters of questions: what was drawn together, and counts as one draw.

Questions about one article are not independent of each other. Where a benchmark says which article
or paragraph a question is about, these are its clusters: articles where they are known, otherwise
paragraphs, otherwise each question for itself.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from hybridbatch.evaluation.origins import ORIGIN_COLUMNS


def clusters_of(queries: Sequence[str], frames: Iterable[tuple[str, pd.DataFrame]]) -> np.ndarray:
    """The cluster of each query, numbered from 0 in the order of `queries`; int64 [queries].

    frames: (language, frame with query_id and, where they are known, ORIGIN_COLUMNS). Articles
    have other names in other languages. Two queries are in one cluster if they share an article in
    any language, or if a chain of such queries joins them.
    """
    parts = []
    for language, frame in frames:
        of_query = frame.drop_duplicates("query_id")
        label = pd.Series(None, of_query.index, dtype="object")
        for name in ORIGIN_COLUMNS:
            if name in frame:
                label = label.fillna(f"{language}\n{name}\n" + of_query[name])
        parts.append(pd.DataFrame({"query_id": of_query["query_id"], "label": label}))
    found = pd.concat(parts, ignore_index=True).dropna().drop_duplicates()
    labels, names = pd.factorize(found["label"])
    ends = pd.Index(queries).get_indexer(found["query_id"]), len(queries) + labels
    nodes = len(queries) + len(names)
    graph = coo_array((np.ones(len(found)), ends), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][: len(queries)]
    return pd.factorize(component)[0].astype(np.int64)
