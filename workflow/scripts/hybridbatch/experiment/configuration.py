"""The root model: the experiment, and the catalogue that it selects from by name."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment import kinds
from hybridbatch.experiment.ablations import Ablations
from hybridbatch.experiment.base import Key, Language, Model, Name, Positive, Unique
from hybridbatch.experiment.engines import StepwiseTranslator
from hybridbatch.experiment.image_text import ImageText
from hybridbatch.experiment.places import LocalPath
from hybridbatch.experiment.readers import FileCorpus
from hybridbatch.experiment.references import References
from hybridbatch.experiment.samplings import Sampling
from hybridbatch.experiment.sources import Source
from hybridbatch.experiment.statistics import Contamination, Filtering, Statistics
from hybridbatch.experiment.training import Training

ENCODERS = kinds.models("encoders")
BENCHMARKS = kinds.models("benchmarks")
READERS = kinds.models("readers", common=FileCorpus)
ENGINES = kinds.models("engines", common=StepwiseTranslator)

_Names = Annotated[list[Name], Field(min_length=1), *Unique]
_NamesOrNone = Annotated[list[Name], *Unique]
_Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]


class Catalogue(Model):
    """What exists, by name."""

    sources: dict[Key, Source] = Field(description="pinned files")
    corpora: dict[Key, kinds.one_of(READERS)] = Field(description="question-answer pairs")
    benchmarks: dict[Key, kinds.one_of(BENCHMARKS)] = Field(description="test collections")
    references: dict[Key, References] = Field(description="parallel texts that people translated")
    translators: dict[Key, kinds.one_of(ENGINES)] = Field(
        description="translation engines and their routes"
    )
    encoders: dict[Key, kinds.one_of(ENCODERS)] = Field(
        description="encoders that can be fine-tuned"
    )
    samplings: dict[Key, Sampling] = Field(description="ways to make batches")


class Pathvars(Model):
    """Where things go; Snakemake's own mechanism."""

    results: LocalPath = Field(description="root of all results")
    downloads: LocalPath = Field(description="root of fetched files")


class Exports(Model):
    """Rankings as TREC runs and train sets as data sets, on request."""

    depth: Positive = Field(description="candidates of a query in a run, the best ones")
    unstated_licences: Annotated[list[Name], *Unique] | None = Field(
        default=None,
        description=(
            "names of corpora and translators without a stated licence whose texts `datasets` "
            "writes all the same"
        ),
    )


class Experiment(Model):
    """A configuration of Hybrid Batch."""

    mirror: LocalPath | None = Field(
        default=None, description="folder laid out as <host>/<path>, asked before the network"
    )
    pathvars: Pathvars = Field(description="where things go; Snakemake's own mechanism")
    scale: Literal["paper", "laptop", "demo"] = Field(
        description="whose figures these can be; only paper is graded against the published ones"
    )
    corpora: _NamesOrNone = Field(
        description="names of the training corpora; only zero-shot systems need none"
    )
    validation: _NamesOrNone = Field(
        description="names of the corpora whose held-out English pairs decide when to stop"
    )
    target_languages: Annotated[list[Language], *Unique] = Field(
        description="languages the corpora are translated into"
    )
    translator: Name = Field(description="name of a translator of the catalogue")
    encoders: _Names = Field(description="names of the encoders to fine-tune")
    samplings: _Names = Field(
        description="names of the samplings, how batches are made; zero-shot: pretrained encoders "
        "as they are"
    )
    seeds: Annotated[list[_Seed], Field(min_length=1), *Unique] = Field(
        description="one model each"
    )
    benchmarks: _Names = Field(description="names of the benchmarks to evaluate on")
    quality: Annotated[list[Name], *Unique] = Field(
        description="names of the reference sets that translations are scored against"
    )
    filtering: Filtering = Field(description="which translated pairs are good enough")
    contamination: Contamination = Field(
        description="which training texts count as near duplicates of a benchmark's"
    )
    training: Training = Field(
        description="how models are fine-tuned; an encoder may override each key"
    )
    statistics: Statistics = Field(description="how intervals are made")
    exports: Exports = Field(description="files for use elsewhere, on request")
    ablations: Ablations = Field(
        description="what is varied, one thing at a time; a table for each list that is not empty"
    )
    image_text: ImageText | None = Field(
        default=None, description="retrieval between captions and images; none if absent"
    )
    catalogue: Catalogue = Field(description="what exists, by name")
