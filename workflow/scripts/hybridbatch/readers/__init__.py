"""Readers of corpora, a module each, with `read(paths, language, counts)` yielding pairs.

paths: the corpus' files in the configuration's order; counts: a Counter into which a reader counts,
by reason, what cannot give a pair. Loaded by the name in the configuration, so that a new reader
changes no result of another.
"""

from collections import Counter
from collections.abc import Iterator
from importlib import import_module

from hybridbatch.corpora import Pair
from hybridbatch.errors import ConfigError


def read(name: str, paths: list[str], language: str, counts: Counter) -> Iterator[Pair]:
    """The pairs of a corpus by the reader `name`."""
    try:
        module = import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise ConfigError(f"the corpus reader {name!r} is not there yet.") from error
    return module.read(paths, language, counts)
