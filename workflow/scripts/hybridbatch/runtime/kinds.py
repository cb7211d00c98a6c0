"""Modules that are chosen by a name in the configuration: readers, engines, encoders, benchmarks.

A kind is loaded by its name, so that a new one is a new file and changes no result of another.
Since no import statement names it, a rule whose job loads a kind lists it in its `code` parameter:
see `code` in workflow/rules/common.smk.
"""

from importlib import import_module
from types import ModuleType

from hybridbatch.runtime.errors import ConfigError


def load(room: str, name: str) -> ModuleType:
    """The module of a kind.

    room: where kinds of this sort lie, such as `data.readers`; name: the kind's. Raises
    `ConfigError` where there is no such module; an import that fails inside the module is raised
    as it is.
    """
    path = f"hybridbatch.{room}.{name}"
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        file = path.replace(".", "/")
        raise ConfigError(f"{name!r} is no module of hybridbatch.{room}: add {file}.py.") from error
