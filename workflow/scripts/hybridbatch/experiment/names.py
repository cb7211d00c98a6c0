"""Names that rules and tables share: of languages, tables, ablations, readers, engines."""

# What translation starts from, and ways back end at.
SOURCE_LANGUAGE = "en"
# The tables beside those of the benchmarks, which are named after them.
SCORE_TABLES = ("main", "language_bias", "rank_distance")
COUNT_TABLES = (
    "evaluation_data",
    "training_data",
    "translation",
    "translation_quality",
    "filtering",
    "contamination",
)
STATISTICS_TABLES = ("significance", "reproduction", "claims")
# Made where a benchmark has one pool of several languages.
BIAS_TABLES = ("bias_detail",)
# Each is a list of the configuration's `ablations`, by the table it becomes.
ABLATIONS = (
    "alpha",
    "data_size",
    "languages",
    "unseen_languages",
    "temperature",
    "encoders",
    "lareqa",
)
# The point of `unseen_languages` at which no language is left out.
NO_LANGUAGE = "none"
# Ablations with one sampling a point, hybrid or the one that the point is: nothing to compare.
ONE_SAMPLING = ("alpha", "lareqa")
# Ablations that vary a number: each has a figure of its name, too.
CURVES = ("alpha", "data_size", "languages", "temperature")
# Engines that take a GPU where there is one.
NEURAL_ENGINES = ("transformers_mt", "ctranslate2_mt")
# Readers of benchmarks that ask the same questions in every language.
PARALLEL_READERS = ("lareqa",)
# Benchmarks with more passages than can all be ranked: only the first are, by an index.
PASSAGE_READERS = ("miracl",)
