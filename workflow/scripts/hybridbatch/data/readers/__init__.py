"""Readers of corpora, a module each, with `read(paths, language, counts)` yielding pairs.

paths: the corpus' files in the configuration's order; counts: a Counter into which a reader counts,
by reason, what cannot give a pair. Loaded by the name in the configuration, so that a new reader
changes no result of another.

Where a corpus' publisher gives it in other languages, its module has `read_parallel(paths,
text_ids)`: the texts of those ids (as in translation.source_texts) in the language of the files.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from types import ModuleType

from hybridbatch.data.pairs import Pair
from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import ConfigError


def read(name: str, paths: list[str], language: str, counts: Counter) -> Iterator[Pair]:
    """The pairs of a corpus by the reader `name`."""
    return _reader(name).read(paths, language, counts)


def read_parallel(name: str, paths: list[str], text_ids: Sequence[str]) -> list[str]:
    """The texts `text_ids` of a corpus in another of its languages, by the reader `name`."""
    reader = _reader(name)
    if not hasattr(reader, "read_parallel"):
        raise ConfigError(f"the corpus reader {name!r} knows no `parallel` languages.")
    return reader.read_parallel(paths, text_ids)


def _reader(name: str) -> ModuleType:
    return kinds.load("data.readers", name)
