"""Parallel texts that people translated."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Language, Unique
from hybridbatch.experiment.sources import FileByLanguage


class References(FileByLanguage):
    """Parallel texts in several languages, English among them."""

    kind: Literal["questions", "parallel"] = Field(
        description="questions of SQuAD's format, or questions and sentences of XQuAD-R's, parallel"
    )
    languages: Annotated[list[Language], Field(min_length=1), *Unique] = Field(
        description="that people translated the texts into, and English"
    )
