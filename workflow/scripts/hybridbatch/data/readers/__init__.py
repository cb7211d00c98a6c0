"""Readers of corpora, a module each, with `read(paths, language, counts)` yielding pairs.

paths: the corpus' files in the configuration's order. counts: a Counter in which a reader counts,
by reason, the questions that give no pair. Files are opened by data/records.py alone, which refuses
what would be lost. Texts are normalised by data/texts.py, ids are unique over all files, and a pair
says where it stands. A reader is loaded by its name in the configuration, so adding one changes no
other results.

A corpus that is published in several languages also has `read_parallel(paths, text_ids)`. It
returns the texts with these ids (as in translation.translate.source_texts) in the files' language.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from types import ModuleType

from hybridbatch.data.pairs import Pair
from hybridbatch.runtime import kinds
from hybridbatch.runtime.errors import ConfigError


def read(name: str, paths: list[str], language: str, counts: Counter) -> Iterator[Pair]:
    """Read the pairs of a corpus with the reader `name`."""
    return _reader(name).read(paths, language, counts)


def read_parallel(name: str, paths: list[str], text_ids: Sequence[str]) -> list[str]:
    """Read the texts `text_ids` in another language of a corpus with the reader `name`."""
    reader = _reader(name)
    if not hasattr(reader, "read_parallel"):
        raise ConfigError(f"the corpus reader {name!r} knows no `parallel` languages.")
    return reader.read_parallel(paths, text_ids)


def _reader(name: str) -> ModuleType:
    return kinds.load("data.readers", name)
