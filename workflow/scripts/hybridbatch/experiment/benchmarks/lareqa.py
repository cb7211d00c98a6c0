"""Questions and sentences that are parallel in several languages: XQuAD-R, MLQA-R."""

from typing import Literal

from pydantic import Field

from hybridbatch.experiment.base import File
from hybridbatch.experiment.benchmarks import Benchmark, Searched
from hybridbatch.experiment.sources import FileByLanguage


class Config(FileByLanguage, Searched, Benchmark):
    """Questions and sentences that are parallel in several languages."""

    kind: Literal["lareqa"] = Field(description="files in the format of XQuAD-R")

    @property
    def parallel(self) -> bool:
        return True

    def files(self, language: str) -> dict[str, File]:
        return {"file": self.file_in(language)}
