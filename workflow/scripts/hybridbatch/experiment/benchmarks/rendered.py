"""Parallel questions, and the sentences that answer them as images: XQuAD-R, MLQA-R."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import File, Name, Unique
from hybridbatch.experiment.benchmarks import Benchmark, Searched
from hybridbatch.experiment.rendering import Rendering
from hybridbatch.experiment.sources import FileByLanguage


class Config(FileByLanguage, Rendering, Searched, Benchmark):
    """Parallel questions, and the sentences that answer them as images of one line."""

    kind: Literal["rendered"] = Field(
        description="files in the format of XQuAD-R, whose sentences are rendered"
    )
    beside: Annotated[list[Name], *Unique] = Field(
        default=[],
        description="names of benchmarks of the same questions and sentences whose scores stand in "
        "its table, too: other renderings, or one of texts, on which the text towers are scored",
    )

    @property
    def parallel(self) -> bool:
        return True

    @property
    def modality(self) -> str:
        return "image"

    @property
    def reading(self) -> dict:
        return self.drawing

    def files(self, language: str) -> dict[str, File]:
        return {"file": self.file_in(language), "font": self.font(language)}

    def downloads(self, language: str) -> list[tuple[list[File], float]]:
        return [([self.file_in(language)], 1.0)]
