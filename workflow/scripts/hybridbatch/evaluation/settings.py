"""What scores are of, beside metric and language: settings, pools and means; their columns."""

MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL = "monolingual", "cross-lingual", "multilingual"
ALL, SEEN = "all", "seen"  # pools: every language, those with training data
JUDGED = "judged"  # only the passages that judgements name: another task
MEAN, MEAN_SEEN, MEAN_UNSEEN = MEANS = ("mean", "mean_seen", "mean_unseen")
MEDIAN = "median"
SCORE_COLUMNS = [
    "setting",
    "pool",
    "metric",
    "language",
    "value",
    "ci_low",
    "ci_high",
    "n_queries",
    "n_seeds",
]
# Of a benchmark with passages, behind the others: how many were searched, and how many relevant
# ones the collection lacks. Empty in mean rows.
PASSAGE_COLUMNS = ["pool_size", "absent_relevant"]
# Of a benchmark that was searched through an approximate index: its factory string.
INDEX_COLUMN = "index"
