"""What every part of the configuration is: a strict, frozen pydantic model, each key described.

Only the standard library, pydantic and PyYAML are imported in this room: every Snakemake process
loads it.
"""

from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """No key more, no coercion (64.0 is no integer, "0.5" no number), no NaN, nothing changes."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,  # most are only built as parts of the whole
        protected_namespaces=(),  # `model` is a key
    )

    def plain(self, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """The keys that have a value, in plain types: what a job gets as a parameter.

        without: keys to leave out.
        """
        return self.model_dump(mode="json", exclude_none=True, exclude=set(without))


class File(NamedTuple):
    """An input file: the source that it is fetched from, or None for a file of one's own."""

    source: str | None
    name: str


def _different(values: list) -> list:
    twice = [value for i, value in enumerate(values) if value in values[:i]]
    if twice:
        raise PydanticCustomError("not_unique", "{value} stands twice", {"value": repr(twice[0])})
    return values


# For a list without repetitions; the second for one that is not empty either.
Unique = (AfterValidator(_different), Field(json_schema_extra={"uniqueItems": True}))
Name = Annotated[str, Field(min_length=1)]
# A name that stands in paths.
Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._-]*$")]
Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}$",
        description='an ISO 639 code in lower case; Norwegian is "no", in quotes',
    ),
]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
# A file's name with the language in it.
ByLanguage = Annotated[str, Field(pattern=r"\{language\}")]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
