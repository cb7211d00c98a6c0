"""Read configurations from files and the command line, merge them, and validate the result.

Files are parsed as strict YAML: values that YAML 1.1 would read as something else than they look
like (`no`, `1e-5`) are refused with file and line. `options` reads the command line.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from hybridbatch.experiment.checks import wrong_names
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.options import read_options, typed
from hybridbatch.experiment.problems import inside, model_of, problems
from hybridbatch.runtime.errors import ConfigError

CATALOGUE = Path(__file__).parents[4] / "config" / "catalogue.yaml"
COMMAND_LINE = "--config"

_BOOL, _INT, _FLOAT, _NULL = (
    f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "null")
)
_BOOLS = ("true", "false")
_NO_TEXT = (_INT, _FLOAT, _NULL)
_NUMBER_LIKE = re.compile(r"([-+]?)(\d{1,17})(?:\.(\d*))?[eE]([-+]?)(\d{1,3})")
_PLAIN_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_PLAIN_FLOAT = re.compile(r"[-+]?[0-9]*\.[0-9]*([eE][-+][0-9]+)?")


def load(
    files: Iterable[str | Path],
    options: Iterable[str] = (),
    catalogue: str | Path = CATALOGUE,
) -> Experiment:
    """The configuration that `snakemake --configfile FILES --config OPTIONS` has.

    Mappings are merged and lists are replaced; of a mapping of another `kind` only the keys that
    the new kind has, too, are kept. Later files override earlier ones, options override files, and
    everything overrides the catalogue. options: entries `KEY=VALUE`.

    Raises `ConfigError` naming every wrong key.
    """
    files = list(files)
    return validate(read(files, options, catalogue), files)


def read(
    files: Iterable[str | Path],
    options: Iterable[str] = (),
    catalogue: str | Path = CATALOGUE,
) -> dict:
    """The merged values of `load`, not validated."""
    merged: dict = {}
    for file in (catalogue, *files):
        merged = _merge(merged, read_file(file), str(file))
    options = read_options(options)
    merged = _merge(merged, options, COMMAND_LINE)
    return typed(merged) if options else merged


def validate(values: Mapping[str, Any], files: Sequence[str | Path] = ()) -> Experiment:
    """The configuration of merged values; raises `ConfigError` naming every wrong key.

    files: those that the values come from. If they seem to be made to lie over others, one line
    says so in place of all keys that are missing.
    """
    found: list[str] = []
    try:
        experiment = Experiment.model_validate(values)
    except ValidationError as error:
        found = problems(error, values, files)
    else:
        found = list(wrong_names(experiment))
    if found:
        raise ConfigError("the configuration is wrong:\n  " + "\n  ".join(sorted(set(found))))
    return experiment


def read_file(file: str | Path) -> dict:
    """Parse one YAML or JSON file; raises `ConfigError` with file and line."""
    if not Path(file).is_file():
        raise ConfigError(f"{file}: there is no such configuration.")
    try:
        text = Path(file).read_text(encoding="utf-8")
        values = yaml.load(text, Loader=_StrictLoader)
    except _Strict as error:
        raise ConfigError(f"{file}: line {error.line}: {error.problem}") from None
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{file}: is not a mapping of keys to values")
    return values


def _merge(
    below: dict, values: dict, where: str, annotation: Any = Experiment, path: str = ""
) -> dict:
    """`values` laid over `below`, as a new dict; annotation: of the two in the configuration."""
    model, kind = model_of(annotation, {**below, **values}), below.get("kind")
    if model is not None and kind is not None and values.get("kind", kind) != kind:
        below = {key: value for key, value in below.items() if key in model.model_fields}
    merged = dict(below)
    for key, value in values.items():
        name, there = f"{path}{key}", below.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            merged[key] = _merge(there, value, where, _of_key(annotation, model, key), f"{name}.")
        elif value is not None and there is not None and _form(value) != _form(there):
            raise ConfigError(
                f"{where}: {name}: is {_form(value)}, and {_form(there)} in what it is laid over"
            )
        else:
            merged[key] = value
    return merged


def _of_key(annotation: Any, model: type[BaseModel] | None, key: str) -> Any:
    """The annotation of a key of a mapping; None where there is no such key."""
    if model is None:
        return inside(annotation)
    field = model.model_fields.get(key)
    return field.annotation if field else None


def _form(value: Any) -> str:
    return {dict: "a mapping", list: "a list"}.get(type(value), "a single value")


class _Strict(Exception):
    """A refused value, and the YAML node where it stands."""

    def __init__(self, node: yaml.Node, problem: str) -> None:
        super().__init__(problem)
        self.line, self.problem = node.start_mark.line + 1, problem


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """A YAML loader that refuses duplicate keys, `no` for false, and 1e-5, which would be text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag.endswith(":merge"):
                continue
            # A `no` gets the message of `strict_bool`.
            if key.tag in _NO_TEXT or (key.tag == _BOOL and key.value.lower() in _BOOLS):
                raise _Strict(key, f'the key {key.value} is no text: write "{key.value}" in quotes')
            if key.value in seen:
                raise _Strict(key, f"{key.value!r} stands twice, first on line {seen[key.value]}")
            seen[key.value] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)

    def strict_bool(self, node: yaml.ScalarNode) -> bool:
        if node.value.lower() in _BOOLS:
            return node.value.lower() == "true"
        meant = "true" if node.value.lower() in ("yes", "on") else "false"
        raise _Strict(
            node,
            f'YAML reads {node.value} as {meant}: write {meant}, or "{node.value}" in quotes'
            f"{' for the language' if node.value.lower() == 'no' else ''}",
        )

    def strict_int(self, node: yaml.ScalarNode) -> int:
        if not _PLAIN_INT.fullmatch(node.value):
            raise _Strict(
                node,
                f"YAML reads {node.value} as the number {self.construct_yaml_int(node)}: write "
                f'that, or "{node.value}" in quotes',
            )
        return int(node.value)

    def strict_float(self, node: yaml.ScalarNode) -> float:
        if not _PLAIN_FLOAT.fullmatch(node.value):
            raise _Strict(
                node, f'{node.value} is no finite decimal number; text stands in "quotes"'
            )
        return float(node.value)

    def strict_str(self, node: yaml.ScalarNode) -> str:
        found = _NUMBER_LIKE.fullmatch(node.value) if not node.style else None
        if found:
            sign, whole, decimals, exponent_sign, exponent = found.groups()
            number = f"{sign}{whole}.{decimals or 0}e{exponent_sign or '+'}{exponent}"
            raise _Strict(
                node,
                f"YAML reads {node.value} as text: write {number} for the number, or "
                f'"{node.value}" in quotes',
            )
        return self.construct_scalar(node)

    def text(self, node: yaml.ScalarNode) -> str:
        return self.construct_scalar(node)


for _tag, _constructor in (
    (_BOOL, _StrictLoader.strict_bool),
    (_INT, _StrictLoader.strict_int),
    (_FLOAT, _StrictLoader.strict_float),
    ("tag:yaml.org,2002:str", _StrictLoader.strict_str),
    ("tag:yaml.org,2002:timestamp", _StrictLoader.text),  # dates are text
):
    _StrictLoader.add_constructor(_tag, _constructor)
