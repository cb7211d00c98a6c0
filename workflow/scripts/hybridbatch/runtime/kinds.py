"""Modules that are chosen by a name in the configuration: readers, engines, encoders, benchmarks.

A kind is loaded by its name, so that a new one is a new file and changes no result of another.
Since no import statement names it, a rule whose job loads a kind lists it in its `code` parameter
(see `code` in workflow/rules/common.smk). A job is refused a kind that its rule does not list:
otherwise an edit to the kind would leave stale results.
"""

import sys
from importlib import import_module
from types import ModuleType

from hybridbatch.runtime.errors import ConfigError, HybridBatchError


def load(room: str, name: str) -> ModuleType:
    """The module of a kind.

    room: where kinds of this sort lie, such as `data.readers`; name: the kind's. Raises
    `ConfigError` where there is no such module; an import that fails inside the module is raised
    as it is. Raises `HybridBatchError` in a job whose rule does not list the kind.
    """
    path = f"hybridbatch.{room}.{name}"
    _check_listed(f"{room.replace('.', '/')}/{name}")
    try:
        return import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        file = path.replace(".", "/")
        raise ConfigError(f"{name!r} is no module of hybridbatch.{room}: add {file}.py.") from error


def _check_listed(kind: str) -> None:
    """In a job, which Snakemake starts with its values in `__main__`, look at `params.code`."""
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if job is None:
        return
    listed = [entry.split(":")[0] for entry in getattr(job.params, "code", ())]
    if kind not in listed:
        raise HybridBatchError(
            f"rule {job.rule}: its job loads {kind}.py, which its parameter `code` does not list "
            f"({', '.join(listed)}); write code=code(SCRIPT, {kind!r})."
        )
