"""Emoji, and their names in CLDR as queries."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hybridbatch.experiment.base import MADE, File, Positive
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.places import LocalPath


class Config(Benchmark):
    """Pictures of emoji, and their names in CLDR as queries; made from Debian packages."""

    kind: Literal["emoji"] = Field(description="pictures of a font, names of CLDR")
    common: LocalPath = Field(
        default="/usr/share/unicode/cldr/common",
        description="CLDR's folder `common`, with annotations and annotationsDerived in it",
    )
    font: LocalPath = Field(
        default="/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
        description="font with bitmaps of emoji",
    )
    names: Positive = Field(
        default=1200, description="emoji that CLDR has to name in each of the languages"
    )
    splits: Positive = Field(
        default=3, description="number of splits; their test sets are disjoint"
    )
    split: Annotated[int, Field(ge=0)] = Field(
        default=0, description="the split that is tested, from 0"
    )
    test: Positive = Field(default=300, description="emoji in a test set, at least")
    validation: Positive = Field(default=100, description="emoji held out for validation, at least")
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of the splits")
    keywords: bool = Field(
        default=False, description="whether CLDR's keywords are trained on beside the names"
    )

    @model_validator(mode="after")
    def _split_is_one_of_them(self) -> "Config":
        if self.split >= self.splits:
            raise PydanticCustomError(
                "no_split", "split: must be below `splits`, {splits}", {"splits": self.splits}
            )
        return self

    @property
    def modality(self) -> str:
        return "image"

    @property
    def installed(self) -> dict[str, tuple[str, str | None]]:
        return {
            "common": (self.common, "unicode-cldr-core"),
            "font": (self.font, "fonts-noto-color-emoji"),
        }

    @property
    def training_splits(self) -> int:
        return self.splits

    @property
    def making(self) -> dict:
        """The values of `data.emoji.write_emoji` but the languages."""
        keys = {"common", "font", "names", "test", "validation", "seed", "keywords"}
        return self.model_dump(include=keys)

    def files(self, language: str) -> dict[str, File]:
        return self.files_of_split(language, self.split)

    def files_of_split(self, language: str, split: int) -> dict[str, File]:
        return {
            "captions": File(MADE, f"images/emoji/split{split}/captions.parquet"),
            "images": File(MADE, "images/emoji/images.parquet"),
        }
