"""Names that several rooms share."""

# What translation starts from, and ways back end at.
SOURCE_LANGUAGE = "en"
# The point of the ablation `unseen_languages` at which no language is left out.
NO_LANGUAGE = "none"
# Ablations with one sampling a point, hybrid or the one that the point is: nothing to compare.
ONE_SAMPLING = ("alpha", "lareqa")
# Samplings that `hybrid` is at the ends of alpha.
NO_MONOLINGUAL, ALL_MONOLINGUAL, HYBRID = "x-y", "x-x-mono", "hybrid"
