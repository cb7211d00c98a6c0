"""Vector search with FAISS. The index selects candidates; scores are recomputed from the vectors.

The index is built in memory for one search. With the factory string `Flat` the search is exact,
ties included. Any other string names an approximate index, which may miss candidates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.retrieval.ranking import exact_scores
from hybridbatch.runtime.errors import ConfigError, DataError
from hybridbatch.runtime.logs import Progress, waiting

RUN_SCHEMA = pa.schema(
    [
        ("query_id", pa.string()),
        ("candidate_id", pa.string()),
        ("score", pa.float32()),
        ("rank", pa.int64()),  # from 1, ties broken as trec_eval breaks them
    ]
)
RECALL_DEPTH = 100  # depth of the exact ranking against which recall is measured
EXACT = "Flat"  # FAISS factory string of exhaustive search
_ORDER = [("query_id", "ascending"), ("score", "descending"), ("candidate_id", "descending")]
_MARGIN = 100  # extra passages fetched beyond the depth, to break ties at the cut
_NOISE = 1e-4  # bound on the rounding error of float32 inner products of unit vectors


@dataclass(frozen=True)
class SearchConfig:
    """How a shard is indexed and searched."""

    index: str  # FAISS factory string
    depth: int  # passages returned for each query
    index_parameters: str = ""  # such as nprobe=64

    @property
    def approximate(self) -> bool:
        """Whether the index may miss candidates."""
        return self.index != EXACT

    def exact(self) -> "SearchConfig":
        """The exact search that this one's recall is measured against."""
        return SearchConfig(EXACT, RECALL_DEPTH)


def search(
    query_ids: Sequence[str],
    queries: np.ndarray,
    ids: Sequence[str],
    vectors: np.ndarray,
    config: SearchConfig,
) -> pa.Table:
    """The first `depth` passages of each query among these, as RUN_SCHEMA.

    queries: unit vectors float32 [q, d]. vectors: float32 [n, d] of the passages `ids`. The index
    selects passages. Their scores are inner products of the original vectors, so that scores of
    different shards are comparable with any index. `Flat` is exact, ties included: it fetches more
    passages until those left out cannot reach the depth.
    """
    with waiting(f"building the index {config.index} of {len(vectors):,} vectors"):
        index = _index(vectors, config)
    identifiers = np.array(ids)
    todo, asked = np.arange(len(queries)), min(len(ids), config.depth + _MARGIN)
    parts, progress = [], Progress(len(queries), "queries searched", last=False)
    while len(todo):
        with waiting(f"searching {len(vectors):,} vectors for {len(todo):,} queries"):
            approximate, rows = index.search(queries[todo], asked)
        later = []
        for i, query in enumerate(todo):
            found = rows[i][rows[i] >= 0]
            scores = exact_scores(queries[[query]], vectors[found])[0]
            order = np.lexsort((identifiers[found], scores))[::-1][: config.depth]
            last = scores[order[-1]] if len(order) else -np.inf
            if config.index == EXACT and asked < len(ids) and approximate[i, -1] > last - _NOISE:
                later.append(query)
                continue
            parts.append(_rows(query_ids[query], identifiers[found[order]], scores[order]))
            progress.add()
        todo, asked = np.array(later, dtype=np.int64), min(len(ids), 2 * asked)
    return merge(parts, config.depth, "the shard")


def with_exact(run: pa.Table, exact: pa.Table) -> pa.Table:
    """An approximate and an exact run in one table; the column `exact` tells them apart."""
    tables = [
        table.append_column("exact", pa.array([value] * len(table), pa.bool_()))
        for table, value in ((run, False), (exact, True))
    ]
    return pa.concat_tables(tables)


def without_exact(run: pa.Table) -> tuple[pa.Table, pa.Table | None]:
    """The two runs of a table from `with_exact`; the second is None if there is no exact run."""
    if "exact" not in run.column_names:
        return run, None
    is_exact = run["exact"]
    run = run.drop_columns("exact")
    return run.filter(pc.invert(is_exact)), run.filter(is_exact)


def merge_parts(runs: Iterable[pa.Table], depth: int, where: str) -> pa.Table:
    """Like `merge`, for runs that may be from `with_exact`; exact runs are merged separately."""
    parts = [without_exact(run) for run in runs]
    merged = merge([run for run, _ in parts], depth, where)
    exact = [other for _, other in parts if other is not None]
    return with_exact(merged, merge(exact, RECALL_DEPTH, where)) if exact else merged


def merge(runs: Iterable[pa.Table], depth: int, where: str) -> pa.Table:
    """The first `depth` passages of each query over all runs, as RUN_SCHEMA, ranked anew.

    Raises DataError, beginning with `where`, if a query has a passage twice, which means that the
    passage is in two shards.
    """
    run = pa.concat_tables([RUN_SCHEMA.empty_table(), *runs]).combine_chunks()
    run = run.take(pc.sort_indices(run, sort_keys=_ORDER))
    pairs = run.group_by(["query_id", "candidate_id"]).aggregate([([], "count_all")])
    twice = pairs.filter(pc.greater(pairs["count_all"], 1))
    if len(twice):
        raise DataError(
            f"{where}: passage {twice['candidate_id'][0]} stands twice in the collection."
        )
    query = run["query_id"].to_numpy(zero_copy_only=False)
    starts = np.flatnonzero(np.concatenate([[True], query[1:] != query[:-1]])) if len(run) else []
    lengths = np.diff(np.append(starts, len(run))).astype(np.int64)
    ranks = np.arange(1, len(run) + 1) - np.repeat(starts, lengths).astype(np.int64)
    run = run.set_column(run.schema.get_field_index("rank"), RUN_SCHEMA.field("rank"), [ranks])
    return run.filter(pc.less_equal(run["rank"], depth))


def _index(vectors: np.ndarray, config: SearchConfig) -> faiss.Index:
    try:
        index = faiss.index_factory(vectors.shape[1], config.index, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            index.train(vectors)
        index.add(vectors)
        if config.index_parameters:
            faiss.ParameterSpace().set_index_parameters(index, config.index_parameters)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ConfigError(
            f"index {config.index!r} with index_parameters {config.index_parameters!r} does not "
            f"do for {len(vectors)} passages of {vectors.shape[1]} dimensions: FAISS says "
            f"{reason!r}."
        ) from error
    return index


def _rows(query_id: str, identifiers: np.ndarray, scores: np.ndarray) -> pa.Table:
    n = len(identifiers)
    columns = [[query_id] * n, identifiers.tolist(), scores, np.zeros(n, dtype=np.int64)]
    return pa.table(
        [pa.array(c, f.type) for c, f in zip(columns, RUN_SCHEMA, strict=True)], schema=RUN_SCHEMA
    )
