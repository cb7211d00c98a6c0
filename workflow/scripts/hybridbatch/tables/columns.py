"""The columns shared by all tables of scores and counts."""

from hybridbatch.evaluation.settings import SCORE_COLUMNS, SYSTEM_COLUMNS

TIDY_COLUMNS = ["table", *SYSTEM_COLUMNS, *SCORE_COLUMNS, "published", "delta"]
