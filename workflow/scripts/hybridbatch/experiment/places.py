"""Texts of the configuration that become paths or URLs, and what is refused in them.

Nothing that is fetched or written leaves its root: names below a URL have no `..`. Files of the
user's own may lie anywhere. A path may have any character but a line break, braces and `<name>`,
which Snakemake reads as wildcards and variables.
"""

import os
import re
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")
_BRACED = re.compile(r"\{[^{}]*\}?|\}")
_VARIABLE = re.compile(r"<[a-z][a-z0-9_]*>")  # as Snakemake's pathvars.py has it
# Encoded dots and slashes would be parts of a path to a server, and not here.
_OF_URL = re.compile(r"[?#\\\s<>\"]|%(2e|2f|5c|0|1|7f)|%(?![0-9a-f]{2})", re.IGNORECASE)
_HUB_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)?")
_LANGUAGE, _NUMBER = "{language}", "{number}"


def _refuse(problem: str) -> PydanticCustomError:
    return PydanticCustomError("place", "{problem}", {"problem": problem})


def path_problem(path: str, *placeholders: str) -> str | None:
    """Why Snakemake could not use a path; None if it can. placeholders: what may be in braces."""
    if _CONTROL.search(path):
        return "has a line break or another control character; rename the file or folder"
    bare = path
    for placeholder in placeholders:
        bare = bare.replace(placeholder, "")
    if left := _BRACED.search(bare):
        return (
            "has braces, which Snakemake reads as wildcards: nothing is filled in for "
            f"{left[0]}; known: {', '.join(placeholders) or 'none'}"
        )
    if _VARIABLE.search(path):
        return "has <name>, which Snakemake reads as a variable; rename the file or folder"
    return None


def local(path: str, *placeholders: str) -> str:
    """A path on this machine: `~/` is the home folder, and superfluous slashes are left out."""
    if problem := path_problem(path, *placeholders):
        raise _refuse(problem)
    path = re.sub(r"/+", "/", os.path.expanduser(path))
    path = re.sub(r"^(\./)+(?=.)", "", path)
    return path.rstrip("/") or "/"


def below(name: str, *placeholders: str) -> str:
    """A relative path below a URL."""
    filled = name
    for placeholder in placeholders:
        filled = filled.replace(placeholder, "x")
    if problem := path_problem(name, *placeholders):
        raise _refuse(problem)
    parts = filled.split("/")
    if not all(parts) or {".", ".."} & set(parts):
        raise _refuse("has an empty part, `.` or `..`, and would leave its folder")
    if found := _OF_URL.search(filled):
        raise _refuse(f"has {found[0]!r}, which a URL's path does not have as it is")
    return name


def _base(url: str) -> str:
    _, _, place = url.partition("://")
    below(place.removesuffix("/"))
    return url


def hub_or_local(name: str, revision: str | None) -> str:
    """A model or data set: a name on the hub if it has a revision, else a path.

    Raises pydantic's error for a revision of what is no name on the hub.
    """
    if revision is None:
        return local(name)
    if _HUB_NAME.fullmatch(name) is None:
        raise _refuse(f"{name!r} has a `revision`, but is no name on the hub such as org/name")
    return name


LocalPath = Annotated[str, Field(min_length=1), AfterValidator(local)]
# A file of one's own, or one below a URL, with the placeholder `{language}`.
LocalByLanguage = Annotated[
    str, Field(pattern=r"\{language\}"), AfterValidator(lambda path: local(path, _LANGUAGE))
]
LocalByLanguageAndNumber = Annotated[
    str,
    Field(pattern=r"\{language\}.*\{number\}|\{number\}.*\{language\}"),
    AfterValidator(lambda path: local(path, _LANGUAGE, _NUMBER)),
]
BelowByLanguage = Annotated[
    str, Field(pattern=r"\{language\}"), AfterValidator(lambda name: below(name, _LANGUAGE))
]
Below = Annotated[str, Field(min_length=1), AfterValidator(below)]
Series = Annotated[
    str, Field(pattern=r"\{number\}"), AfterValidator(lambda name: below(name, _NUMBER))
]
Base = Annotated[
    str,
    # A host has a dot, so that no other folder of the downloads has its name.
    Field(pattern=r"^https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?/(.+/)?$"),
    AfterValidator(_base),
]
