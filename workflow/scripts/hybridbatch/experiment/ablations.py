"""The configuration of ablations."""

from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import Language, Model, Name, Positive, Share, Unique
from hybridbatch.experiment.layer_scaling import LayerScaling


class Ablations(Model):
    """What is varied, one thing at a time; a table for each list that is not empty."""

    benchmarks: Annotated[list[Name], Field(min_length=1), *Unique] = Field(
        description="names of the benchmarks that all but lareqa are scored on"
    )
    samplings: Annotated[list[Name], Field(min_length=1), *Unique] = Field(
        description="names of the samplings trained at every point of all but alpha and lareqa"
    )
    seeds: Positive = Field(
        description="seeds of a system with a changed setting, and of a sampling that only alpha "
        "or lareqa have: the first of the configuration's"
    )
    alpha: Annotated[list[Share], *Unique] = Field(
        description="shares of monolingual batches in hybrid sampling"
    )
    data_size: Annotated[list[Annotated[float, Field(gt=0, le=1)]], *Unique] = Field(
        description="shares of the training pairs; a smaller one is part of a larger one"
    )
    languages: Annotated[list[Annotated[int, Field(ge=2)]], *Unique] = Field(
        description="numbers of training languages, English and the first of target_languages"
    )
    unseen_languages: Annotated[list[Language], *Unique] = Field(
        description="target languages that are left out of training, one at a time, and scored"
    )
    temperature: Annotated[list[Annotated[float, Field(gt=0)]], *Unique] = Field(
        description="temperatures of the loss"
    )
    batch_size: Annotated[list[Annotated[int, Field(ge=2)]], *Unique] = Field(
        description="pairs in a batch"
    )
    steps: Annotated[list[Positive], *Unique] = Field(
        description="numbers of steps, the same for every sampling, whatever validation says"
    )
    corpus_weighting: Annotated[list[Annotated[float, Field(gt=0)]], *Unique] = Field(
        description="temperatures of the corpora's weights"
    )
    encoders: Annotated[list[Name], *Unique] = Field(
        description="names of encoders that are trained by the same recipe"
    )
    layer_scaling: list[LayerScaling] = Field(
        default_factory=list,
        description="budgets of adapters, divided among the layers by schedules; none if absent",
    )
    lareqa: Annotated[list[Name], *Unique] = Field(
        description="names of the samplings that stand beside LAReQA's published figures"
    )
