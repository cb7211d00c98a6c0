"""Configuration models of kinds, found by scanning a folder.

Each module of `experiment/<folder>` whose name does not begin with `_` defines the kind of that
name. Its class `Config` has `kind: Literal["<name>"]` and the keys of a catalogue entry. The code
of the kind is the module of the same name in the package that ROOMS gives for the folder.
"""

from functools import reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, create_model

from hybridbatch.experiment.base import Model

_PACKAGE = Path(__file__).parents[1]
# The package with the code of the kinds, by folder of `experiment`.
ROOMS = {
    "encoders": "encoders",
    "benchmarks": "benchmarks",
    "readers": "data/readers",
    "engines": "translation/engines",
}


def models(folder: str, common: type[Model] | None = None) -> dict[str, type[Model]]:
    """The configuration models of a folder's kinds, by name.

    common: the model of kinds that have code but no configuration model of their own.
    """
    found: dict[str, type[Model]] = {}
    for name in _modules(f"experiment/{folder}"):
        model = import_module(f"hybridbatch.experiment.{folder}.{name}").Config
        if get_args(model.model_fields["kind"].annotation) != (name,):
            raise TypeError(f"experiment/{folder}/{name}.py: Config.kind must be Literal[{name!r}]")
        found[name] = model
    if common is not None:
        for name in _modules(ROOMS[folder]):
            if name not in found:
                kind = (Literal[name], Field(description=_description(common)))
                found[name] = create_model(
                    f"{name}_{common.__name__}", __base__=common, __doc__=common.__doc__, kind=kind
                )
    return dict(sorted(found.items()))


def one_of(found: dict[str, type[Model]]) -> Any:
    """The union type of these models, discriminated by `kind`."""
    return Annotated[reduce(or_, found.values()), Field(discriminator="kind")]


def _modules(folder: str) -> list[str]:
    return sorted(path.stem for path in (_PACKAGE / folder).glob("[!_]*.py"))


def _description(model: type[Model]) -> str | None:
    return model.model_fields["kind"].description
