"""The article and paragraph of each question, beside its scores.

A module of its own, since a job for every model, benchmark and language needs it, and `clusters`
imports SciPy's graphs and pandas, which takes longer than the job.
"""

import pyarrow as pa

ORIGIN_COLUMNS = ["article", "paragraph"]  # of a query, the first that is known counts


def with_origins(table: pa.Table, queries: pa.Table) -> pa.Table:
    """`table`, which has a column query_id, with ORIGIN_COLUMNS of its queries added.

    queries: of one language, of benchmarks.base.QUERY_SCHEMA.
    """
    place = {id_: i for i, id_ in enumerate(queries["query_id"].to_pylist())}
    rows = pa.array([place[id_] for id_ in table["query_id"].to_pylist()], pa.int64())
    for name in ORIGIN_COLUMNS:
        table = table.append_column(name, queries[name].take(rows))
    return table
