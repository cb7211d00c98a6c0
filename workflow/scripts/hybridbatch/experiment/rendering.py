"""The keys of entries whose texts are rendered as images: benchmarks, and encoders in training."""

import hashlib
from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import MADE, File, Language, Model, Share, Unique
from hybridbatch.experiment.places import LocalPath

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


class Rendering(Model):
    """How texts become images of one line."""

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
    def installed(self) -> dict[str, tuple[str, str | None]]:
        """The fonts: by key, the path and the Debian package."""
        paths = [*self.fonts, *self.own_fonts.values()]
        return {f"fonts.{path.rsplit('/', 1)[-1]}": (path, _package(path)) for path in paths}

    @property
    def drawing(self) -> dict:
        """The values that rendering takes beside texts, font and language."""
        found = {"height": self.height}
        if self.perturbation is not None:
            found["perturbation"] = self.perturbation.plain()
        return found

    @property
    def merged_font(self) -> File:
        """The file that `fonts` are merged into; other lists of fonts have another one."""
        name = hashlib.sha256("\n".join(self.fonts).encode()).hexdigest()[:12]
        return File(MADE, f"fonts/{name}.ttf")

    def font(self, language: str) -> File:
        """The font of a language's texts."""
        own = self.own_fonts.get(language)
        return self.merged_font if own is None else File(None, own)


def _package(path: str) -> str | None:
    """The Debian package of one of Noto's fonts."""
    name = path.rsplit("/", 1)[-1]
    if not name.startswith("Noto"):
        return None
    return "fonts-noto-cjk" if "CJK" in name else "fonts-noto-core"
