"""Pinned files, and catalogue entries that have one file for each language."""

from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import File, Model, Name, Positive
from hybridbatch.experiment.places import Base, Below, BelowByLanguage, LocalByLanguage, Series

_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Source(Model):
    """Files below one URL."""

    base: Base = Field(
        description="what every file's URL starts with; pin a commit or revision in it"
    )
    licence: Name = Field(description="as its owner states it")
    files: Annotated[dict[Below, _Hash | None], Field(min_length=1)] | None = Field(
        default=None,
        description=(
            "sha256 of the unzipped content, 64 hexadecimal digits, by file name; null if "
            "unknown, then the first fetch records it"
        ),
    )
    series: Annotated[dict[Series, Positive], Field(min_length=1)] | None = Field(
        default=None,
        description=(
            "by name with {number} in it, how many files there are whose hashes are unknown; "
            "numbers start at 0"
        ),
    )

    max_bytes: Positive = Field(
        default=2_000_000_000,
        description="of one of its files, unzipped; a larger one is not fetched",
    )

    def pinned(self) -> dict[str, str | None]:
        """Its files and their sha256: the listed ones, and the series, numbered from 0."""
        numbered = {
            name.replace("{number}", str(number)): None
            for name, count in (self.series or {}).items()
            for number in range(count)
        }
        return {**(self.files or {}), **numbered}


class FileByLanguage(Model):
    """An entry with a file for each language: a file of one's own, or a source's."""

    path: LocalByLanguage | None = Field(
        default=None, description="a file of yours, with {language} in it"
    )
    source: str | None = Field(default=None, description="name of a source")
    file: BelowByLanguage | None = Field(
        default=None, description="file of the source, with {language} in it"
    )

    def file_in(self, language: str) -> File:
        """The file of one language."""
        name = self.path if self.source is None else self.file
        return File(self.source, name.replace("{language}", language))
