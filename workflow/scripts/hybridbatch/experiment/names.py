"""Names that several packages share."""

# The language that translation starts from, and that back-translation ends at.
SOURCE_LANGUAGE = "en"
# The point of the ablation `unseen_languages` at which no language is left out.
NO_LANGUAGE = "none"
# Ablations with a single sampling at each point, so that no samplings are compared there.
ONE_SAMPLING = ("alpha", "lareqa")
# The ablation of layers, whose points are compared with each other at one sampling.
LAYER_SCALING = "layer_scaling"
# The sampling that stands for no training: the pretrained encoder as it is. The evaluation has the
# name, too (evaluation/settings.py), since no result may depend on this room; so has training the
# source language. A test holds them equal.
ZERO_SHOT = "zero-shot"
# The samplings that `hybrid` equals at alpha 0 and at alpha 1, and itself.
NO_MONOLINGUAL, ALL_MONOLINGUAL, HYBRID = "x-y", "x-x-mono", "hybrid"
