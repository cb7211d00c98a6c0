"""The base of all configuration models: strict, frozen pydantic models with described keys.

This package imports only the standard library, pydantic and PyYAML, since every Snakemake process
loads it.
"""

from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """A frozen model without extra keys, coercion (64.0 is no integer, "0.5" no number) or NaN."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,  # most models are only used inside `Experiment`, which builds them
        protected_namespaces=(),  # keys may begin with `model`
    )

    def plain(self, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """The keys that have a value, as plain Python types: the form of a job's parameter.

        without: keys to leave out.
        """
        return self.model_dump(mode="json", exclude_none=True, exclude=set(without))


MADE = "<results>"  # in place of a source: the workflow makes the file, below its results
OWN_NAME = "{benchmark}"  # in the name of such a file: the name of the benchmark's entry


class File(NamedTuple):
    """An input file: its source if it is downloaded, or None for a local file of the user.

    MADE stands for a file that another rule makes.
    """

    source: str | None
    name: str

    @property
    def fetched(self) -> bool:
        """Whether it is downloaded."""
        return self.source not in (None, MADE)


def _different(values: list) -> list:
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise PydanticCustomError("not_unique", "{value} stands twice", {"value": repr(twice[0])})
    return values


# Annotations of lists without repeated values; the second one also forbids an empty list.
Unique = (AfterValidator(_different), Field(json_schema_extra={"uniqueItems": True}))
Name = Annotated[str, Field(min_length=1)]
# Text on one line.
Title = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$")]
# A name that becomes part of paths. Between its words stand single signs, so that it is a plain
# word in Markdown and LaTeX, too.
Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*([._-][A-Za-z0-9]+)*$")]
Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}$",
        description='an ISO 639 code in lower case; Norwegian is "no", in quotes',
    ),
]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
