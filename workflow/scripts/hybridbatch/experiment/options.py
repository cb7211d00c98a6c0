"""The configuration's keys on Snakemake's command line: `--config KEY=VALUE ...`.

A value is YAML or JSON. A scalar without quotes is text where the key takes text, and otherwise
read by the core schema of YAML 1.2, so that `1e-5` is a number and `no` a language.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

import yaml

from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.problems import bare, inside, model_of
from hybridbatch.runtime.errors import ConfigError

_NULL = re.compile(r"null|Null|NULL|~|")
# The core schema of YAML 1.2, without null.
_CORE = (
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,400}"), int),  # of more digits, Python makes no number
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda text: float("nan")),
)
_FILES, _KEYS = ("--configfile", "--configfiles"), ("--config", "-C")


class Unquoted(str):
    """A scalar without quotes, whose type is that of its key."""


def refuse_repeated(arguments: Iterable[str]) -> None:
    """Raise `ConfigError` if Snakemake's arguments have `--config` or `--configfile` twice.

    Snakemake then takes the last one and drops the others without a word.
    """
    given = []
    for argument in arguments:
        if argument == "--":
            break
        given.append(argument.partition("=")[0])
    for names, several in ((_FILES, "FILE FILE"), (_KEYS, "KEY=VALUE KEY=VALUE")):
        if sum(given.count(name) for name in names) > 1:
            raise ConfigError(
                f"{names[0]} is given twice, and Snakemake drops all but the last. Give it once: "
                f"{names[0]} {several}"
            )


def read_options(entries: Iterable[str]) -> dict[str, Any]:
    """The values of `KEY=VALUE` entries; scalars without quotes are `Unquoted`.

    Raises `ConfigError` for an entry that cannot be read, and for a key that stands twice.
    """
    found: dict[str, Any] = {}
    for entry in entries:
        key, equals, text = entry.partition("=")
        if not equals:
            raise ConfigError(f"--config {entry}: is not of the form KEY=VALUE")
        if key in found:
            raise ConfigError(f"--config {key}: stands twice; give it once")
        found[key] = _value(key, text)
    return found


def typed(value: Any, annotation: Any = Experiment) -> Any:
    """`value` with every `Unquoted` scalar in it as its key's type wants it."""
    if isinstance(value, Mapping):
        model = model_of(annotation, value)
        if model is None:
            within = inside(annotation)
            return {key: typed(item, within) for key, item in value.items()}
        fields = model.model_fields
        return {
            key: typed(item, fields[key].annotation if key in fields else None)
            for key, item in value.items()
        }
    if isinstance(value, list):
        within = inside(annotation)
        return [typed(item, within) for item in value]
    if not isinstance(value, Unquoted):
        return value
    if not _takes_text(annotation):
        for pattern, read_as in _CORE:
            if pattern.fullmatch(value):
                return read_as(value)
    return str(value)


def _value(key: str, text: str) -> Any:
    field = Experiment.model_fields.get(key)
    if field is not None and _takes_text(field.annotation) and text[:1] not in ("'", '"'):
        # As it stands: ` #` begins no comment and `: ` no mapping.
        return None if _NULL.fullmatch(text) else text
    try:
        return yaml.load(text, Loader=_OptionLoader)
    except (RecursionError, yaml.YAMLError) as error:
        problem = getattr(error, "problem", None) or error
        raise ConfigError(f"--config {key}: {text!r} is no YAML: {problem}") from None


def _takes_text(annotation: Any) -> bool:
    kind = bare(annotation)
    if get_origin(kind) is Literal:
        return all(isinstance(value, str) for value in get_args(kind))
    return kind is str


class _OptionLoader(yaml.SafeLoader):
    """A loader that leaves scalars untyped and refuses a key that stands twice."""

    yaml_implicit_resolvers: dict = {}  # noqa: RUF012

    def scalar(self, node: yaml.ScalarNode) -> str | None:
        if node.style:
            return node.value
        return None if _NULL.fullmatch(node.value) else Unquoted(node.value)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key is no text")
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value!r} stands twice")
            seen.add(key.value)
        found = super().construct_mapping(node, deep=deep)
        return {str(key): value for key, value in found.items()}


_OptionLoader.add_constructor("tag:yaml.org,2002:str", _OptionLoader.scalar)
