"""Crossmodal-3600: 3,600 photographs with captions in 36 languages."""

from typing import Literal

from pydantic import Field

from hybridbatch.experiment.base import MADE, File
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.places import LocalPath


class Config(Benchmark):
    """3,600 photographs with captions in 36 languages."""

    kind: Literal["xm3600"] = Field(description="files in the format of Crossmodal-3600")
    source: str | None = Field(
        default=None,
        description="name of the source of the captions; without it they are a file of yours",
    )
    captions: LocalPath = Field(
        description="captions.jsonl, or captions.zip that has it in it, of all languages"
    )
    archive_source: str | None = Field(
        default=None,
        description="name of the source of the images; without it they are a file of yours",
    )
    archive: LocalPath = Field(description="tar file of the images, named after their ids")

    @property
    def modality(self) -> str:
        return "image"

    @property
    def other_files(self) -> list[File]:
        return [File(self.archive_source, self.archive)]

    def files(self, language: str) -> dict[str, File]:
        return {
            "captions": File(self.source, self.captions),
            "images": File(MADE, "images/xm3600/images.parquet"),
        }
