"""The columns shared by all tables of scores and counts."""

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
