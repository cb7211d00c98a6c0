"""A corpus that is a data set of the Hugging Face hub, or a folder or file that reads like one."""

from typing import Annotated, Literal

from pydantic import Field

from hybridbatch.experiment.base import Model, Name, Positive
from hybridbatch.experiment.data_sets import DataSetName
from hybridbatch.experiment.readers import Corpus

_KEYS = ("path", "name", "revision", "split", "columns")


class Answers(Model):
    """Where an answer stands in a passage that is a whole context."""

    start: Name = Field(description="column of the first character of the answer, from 0")
    text: Name | None = Field(
        default=None, description="column of the answer's text, which then has to stand at `start`"
    )


class Columns(Model):
    """Which column holds what; a dotted name such as `answers.text` reaches into structs."""

    question: Name = Field(description="column of the question")
    passage: Name = Field(
        description="column of the passage; with `answers`, of the context that has the answer"
    )
    id: Name | None = Field(
        default=None,
        description="column of unique ids, text or whole numbers; else the row's number",
    )
    paragraph: Name | None = Field(
        default=None,
        description="column that names the paragraph held out as a whole; else the passage",
    )
    answers: Answers | None = Field(
        default=None,
        description="columns of the first answer: the sentence where it starts is the passage",
    )


class Config(DataSetName, Corpus):
    """A data set of the hub, or a folder or file of yours, by the library `datasets`."""

    kind: Literal["datasets"] = Field(description="rows by the library `datasets`")
    split: Annotated[str, Field(pattern=r"^\w+(\.\w+)*$")] = Field(
        description="split to train on, such as train"
    )
    columns: Columns = Field(description="which column holds what")
    max_bytes: Positive = Field(
        default=50_000_000_000, description="of all its texts; a larger data set is not kept"
    )

    @property
    def streamed(self) -> bool:
        return True

    @property
    def url(self) -> str | None:
        if self.revision is None:
            return None
        return f"https://huggingface.co/datasets/{self.path}/tree/{self.revision}"

    def rows(self) -> dict:
        """The values of a data.hub.DataSet, which determine its rows."""
        plain = self.plain()
        return {key: plain.get(key) for key in _KEYS}
