"""The loss of a training run in words, for cards of models."""

from collections.abc import Mapping
from typing import Any


def loss_in_words(values: Mapping[str, Any]) -> str:
    """A sentence with the terms of the loss; values: of `training.loss`, empty for the default."""
    terms = []
    if values.get("contrastive", 1.0):
        terms.append("InfoNCE with in-batch negatives over cosine similarity")
    if weight := values.get("distillation"):
        terms.append(f"the squared distance to a teacher's vectors, with weight {weight:g}")
    if weight := values.get("clustering"):
        terms.append(f"a push of the batch's texts from each other, with weight {weight:g}")
    text = ", and ".join(terms)
    return f"{text[0].upper()}{text[1:]}."
