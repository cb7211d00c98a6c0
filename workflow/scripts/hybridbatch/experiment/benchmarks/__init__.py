"""Models of the entries in `catalogue.benchmarks`, one module a kind (see `kinds`)."""

from typing import Annotated

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hybridbatch.experiment.base import File, Language, Model, Name, Title, Unique

Languages = Annotated[list[Language], Field(min_length=1), *Unique]


EXACT = "Flat"  # FAISS factory string of exhaustive search


class Searched(Model):
    """Keys of a benchmark that may be searched through an index."""

    index: Name | None = Field(
        default=None,
        description=(
            "FAISS factory string of an approximate index, such as IVF64,Flat, that is searched in "
            "place of ranking all candidates; no published figure is compared with such scores"
        ),
    )
    index_parameters: Name | None = Field(
        default=None, description="FAISS search parameters, such as nprobe=64"
    )
    depth: Annotated[int, Field(ge=100)] = Field(
        default=1000, description="candidates that an index returns for a query"
    )

    @model_validator(mode="after")
    def _parameters_have_an_index(self) -> "Searched":
        if self.index is None and self.index_parameters is not None:
            raise PydanticCustomError(
                "no_index", "index_parameters are of an index: give `index`, too"
            )
        return self

    @property
    def search_values(self) -> dict:
        """The values of retrieval.index.SearchConfig; empty where all candidates are ranked."""
        if self.index in (None, EXACT):
            return {}
        keys = {"index", "depth", "index_parameters"}
        return self.model_dump(include=keys, exclude_none=True)


class Benchmark(Model):
    """A test collection in several languages. What rules ask of a kind are the properties here."""

    kind: str = Field(description="the files' format")
    title: Title = Field(description="heads its table")
    languages: Languages = Field(description="of its queries and candidates")

    @property
    def heading(self) -> str:
        """The title of its tables, including anything special about how it is searched."""
        return self.title

    @property
    def parallel(self) -> bool:
        """Whether queries and answers are parallel in all languages.

        If so, the languages are also searched together, and language bias is measured.
        """
        return False

    @property
    def ranks_all(self) -> bool:
        """Whether all candidates are ranked; otherwise shards of passages are searched."""
        return True

    @property
    def modality(self) -> str:
        """The modality of its candidates, as encoders name it in `modalities`."""
        return "text"

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools that its candidates are ranked in."""
        return ("all", "seen") if self.parallel else ("all",)

    @property
    def mean_rows(self) -> dict:
        """The values of evaluation.aggregate.Rows that differ from its defaults."""
        return {}

    @property
    def search_values(self) -> dict:
        """The values of retrieval.index.SearchConfig; empty where no index is searched."""
        return {}

    @property
    def approximate(self) -> bool:
        """Whether it is searched through an index that may miss candidates."""
        return self.search_values.get("index", EXACT) != EXACT

    def files(self, language: str) -> dict[str, File]:
        """The files of one language, by the names that the kind's `read` expects."""
        return {}

    @property
    def training_splits(self) -> int:
        """The splits into images to train on and to test; 0 of one that is for tests alone."""
        return 0

    @property
    def translated(self) -> bool:
        """Whether its English captions are translated into languages that it has none in."""
        return False

    def files_of_split(self, language: str, split: int) -> dict[str, File]:
        """The files of one language, with the images of one of the splits for the test."""
        return self.files(language)

    @property
    def installed(self) -> dict[str, tuple[str, str | None]]:
        """Files and folders that it is made from: by key, the path and the Debian package."""
        return {}

    @property
    def other_files(self) -> list[File]:
        """The files that those of `files` are made from, where the workflow makes them."""
        return []

    @property
    def reading(self) -> dict:
        """The values that the kind's `read` takes beside the files and the language."""
        return {}

    def downloads(self, language: str) -> list[tuple[list[File], float]]:
        """Groups of files of one language, each with the fraction of the text that it holds."""
        return [(list(self.files(language).values()), 1.0)]
