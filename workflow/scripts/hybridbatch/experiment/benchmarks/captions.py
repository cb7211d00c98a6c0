"""Captions of images to train on and to test: files of a published form, or a data set.

The workflow brings them into one form (`data.captions`). English captions are translated into the
languages of `image_text.languages` that the captions themselves do not have.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from hybridbatch.experiment.base import (
    MADE,
    OWN_NAME,
    File,
    Language,
    Model,
    Name,
    Positive,
    Unique,
)
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.data_sets import DataSetName
from hybridbatch.experiment.names import SOURCE_LANGUAGE
from hybridbatch.experiment.places import LocalPath, local

_PART, _LANGUAGE = "{part}", "{language}"
_OfPart = Annotated[str, Field(min_length=1), AfterValidator(lambda path: local(path, _PART))]
_OfPartAndLanguage = Annotated[
    str,
    Field(pattern=r"\{language\}"),
    AfterValidator(lambda path: local(path, _PART, _LANGUAGE)),
]
# Part of a path, wherever it is filled in.
_PartName = Annotated[str, Field(min_length=1), AfterValidator(local)]
# Gives the place of a file.
Place = Callable[[File], str]


class Parts(Model):
    """The published parts: what stands for `{part}` in names, or the splits of a data set."""

    train: _PartName = Field(description="the part that is trained on")
    validation: _PartName | None = Field(
        default=None, description="the part to validate on; without it, images of `train` are drawn"
    )
    test: _PartName | None = Field(
        default=None, description="the part to test on; without it, images of `train` are drawn"
    )


class _OfFiles(Model):
    """Files of yours, or of a source."""

    source: str | None = Field(
        default=None, description="name of the source; without it they are files of yours"
    )


class Lines(_OfFiles):
    """Multi30k's form: a file of image names, and for each language one with a line an image."""

    kind: Literal["lines"] = Field(description="a line for each image name")
    names: _OfPart = Field(description="the file of image names, with {part} in it")
    captions: _OfPartAndLanguage = Field(
        description="the files of captions, with {part} and {language} in it"
    )

    def part(self, name: str, languages: list[str], place: Place) -> dict[str, Any]:
        def filled(path: str, language: str = "") -> str:
            file = path.replace(_PART, name).replace(_LANGUAGE, language)
            return place(File(self.source, file))

        captions = {language: filled(self.captions, language) for language in sorted(languages)}
        return {"names": filled(self.names), "captions": captions}

    def same_for_all_parts(self) -> list[str]:
        """The keys that name one file for all parts."""
        return [key for key in ("names", "captions") if _PART not in getattr(self, key)]


class Coco(_OfFiles):
    """COCO's JSON of images and annotations, in English."""

    kind: Literal["coco"] = Field(description="JSON of images and annotations")
    file: _OfPart = Field(
        description="the JSON file, with {part} in it; or a zip file with that of every part"
    )
    member: Name = Field(
        default="captions_{part}.json", description="the name of the JSON file in a zip file"
    )

    def part(self, name: str, languages: list[str], place: Place) -> dict[str, Any]:
        file = place(File(self.source, self.file.replace(_PART, name)))
        return {"file": file, "member": self.member.replace(_PART, name)}

    def same_for_all_parts(self) -> list[str]:
        """The keys that name one file for all parts."""
        # A zip file has that of each part; which file is one shows when it is read.
        named = self.file if self.file.endswith((".json", ".json.gz")) else self.file + self.member
        return [] if _PART in named else ["file"]


class ImageColumns(Model):
    """Which column holds what; a dotted name reaches into structs."""

    image: Name = Field(description="column of the image")
    id: Name | None = Field(
        default=None,
        description="column of the images' ids, text or whole numbers; else a hash of the file",
    )
    captions: Annotated[dict[Language, Name], Field(min_length=1)] | None = Field(
        default=None,
        description="by language, the column of the caption, or of a list of captions",
    )
    caption: Name | None = Field(
        default=None,
        description="column of the caption, or of a list of captions, whose language `language` "
        "says; without that column they are in English",
    )
    language: Name | None = Field(
        default=None, description="column of the language of `caption`, a code as in `languages`"
    )

    @model_validator(mode="after")
    def _captions_are_named_once(self) -> Self:
        if (self.captions is None) == (self.caption is None):
            raise PydanticCustomError(
                "no_captions", "give either `captions`, by language, or `caption`"
            )
        if self.captions is not None and self.language is not None:
            raise PydanticCustomError(
                "two_languages", "`language` says that of `caption`; `captions` need none"
            )
        return self


class ImageDataSet(DataSetName):
    """A data set of the hub, or a folder or file of yours, by the library `datasets`."""

    kind: Literal["datasets"] = Field(description="rows by the library `datasets`")
    columns: ImageColumns = Field(description="which column holds what")

    def part(self, name: str, languages: list[str], place: Place) -> dict[str, Any]:
        if self.revision is None:
            place(File(None, self.path))
        values = {key: getattr(self, key) for key in ("path", "name", "revision")}
        columns = self.columns.plain()
        if "captions" in columns:
            columns["captions"] = dict(sorted(columns["captions"].items()))
        return {**values, "split": name, "columns": columns}

    def same_for_all_parts(self) -> list[str]:
        """The keys that name one file for all parts: none, since parts are splits."""
        return []


