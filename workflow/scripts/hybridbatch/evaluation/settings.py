"""Names of settings, pools and means, and the columns that identify a score."""

MONOLINGUAL, CROSS_LINGUAL, MULTILINGUAL = "monolingual", "cross-lingual", "multilingual"
ALL, SEEN = "all", "seen"  # pools: all languages, the training languages
JUDGED = "judged"  # pool of judged passages only, which makes an easier task
MEAN, MEAN_SEEN, MEAN_UNSEEN = MEANS = ("mean", "mean_seen", "mean_unseen")
MEDIAN = "median"
# The sampling of a pretrained encoder without training: a reference beside the samplings compared.
# The configuration has it, too (experiment/names.py), and no result may depend on that room.
ZERO_SHOT = "zero-shot"
SYSTEM_COLUMNS = ["benchmark", "encoder", "sampling"]  # what a score is of
SCORE_KEYS = [*SYSTEM_COLUMNS, "setting", "metric", "language"]  # of a score of the pool `all`
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
SEED_SD = "seed_sd"  # extra column: standard deviation between seeds, empty with one seed
# Extra column of the workflow's scores: the steps that the scored weights were trained for, a mean
# over seeds.
STEPS_COLUMN = "steps"
# Extra columns of the workflow's scores: the parameters that were trained, and all of the model in
# training, adapters included. Empty for a system that is not trained.
PARAMETERS_COLUMNS = ["trained_parameters", "all_parameters"]
# Extra columns for a benchmark with passages: the number of passages searched, and of relevant ones
# that the collection lacks. Empty in mean rows.
PASSAGE_COLUMNS = ["pool_size", "absent_relevant"]
# Extra column for a benchmark searched through an approximate index: its factory string.
INDEX_COLUMN = "index"
