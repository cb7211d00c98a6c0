"""Names of settings, pools and means: what scores are of, beside metric and language."""

MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL = "monolingual", "cross-lingual", "multilingual"
ALL, SEEN = "all", "seen"  # pools: every language, those with training data
JUDGED = "judged"  # only the passages that judgements name: another task
MEAN, MEAN_SEEN, MEAN_UNSEEN = MEANS = ("mean", "mean_seen", "mean_unseen")
MEDIAN = "median"
