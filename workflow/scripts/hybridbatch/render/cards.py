"""The YAML on top of the Hugging Face hub's cards of models and data sets.

https://huggingface.co/docs/hub/model-cards, https://huggingface.co/docs/hub/datasets-cards
"""

from collections.abc import Mapping
from typing import Any

import yaml


def as_yaml(values: Mapping[str, Any], width: int = 80) -> str:
    """Values as YAML, in their order; width: of its lines."""
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=width)


def front_matter(values: Mapping[str, Any], width: int = 80) -> str:
    """Values as a card's metadata, between two lines of hyphens."""
    return f"---\n{as_yaml(values, width)}---"
