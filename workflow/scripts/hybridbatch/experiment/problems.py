"""Error messages for a configuration, one line each.

Each line has the key's full path, the value given, what is allowed, and the nearest valid name.
"""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hybridbatch.experiment.configuration import Experiment
from hybridbatch.runtime.errors import nearest

# What is allowed, by pydantic's error type; {name} is filled in from the error's context.
_ALLOWED = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "too_short": "must not be empty",
    "place": "{problem}",
}
# Keys of older versions, and where they are now.
_MOVED = {"alpha": "; it is a sampling's: catalogue.samplings.hybrid.alpha"}
_MISSING = ("missing", "union_tag_not_found")
_WHOLE = "config/config.yaml"  # a whole configuration
_KEY = "[key]"  # in pydantic's locations: the error is in a mapping's key, not its value


def problems(
    error: ValidationError, values: Mapping[str, Any], files: Sequence[str | Path] = ()
) -> list[str]:
    """One line for each of pydantic's errors about `values`.

    files: those that they come from. If these seem to be made to lie over others, one line says so
    in place of all that is missing.
    """
    found, hint = error.errors(include_url=False), _laid_over(error, files)
    if hint is not None:
        # Those deeper down, too: such a file gives an entry those keys alone that it changes.
        found = [one for one in found if one["type"] not in _MISSING]
    return [*filter(None, [hint]), *(_line(one, values) for one in found)]


def _laid_over(error: ValidationError, files: Sequence[str | Path]) -> str | None:
    """The message about files that seem to be made to lie over others: most keys are missing.

    files: those of the configuration. None if they seem to be a whole one.
    """
    required = [name for name, field in Experiment.model_fields.items() if field.is_required()]
    found = (one for one in error.errors(include_url=False) if one["type"] in _MISSING)
    missing = [one["loc"][0] for one in found if len(one["loc"]) == 1]
    names = [shlex.quote(_short(file)) for file in files]
    if 2 * len(missing) <= len(required) or not names or _WHOLE in names:
        return None
    typed = " ".join([_WHOLE, *names])
    return (
        f"{len(missing)} of the {len(required)} sections are missing, such as {missing[0]}: "
        f"{' '.join(names)} seems to be laid over a whole configuration, such as {_WHOLE}. "
        f'Type CONFIG="{typed}" for make, or --configfile {typed} for snakemake.'
    )


