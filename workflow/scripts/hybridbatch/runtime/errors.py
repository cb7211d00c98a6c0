"""Errors that a user can fix. Each message names the file, key or row, and what to do."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any


class HybridBatchError(Exception):
    """Base class of the errors that are reported without a traceback."""


class ConfigError(HybridBatchError):
    """The configuration is wrong; the message names the key."""


class DataError(HybridBatchError):
    """An input file is wrong; the message names the file and the row or id."""


class DamagedError(DataError):
    """A published file differs from what its job wrote; the message names the command to run."""


class SourceError(HybridBatchError):
    """A pinned file cannot be fetched, or its hash is not the pinned one."""


class TranslationError(HybridBatchError):
    """A translation engine or one of its modes is missing or unusable."""


class TrainingError(HybridBatchError):
    """Training cannot continue; the message names the step."""


@contextmanager
def about(key: str) -> Iterator[None]:
    """Put a key of the configuration before the message of an error that the block raises."""
    try:
        yield
    except HybridBatchError as error:
        raise type(error)(f"{key}: {error}") from error


def nearest(name: Any, known: Iterable[Any]) -> str:
    """The end of a message about `name`: the most similar known name, if one is similar."""
    close = difflib.get_close_matches(str(name), list(map(str, known)), n=1)
    return f"; did you mean {close[0]}?" if close else ""
