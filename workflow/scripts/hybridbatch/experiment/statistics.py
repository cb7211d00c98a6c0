"""How pairs are filtered, duplicates found and intervals made."""

from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import Model, Positive, Share

_RATIO = (
    "characters of the translation over those of the source, divided by the median of that ratio "
    "over the corpus in the language; "
)


class Filtering(Model):
    """Which translated pairs are good enough."""

    max_unknown_share: Share = Field(
        description="of a translation's words that the engine did not know"
    )
    min_length_ratio: Annotated[float, Field(ge=0)] = Field(description=f"{_RATIO}at least this")
    max_length_ratio: Annotated[float, Field(gt=0)] = Field(description=f"{_RATIO}at most this")


class Contamination(Model):
    """Which training texts count as near duplicates of a benchmark's."""

    ngram: Positive = Field(description="characters in a row that are compared")
    threshold: Annotated[float, Field(gt=0, le=1)] = Field(
        description="least Jaccard index of the two texts' sets of them"
    )


class Statistics(Model):
    """How intervals are made."""

    confidence: Annotated[float, Field(gt=0, lt=1)] = Field(description="of the intervals")
    resamples: Annotated[int, Field(ge=100)] = Field(description="of a median's bootstrap")
    seed: Annotated[int, Field(ge=0)] = Field(description="of that bootstrap")
