"""XTD10: 1,000 images of COCO with a caption in each of eleven languages."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from hybridbatch.experiment.base import MADE, File, Language
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.places import Below


class Config(Benchmark):
    """1,000 images of COCO with a caption in each of eleven languages."""

    kind: Literal["xtd10"] = Field(description="files in the format of XTD10")
    source: str = Field(description="name of the source of captions and image names")
    captions: Annotated[dict[Language, Below], Field(min_length=1)] = Field(
        description="by language, the source's file of captions, a line for each image"
    )
    names: Below = Field(description="the source's file of image names, a line for each image")
    subset: Literal["all", "val2014"] = Field(
        default="all",
        description="val2014 takes the 200 images that are not in COCO's train2014",
    )

    @model_validator(mode="after")
    def _languages_have_captions(self) -> "Config":
        if missing := [code for code in self.languages if code not in self.captions]:
            raise PydanticCustomError(
                "no_captions", "captions: says nothing of {code}", {"code": repr(missing[0])}
            )
        return self

    @property
    def modality(self) -> str:
        return "image"

    @property
    def reading(self) -> dict:
        return {"subset": self.subset}

    def files(self, language: str) -> dict[str, File]:
        return {
            "captions": File(self.source, self.captions[language]),
            "names": File(self.source, self.names),
            "images": File(MADE, "images/xtd10/images.parquet"),
        }

    def downloads(self, language: str) -> list[tuple[list[File], float]]:
        files = self.files(language)
        return [([files["captions"]], 1.0), ([files["names"]], 0.0)]
