"""Which data set the library `datasets` reads: keys that corpora of texts and of images share."""

from typing import Self

from pydantic import Field, model_validator

from hybridbatch.experiment.base import Commit, Model, Name
from hybridbatch.experiment.places import hub_or_local


class DataSetName(Model):
    """A data set of the hub at a commit, or a folder or file of the user's."""

    path: Name = Field(
        description="name on the hub, such as org/name; or a folder or file of yours"
    )
    name: Name | None = Field(
        default=None, description="configuration (subset) of the data set, if it has several"
    )
    revision: Commit | None = Field(
        default=None,
        description="full commit on the hub, 40 hexadecimal digits; none for files of yours",
    )

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        object.__setattr__(self, "path", hub_or_local(self.path, self.revision))
        return self