class ImageNames(_OfFiles):
    """A file of image names."""

    names: LocalPath = Field(description="the file, a name in each line")


class Config(Benchmark):
    """Captions of images in published files, or of a data set, to train on and to test."""

    kind: Literal["captions"] = Field(description="files of a published form, or a data set")
    captions: Annotated[Lines | Coco | ImageDataSet, Field(discriminator="kind")] = Field(
        description="where the captions come from"
    )
    parts: Parts = Field(description="the published parts")
    images: Annotated[list[LocalPath], Field(min_length=1), *Unique] | None = Field(
        default=None,
        description="folders of yours with the image files; none for a data set, which has them",
    )
    without: ImageNames | None = Field(
        default=None, description="images that are left out, such as those of another benchmark"
    )
    splits: Positive = Field(
        default=1, description="number of splits; their test sets are disjoint"
    )
    validation: Positive | None = Field(
        default=None, description="images to validate on, drawn; all of a published part if absent"
    )
    test: Positive | None = Field(
        default=None, description="images of a test set, drawn; all of a published part if absent"
    )
    seed: Annotated[int, Field(ge=0)] = Field(default=0, description="of what is drawn")
    shards: Annotated[int, Field(ge=1, le=999)] = Field(
        default=1, description="parts of the English captions that are translated side by side"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        of = self.captions
        names = list(self.parts.plain().values())
        if twice := [name for name in names if names.count(name) > 1]:
            raise PydanticCustomError(
                "one_part",
                "parts: {name} stands twice, and an image is in one part; leave one out, and say "
                "how many images are drawn",
                {"name": repr(twice[0])},
            )
        for key in () if len(names) == 1 else of.same_for_all_parts():
            raise PydanticCustomError(
                "same_file",
                "captions.{key}: has no {part} in it, and would be the same for all parts",
                {"key": key, "part": _PART},
            )
        if (self.images is None) != isinstance(of, ImageDataSet):
            problem = "name the folders of the image files; only a data set has its own images"
            raise PydanticCustomError("no_images", "images: " + problem)
        for key in ("validation", "test"):
            if getattr(self.parts, key) is None and getattr(self, key) is None:
                raise PydanticCustomError(
                    "no_size",
                    "{key}: say how many images are drawn, or name a published part in `parts`",
                    {"key": key},
                )
        if self.splits > 1 and self.test is None:
            raise PydanticCustomError(
                "one_test", "test: {splits} splits need a number of images each",
                {"splits": self.splits},
            )  # fmt: skip
        own = [SOURCE_LANGUAGE]
        if isinstance(of, Lines) or (isinstance(of, ImageDataSet) and of.columns.language):
            own = self.languages
        elif isinstance(of, ImageDataSet) and of.columns.captions is not None:
            own = list(of.columns.captions)
        if set(own) != set(self.languages):
            raise PydanticCustomError(
                "languages",
                "languages: the captions are in {own}; those of image_text.languages beyond that "
                "are translated",
                {"own": ", ".join(own)},
            )
        return self

    @property
    def modality(self) -> str:
        return "image"

    @property
    def training_splits(self) -> int:
        return self.splits

    @property
    def translated(self) -> bool:
        return True

    def published(self, place: Place) -> dict[str, dict[str, Any]]:
        """By published part (train, validation, test), what `data.caption_corpora` reads.

        place: gives the path of a file, and is called for all of them. Languages are sorted, since
        the captions are written in their order.
        """
        return {
            part: self.captions.part(name, self.languages, place)
            for part, name in self.parts.plain().items()
        }

    @property
    def left_out(self) -> File | None:
        """The file of names of images that are left out."""
        return None if self.without is None else File(self.without.source, self.without.names)

    @property
    def other_files(self) -> list[File]:
        found: list[File] = []

        def place(file: File) -> str:
            found.append(file)
            return file.name

        self.published(place)
        found += [File(None, folder) for folder in self.images or ()]
        found += [self.left_out] if self.left_out else []
        return list(dict.fromkeys(found))

    @property
    def drawing(self) -> dict[str, int | None]:
        """The values of `data.caption_splits.draw` but the images."""
        return {key: getattr(self, key) for key in ("splits", "test", "validation", "seed")}

    def files(self, language: str) -> dict[str, File]:
        return self.files_of_split(language, 0)

    def files_of_split(self, language: str, split: int) -> dict[str, File]:
        return {
            "captions": File(MADE, f"captions/{OWN_NAME}/split{split}/captions.parquet"),
            "images": File(MADE, f"captions/{OWN_NAME}/images.parquet"),
        }
