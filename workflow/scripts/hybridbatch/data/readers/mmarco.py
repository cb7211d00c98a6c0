"""mMARCO (Bonifacio et al. 2021): unicamp-dl/mmarco, MS MARCO machine-translated by its authors.

One file of triples serves all languages: ids of (query, positive passage, negative passage). The
ids are the same in every language's queries and collection. Tab-separated, without a header.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import fields
from hybridbatch.data.texts import clean
from hybridbatch.runtime.errors import ConfigError, DataError


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """A pair for every triple; `paths` are the triples, the queries and the collection.

    The collection is held in memory, 5 GB in English; the triples are streamed.
    """
    if len(paths) != 3:
        raise ConfigError(
            "the reader mmarco wants three files: triples, queries, collection; the "
            f"configuration gives {len(paths)}."
        )
    triples, *text_files = paths
    queries, passages = map(_texts, text_files)
    for number, ids in fields(triples, 3):
        query, positive, negative = (id_.strip() for id_ in ids)
        try:
            texts = queries[query], passages[positive], passages[negative]
        except KeyError as error:
            file = text_files[0] if query not in queries else text_files[1]
            raise DataError(
                f"{triples}: line {number}: the id {error.args[0]} is not in {file}."
            ) from error
        question, passage, not_passage = texts
        yield Pair(
            str(number),
            question,
            passage,
            positive,
            question_id=query,
            negative=not_passage,
            passage_id=positive,
            negative_id=negative,
            where=f"{triples}: line {number}",
        )


def read_parallel(paths: Sequence[str | Path], text_ids: Sequence[str]) -> list[str]:
    """The texts `q:<query>` and `p:<passage>` in another language, from its queries and collection.

    Raises DataError that names the first missing id, and the file.
    """
    if len(paths) != 2:
        raise ConfigError(
            "the reader mmarco wants two files of a parallel language: queries, collection; the "
            f"configuration gives {len(paths)}."
        )
    row_of = {id_: row for row, id_ in enumerate(text_ids)}
    found: list[str | None] = [None] * len(text_ids)
    file_of = dict(zip("qp", paths, strict=True))
    for kind, path in file_of.items():
        for number, (id_, text) in fields(path, 2):
            row = row_of.get(f"{kind}:{id_.strip()}")
            if row is None:
                continue
            if found[row] is not None:
                raise DataError(f"{path}: line {number}: the id {id_} stands twice.")
            found[row] = clean(text)
    for text_id, text in zip(text_ids, found, strict=True):
        if text is None:
            kind, id_ = text_id.split(":", 1)
            raise DataError(
                f"{file_of[kind]}: the id {id_} is not there; the languages of the corpus do not "
                "line up. Give files of one commit."
            )
    return found


def _texts(path: str | Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for number, (id_, text) in fields(path, 2):
        id_ = id_.strip()
        if id_ in texts:
            raise DataError(f"{path}: line {number}: the id {id_} stands twice.")
        texts[id_] = clean(text)
    return texts
