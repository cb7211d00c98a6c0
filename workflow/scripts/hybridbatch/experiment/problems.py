"""What is wrong with a configuration, a line each: the key's whole path, what was given, what is
allowed, and the nearest name.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from hybridbatch.experiment.configuration import OF_KINDS, Experiment

# What is allowed, by pydantic's type of error; {name}: of the error's context.
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
}
_KEY = "[key]"  # of pydantic's places, for a mapping's key


def problems(error: ValidationError, values: Mapping[str, Any]) -> list[str]:
    """A line for each of pydantic's complaints about `values`."""
    return [_line(found, values) for found in error.errors(include_url=False)]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a complaint about `name`: the known name that is like it, or else all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def _line(error: ErrorDetails, values: Mapping[str, Any]) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    place = list(error["loc"])
    if len(place) > 3 and place[0] == "catalogue" and place[1] in OF_KINDS:
        del place[3]  # the entry's kind, which is no key
    of_key = bool(place) and place[-1] == _KEY
    if of_key:
        place.pop()
    path = ".".join(map(str, place))
    parent, field = _field(place, values)
    described = f" ({field.description})" if field is not None and field.description else ""
    if kind == "extra_forbidden":
        return f"{path}: no such key{did_you_mean(place[-1], _keys(parent))}{_moved(path)}"
    if kind == "missing":
        return f"{path}: is missing{described}"
    if kind == "union_tag_not_found":
        return f"{path}.kind: is missing; known: {context_names(context)}"
    if kind in ("union_tag_invalid", "literal_error"):
        if kind == "union_tag_invalid":
            path, given = f"{path}.kind", context["tag"]
            known = [name.strip("'") for name in context["expected_tags"].split(", ")]
        else:
            known = _literals(field)
        return f"{path}: {given!r} is not one of {', '.join(known)}{_nearest(given, known)}"
    if of_key:
        return f"{path}: {place[-1]!r} is no name for a key: {_allowed(kind, context, error)}"
    return f"{path}: {_shown(given)} {_allowed(kind, context, error)}{described}"


def _allowed(kind: str, context: Mapping[str, Any], error: ErrorDetails) -> str:
    return _ALLOWED[kind].format(**context) if kind in _ALLOWED else f"is wrong: {error['msg']}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def context_names(context: Mapping[str, Any]) -> str:
    """The kinds that an entry may have."""
    return context.get("expected_tags", "see docs/extending.md").replace("'", "")


def _nearest(name: Any, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _moved(path: str) -> str:
    return {
        "alpha": "; it is a sampling's: catalogue.samplings.hybrid.alpha",
    }.get(path, "")


def _field(place: Sequence, values: Any) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The model that a place lies in, and the field that it is, or lies in."""
    model: type[BaseModel] | None = Experiment
    field: FieldInfo | None = None
    annotation: Any = None
    for step in place:
        values = _item(values, step)
        if model is not None:
            parent = model
            field = model.model_fields.get(step)
            if field is None:
                return parent, None
            annotation = field.annotation
        else:
            annotation = _inside(annotation)
        model = _model(annotation, values)
        last = parent
    return (last if place else Experiment), field


def _item(values: Any, step: Any) -> Any:
    try:
        return values[step]
    except (KeyError, IndexError, TypeError):
        return None


def _inside(annotation: Any) -> Any:
    """What the items of a list or the values of a mapping are."""
    annotation = _bare(annotation)
    arguments = get_args(annotation)
    return arguments[-1] if get_origin(annotation) in (list, dict) else None


def _bare(annotation: Any) -> Any:
    """Without Annotated and `| None`."""
    while True:
        if hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
            continue
        options = [a for a in get_args(annotation) if a is not type(None)]
        if type(None) in get_args(annotation) and len(options) == 1:
            annotation = options[0]
            continue
        return annotation


def _model(annotation: Any, value: Any) -> type[BaseModel] | None:
    """The model of an annotation; of several kinds the one that `value` names."""
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    named = value.get("kind") if isinstance(value, Mapping) else None
    for option in get_args(annotation):
        of_kinds = isinstance(option, type) and issubclass(option, BaseModel)
        if of_kinds and named in get_args(option.model_fields["kind"].annotation):
            return option
    return None


def _keys(model: type[BaseModel] | None) -> Iterable[str]:
    return model.model_fields if model is not None else ()


def _literals(field: FieldInfo | None) -> list[str]:
    annotation = _bare(field.annotation) if field is not None else None
    if get_origin(annotation) in (list, dict):
        annotation = _bare(get_args(annotation)[-1])
    return (
        [str(value) for value in get_args(annotation)] if get_origin(annotation) is Literal else []
    )
