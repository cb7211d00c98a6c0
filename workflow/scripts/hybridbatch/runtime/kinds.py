"""Modules chosen by a name in the configuration: readers, engines, encoders, benchmarks.

A kind is loaded by its name, so adding one means adding a file, and other results are unaffected.
No import statement names a kind, so the fingerprint of a script does not include it. A rule whose
job loads a kind therefore lists it in its `code` parameter (`code` in workflow/rules/common.smk). A
job that loads an unlisted kind fails; otherwise an edit to that kind would leave stale results.
"""

import sys
from importlib import import_module
from types import ModuleType

from hybridbatch.runtime.errors import ConfigError, HybridBatchError


def load(room: str, name: str) -> ModuleType:
    """Import the module of a kind.

    room: the package of such kinds, such as `data.readers`; name: the kind. Raises `ConfigError`
    if there is no such module, and `HybridBatchError` in a job whose rule does not list the kind.
    An ImportError from inside the module passes unchanged.
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
    """Check the kind against `params.code`, which Snakemake puts into a job's `__main__`."""
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if job is None:
        return
    listed = [entry.split(":")[0] for entry in getattr(job.params, "code", ())]
    if kind not in listed:
        raise HybridBatchError(
            f"rule {job.rule}: its job loads {kind}.py, which its parameter `code` does not list "
            f"({', '.join(listed)}); write code=code(SCRIPT, {kind!r})."
        )
