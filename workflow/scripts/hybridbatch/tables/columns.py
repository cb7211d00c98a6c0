"""The columns that all tables of scores and counts have."""

from hybridbatch.evaluation.settings import SCORE_COLUMNS

TIDY_COLUMNS = [
    "table",
    "benchmark",
    "encoder",
    "sampling",
    *SCORE_COLUMNS,
    "published",
    "delta",
]
