"""The configuration: files laid over each other, and validated strictly.

The schema (workflow/schemas/config.schema.yaml) says which keys there are; `checks` has what a
schema cannot say. `lookups` and `variants` answer what the rules ask. Nothing in these modules
imports more than the standard library, yaml and jsonschema, since every Snakemake process runs
them.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonschema
import yaml

from hybridbatch.experiment.checks import did_you_mean, wrong_names
from hybridbatch.runtime.errors import ConfigError

_SCHEMA = Path(__file__).parents[3] / "schemas" / "config.schema.yaml"
_CATALOGUE = Path(__file__).parents[4] / "config" / "catalogue.yaml"
_Draft = jsonschema.Draft202012Validator
# JSON Schema takes 64.0 for an integer; what counts things does not.
_Validator = jsonschema.validators.extend(
    _Draft, type_checker=_Draft.TYPE_CHECKER.redefine("integer", lambda _, v: type(v) is int)
)


def load_schema() -> dict:
    """The JSON schema of a configuration."""
    return yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))


def load(files: Iterable[str | Path]) -> dict:
    """The configuration that `snakemake --configfile FILES` has, the catalogue before them.

    Later files win: mappings are merged, lists replaced. Validated.
    """
    config: dict = {}
    for file in (_CATALOGUE, *files):
        if not Path(file).is_file():
            raise ConfigError(f"{file}: there is no such configuration.")
        try:
            values = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{file}: is not a mapping of keys to values")
        _merge(config, values)
    validate(config)
    return config


def validate(config: dict) -> None:
    """Raise `ConfigError` naming every wrong key, or return.

    Values are not coerced: `--config alpha=0.5x` is an error, and so is YAML's `no` for
    Norwegian, which arrives as False.
    """
    validator = _Validator(load_schema())
    # Snakemake hands over OrderedDicts and its own types; JSON is what the schema speaks of.
    text = json.dumps(config, default=str)  # YAML's dates are text
    plain = json.loads(text, parse_constant=str)  # NaN and Infinity are no numbers
    problems = [p for e in validator.iter_errors(plain) for p in _describe(e)]
    problems = problems or list(wrong_names(plain))
    if problems:
        raise ConfigError("the configuration is wrong:\n  " + "\n  ".join(sorted(set(problems))))


def read_command_line_seeds(config: dict) -> None:
    """Make `--config seeds='[0, 1]'` integers: Snakemake reads such a list as strings."""
    seeds = config.get("seeds")
    if isinstance(seeds, list):
        config["seeds"] = [int(s) if isinstance(s, str) and s.isdecimal() else s for s in seeds]


def _merge(config: dict, values: dict) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            _merge(config[key], value)
        else:
            config[key] = value


def _describe(error: jsonschema.ValidationError) -> Iterator[str]:
    where = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(known)):
            full = f"{where}.{key}" if where else key
            yield f"{full}: no such key{did_you_mean(key, known)}"
    elif error.validator == "required":
        yield f"{where or 'the top level'}: {error.message}"
    else:
        description = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
        hint = ""
        if error.validator == "type" and re.fullmatch(r"\d+e-?\d+", str(error.instance)):
            hint = "; YAML reads a number like 1e-5 as text, write 1.0e-5"
        yield f"{where}: {error.message}{hint}" + (f" ({description})" if description else "")
