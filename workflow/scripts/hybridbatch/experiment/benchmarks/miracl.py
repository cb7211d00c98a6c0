"""Queries, judgements and passages of one language each, too many to rank them all."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import File, Language, Name, Positive
from hybridbatch.experiment.benchmarks import Benchmark, Languages
from hybridbatch.experiment.places import LocalByLanguage, LocalByLanguageAndNumber


class Config(Benchmark):
    """Queries, judgements and passages of one language each, too many to rank them all."""

    kind: Literal["miracl"] = Field(description="files in the format of MIRACL")
    source: str | None = Field(
        default=None,
        description="name of the source of topics and qrels; without it they are files of yours",
    )
    topics: LocalByLanguage = Field(
        description="file of queries, with {language} in it; a line: id, tab, text"
    )
    qrels: LocalByLanguage = Field(
        description="file of judgements in TREC's format, with {language} in it"
    )
    corpus: str | None = Field(
        default=None,
        description="name of the source of passages; without it they are files of yours",
    )
    passages: LocalByLanguageAndNumber = Field(
        description="file of JSON Lines, plain or gzipped, with {language} and {number} in its name"
    )
    shards: Annotated[dict[Language, Positive], Field(min_length=1)] = Field(
        description="by language, how many files of passages there are, numbered from 0"
    )
    shards_a_job: Positive = Field(
        description="files that one job encodes and searches, one after the other"
    )
    averaged: Languages | None = Field(
        default=None,
        description="the languages that mean and median rows are over; all of them if absent",
    )
    index: Name = Field(
        description="FAISS factory string of the index of each file of passages; Flat is exact"
    )
    index_parameters: Name | None = Field(
        default=None, description="FAISS search parameters, such as nprobe=64"
    )
    depth: Annotated[int, Field(ge=100)] = Field(
        description="passages a query is given; Recall@100 needs 100"
    )
    judged_only: bool = Field(
        default=False,
        description=(
            "search only the passages that the judgements name: another and easier task, labelled "
            "as pool `judged` in every output and never graded"
        ),
    )

    @property
    def heading(self) -> str:
        return self.title + (", judged passages only" if self.judged_only else "")

    @property
    def ranks_all(self) -> bool:
        return False

    @property
    def pools(self) -> tuple[str, ...]:
        return ("judged",) if self.judged_only else ("all",)

    @property
    def mean_rows(self) -> dict:
        averaged = self.languages if self.averaged is None else self.averaged
        return {"pools": list(self.pools), "averaged": averaged, "medians": True}

    @property
    def search_values(self) -> dict:
        keys = {"index", "depth", "index_parameters"}
        return self.model_dump(include=keys, exclude_none=True)

    def parts(self, language: str) -> int:
        """How many jobs search a language's passages."""
        files = 1 if self.judged_only else self.shards[language]
        return -(-files // self.shards_a_job)

    def size_of_part(self, language: str, part: int) -> tuple[int, int]:
        """(number of files that this part searches, number of files of the language)."""
        files = 1 if self.judged_only else self.shards[language]
        return min(self.shards_a_job, files - part * self.shards_a_job), files

    def searched(self, queries: float, passages: float, judged_a_query: float) -> float:
        """The number of passages of a language that are searched."""
        return min(queries * judged_a_query, passages) if self.judged_only else passages

    def downloads(self, language: str) -> list[tuple[list[File], float]]:
        # Topics and judgements are small, so they count as no text.
        small = list(self.files(language).values())
        return [(small, 0.0), (self.passage_files(language), 1.0)]

    def files(self, language: str) -> dict[str, File]:
        return {
            "topics": File(self.source, self.topics.replace("{language}", language)),
            "qrels": File(self.source, self.qrels.replace("{language}", language)),
        }

    def passage_files(self, language: str) -> list[File]:
        """The files of passages, in the order of their numbers."""
        name = self.passages.replace("{language}", language)
        count = self.shards.get(language, 0)
        return [File(self.corpus, name.replace("{number}", str(i))) for i in range(count)]
