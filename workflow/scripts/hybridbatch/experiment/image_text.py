"""Training and testing of text towers beside an image tower, on captions of images."""

from typing import Annotated

from pydantic import Field

from hybridbatch.experiment.base import Language, Model, Name, Positive, Unique
from hybridbatch.experiment.training import Training

_Names = Annotated[list[Name], Field(min_length=1), *Unique]


class ImageText(Model):
    """Image-text retrieval: which towers, which captions, how they are trained and tested."""

    encoder: Name = Field(description="name of an encoder of kind text_image")
    text_towers: Annotated[list[Name], *Unique] = Field(
        description="names of the samplings whose systems are the text towers, a seed each; those "
        "that `samplings` lists are used. Empty where the encoder names a text tower of its own"
    )
    captions: _Names = Field(
        description="names of the samplings of the captions' languages: en-en trains on English "
        "ones alone, x-x-mono on batches of one language, x-y on mixed ones, hybrid on both"
    )
    corpus: Name = Field(description="name of the benchmark whose training images are trained on")
    languages: Annotated[list[Language], Field(min_length=1), *Unique] = Field(
        description="languages of the captions that are trained on, English among them"
    )
    benchmarks: _Names = Field(
        description="names of the benchmarks of captions and images to evaluate on"
    )
    splits: Positive = Field(
        description="splits of the corpus, the first ones; each is trained on and tested by itself"
    )
    seeds: Positive = Field(
        description="how many of the configuration's seeds, the first ones: of both towers"
    )
    control: bool = Field(
        description="whether one more system is trained on captions of the wrong images"
    )
    not_run: Annotated[list[Name], *Unique] = Field(
        default=[],
        description="names of encoders of kind text_image that are not run, such as those whose "
        "weights are not at hand; the table names them",
    )
    margin: Annotated[float, Field(gt=0)] = Field(
        default=0.02, description="difference of shares that counts as equal in the claims"
    )
    training: Training = Field(description="how towers are trained; `batch_size` counts captions")