def _short(file: str | Path) -> str:
    """The path from the working folder, if the file is below it; Snakemake makes paths absolute."""
    path = os.path.relpath(file)
    return str(file) if path.startswith("..") else path


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about `name`: the most similar known name, or else all known names."""
    known = sorted(known)
    return nearest(name, known) or f"; known: {', '.join(known) or 'none'}"


def not_in_catalogue(
    section: str, known: Iterable[str], key: str, names: Iterable[str]
) -> Iterator[str]:
    """The messages about those of `names` that a section of the catalogue does not have.

    known: the names that it has. key: where `names` stand.
    """
    for name in names:
        if name not in known:
            yield f"{key}: {name!r} is not in catalogue.{section}{did_you_mean(name, known)}"


def path_of_value(entry: Mapping[str, Any], value: str, ends: str = "") -> str:
    """The path of the key in an entry that has `value` as its text, with a dot before it.

    ends: of the key's name. Empty if there is no such key.
    """
    for key, item in entry.items():
        if isinstance(item, Mapping) and (found := path_of_value(item, value, ends)):
            return f".{key}{found}"
        if item == value and key.endswith(ends):
            return f".{key}"
    return ""


def _line(error: ErrorDetails, values: Mapping[str, Any]) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    place = _without_kinds(error["loc"], values)
    of_key = bool(place) and place[-1] == _KEY
    if of_key:
        place.pop()
    path = ".".join(s if (s := str(step)).isprintable() else repr(s)[1:-1] for step in place)
    model, annotation, description = _place(place, values)
    described = f" ({description})" if description else ""
    if kind == "extra_forbidden":
        known = model.model_fields if model is not None else ()
        return f"{path}: no such key{_MOVED.get(path) or did_you_mean(place[-1], known)}"
    if kind == "missing":
        return f"{path}: is missing{described}"
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        known = _kinds(annotation)
        if kind == "union_tag_not_found":
            hint = nearest(place[-1], _beside(place, values))
            hint = hint.replace("did you mean", "did you mean the entry", 1)
            return f"{path}.kind: is missing; known: {', '.join(known)}{hint}"
        path, given = f"{path}.kind", context["tag"]
        return f"{path}: {given!r} is not one of {', '.join(known)}{nearest(given, known)}"
    if kind == "literal_error":
        known = [str(value) for value in get_args(bare(annotation))]
        return f"{path}: {given!r} is not one of {', '.join(known)}{nearest(given, known)}"
    if kind == "not_unique":
        return f"{path}: {error['msg']}{described}"
    limits = {key: f"{v:g}" if isinstance(v, float) else v for key, v in context.items()}
    allowed = _ALLOWED.get(kind, "is wrong: {message}").format(message=error["msg"], **limits)
    if of_key:
        return f"{path}: a key here {allowed}"
    if kind == "place" and isinstance(given, Mapping):
        return f"{path}: {allowed}"
    return f"{path}: {_shown(given)} {allowed}{described}"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except RecursionError:
        return "what is nested here"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _place(place: Sequence, values: Any) -> tuple[type[BaseModel] | None, Any, str | None]:
    """The model that holds a location, the location's annotation and its description.

    If the last step is not a key of the model, there is no annotation.
    """
    holder: type[BaseModel] | None = None
    annotation: Any = Experiment
    description: str | None = None
    for step in place:
        holder = model_of(annotation, values)
        values = _item(values, step)
        if holder is None:
            annotation = inside(annotation)
            description = _own_description(annotation) or description
            continue
        field = holder.model_fields.get(step)
        if field is None:
            return holder, None, None
        annotation, description = field.annotation, field.description
    return holder, annotation, description


def _beside(place: Sequence, values: Any) -> list[str]:
    """The other keys of the mapping that holds a location."""
    for step in place[:-1]:
        values = _item(values, step)
    return [key for key in values if key != place[-1]] if isinstance(values, Mapping) else []


def _without_kinds(place: Sequence, values: Any) -> list:
    """A location without the kinds of entries, which pydantic adds where there are several."""
    annotation: Any = Experiment
    kept = []
    for step in place:
        if len(_options(annotation)) > 1:
            found = model_of(annotation, values)
            annotation = found
            if found is not None and step == values["kind"]:
                continue
        kept.append(step)
        holder = model_of(annotation, values)
        field = None if holder is None else holder.model_fields.get(step)
        annotation = inside(annotation) if holder is None else field and field.annotation
        values = _item(values, step)
    return kept


def _item(values: Any, step: Any) -> Any:
    try:
        return values[step]
    except (KeyError, IndexError, TypeError):
        return None


def inside(annotation: Any) -> Any:
    """The type of a list's items or of a mapping's values."""
    kind = bare(annotation)
    return get_args(kind)[-1] if get_origin(kind) in (list, dict) else None


def bare(annotation: Any) -> Any:
    """The annotation without `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return bare(annotation.__origin__)
    if get_origin(annotation) in (Union, UnionType):
        options = [option for option in get_args(annotation) if option is not NoneType]
        if len(options) == 1:
            return bare(options[0])
    return annotation


def _own_description(annotation: Any) -> str | None:
    found = getattr(annotation, "__metadata__", ())
    return next((field.description for field in found if isinstance(field, FieldInfo)), None)


def _options(annotation: Any) -> list[type[BaseModel]]:
    kind = bare(annotation)
    if get_origin(kind) not in (Union, UnionType):
        return [kind] if isinstance(kind, type) and issubclass(kind, BaseModel) else []
    return [model for option in get_args(kind) for model in _options(option)]


def _kinds(annotation: Any) -> list[str]:
    """The possible kinds of an entry."""
    of_models = (get_args(m.model_fields["kind"].annotation) for m in _options(annotation))
    return [name for names in of_models for name in names]


def model_of(annotation: Any, value: Any) -> type[BaseModel] | None:
    """The model of an annotation; if it allows several kinds, the one that `value` names."""
    options = _options(annotation)
    if len(options) < 2:
        return options[0] if options else None
    named = value.get("kind") if isinstance(value, Mapping) else None
    return next((m for m in options if named in get_args(m.model_fields["kind"].annotation)), None)
