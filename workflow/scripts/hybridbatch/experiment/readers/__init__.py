"""Models of the entries in `catalogue.corpora`, a module for each reader with keys of its own.

A reader in data/readers without a module here has the keys of `FileCorpus`.
"""

from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import File, Language, Model, Name, Share, Unique
from hybridbatch.experiment.places import Below, LocalPath

_Files = Annotated[list[Below], Field(min_length=1), *Unique]


class Corpus(Model):
    """A corpus of question-answer pairs, wherever it comes from."""

    kind: str = Field(description="its reader, a module of hybridbatch/data/readers")
    language: Language = Field(description="of its pairs: an ISO 639 code in lower case")
    licence: Name | None = Field(
        default=None, description="of files of yours or of a data set, for cards"
    )
    languages: Annotated[list[Language], *Unique] | None = Field(
        default=None, description="narrows target_languages for this corpus"
    )
    holdout: Share = Field(description="share of the paragraphs kept for validation")
    shards: Annotated[int, Field(ge=1, le=999)] = Field(description="parts translated side by side")
    published: str | None = Field(
        default=None, description="the data set's name in the paper's Table 9"
    )

    @property
    def parallel_languages(self) -> list[str] | None:
        """Other languages that the corpus is published in; None if it is translated instead."""
        return None

    @property
    def streamed(self) -> bool:
        """Whether its rows are streamed into shards; its files are then these shards."""
        return False

    @property
    def url(self) -> str | None:
        """Its URL, if it comes neither from a source nor from a local file."""
        return None

    def own_files(self) -> list[File]:
        """The files of its own language."""
        return []

    def parallel_files(self, language: str) -> list[File]:
        """The files of one of `parallel_languages`."""
        return []


class FileCorpus(Corpus):
    """A corpus in files of one's own or of a source."""

    path: LocalPath | None = Field(default=None, description="a file of yours")
    source: str | None = Field(default=None, description="name of a source")
    files: _Files | None = Field(default=None, description="files of the source")
    parallel: Annotated[dict[Language, _Files], Field(min_length=1)] | None = Field(
        default=None,
        description=(
            "by language, files of the source that hold the same texts under the same ids; the "
            "corpus is then never translated, and trained on in these target languages only"
        ),
    )

    @property
    def parallel_languages(self) -> list[str] | None:
        return None if self.parallel is None else list(self.parallel)

    def own_files(self) -> list[File]:
        if self.source is None:
            return [File(None, self.path)]
        return [File(self.source, name) for name in self.files]

    def parallel_files(self, language: str) -> list[File]:
        return [File(self.source, name) for name in self.parallel[language]]
