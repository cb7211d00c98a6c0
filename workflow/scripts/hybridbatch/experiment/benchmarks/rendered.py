"""Parallel questions, and the sentences that answer them as images: XQuAD-R, MLQA-R."""

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import MADE, File, Language, Model, Share, Unique
from hybridbatch.experiment.benchmarks import Benchmark, Searched
from hybridbatch.experiment.places import LocalPath
from hybridbatch.experiment.sources import FileByLanguage

_NOTO = "/usr/share/fonts/truetype/noto/"
_CJK = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"
_SANS = ("NotoSans", "NotoSansArabic", "NotoSansDevanagari", "NotoSansThai")


class Perturbation(Model):
    """How renderings differ at random from the clean ones."""

    shift: Annotated[int, Field(ge=0)] = Field(
        default=0, description="pixels that a text is moved by, at most, to each side"
    )
    size: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.0, description="share that letters are larger or smaller by, at most"
    )
    noise: Share = Field(
        default=0.0, description="standard deviation of the noise; greys go from 0 to 1"
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of what is at random")


class Config(FileByLanguage, Searched, Benchmark):
    """Parallel questions, and the sentences that answer them as images of one line."""

    kind: Literal["rendered"] = Field(
        description="files in the format of XQuAD-R, whose sentences are rendered"
    )
    fonts: Annotated[list[LocalPath], Field(min_length=1), *Unique] = Field(
        default=[f"{_NOTO}{name}-Regular.ttf" for name in _SANS],
        description="fonts that are merged into one; the first that has a character shows it",
    )
    own_fonts: dict[Language, LocalPath] = Field(
        default={"zh": _CJK}, description="by language, a font that is used in place of `fonts`"
    )
    height: Annotated[int, Field(ge=8)] = Field(default=32, description="pixels of a line")
    perturbation: Perturbation | None = Field(
        default=None, description="renderings that differ from the clean ones, if there is one"
    )

    @property
    def parallel(self) -> bool:
        return True

    @property
    def modality(self) -> str:
        return "image"

    @property
    def installed(self) -> dict[str, tuple[str, str | None]]:
        paths = [*self.fonts, *self.own_fonts.values()]
        return {f"fonts.{path.rsplit('/', 1)[-1]}": (path, _package(path)) for path in paths}

    @property
    def reading(self) -> dict:
        found = {"height": self.height}
        if self.perturbation is not None:
            found["perturbation"] = self.perturbation.plain()
        return found

    @property
    def merged_font(self) -> File:
        """The file that `fonts` are merged into; other lists of fonts have another one."""
        name = hashlib.sha256("\n".join(self.fonts).encode()).hexdigest()[:12]
        return File(MADE, f"fonts/{name}.ttf")

    def files(self, language: str) -> dict[str, File]:
        own = self.own_fonts.get(language)
        font = self.merged_font if own is None else File(None, own)
        return {"file": self.file_in(language), "font": font}

    def downloads(self, language: str) -> list[tuple[list[File], float]]:
        return [([self.file_in(language)], 1.0)]


def _package(path: str) -> str | None:
    """The Debian package of one of Noto's fonts."""
    name = path.rsplit("/", 1)[-1]
    if not name.startswith("Noto"):
        return None
    return "fonts-noto-cjk" if "CJK" in name else "fonts-noto-core"
