"""Mr. TyDi (Zhang et al. 2021) as gzipped JSON Lines: castorini/mr-tydi."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.pairs import Pair
from hybridbatch.data.records import json_objects, need
from hybridbatch.data.texts import clean


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The first positive passage of every query, and the first negative (by BM25) if there is one.

    A passage is its title and its text.
    """
    for path in paths:
        for number, record in json_objects(path):
            where = f"{path}: line {number}"
            names = {"query_id": str, "query": str, "positive_passages": list}
            id_, query, positives = need(record, names, where)
            (negatives,) = need(record, {"negative_passages": list}, where)
            if not positives:
                counts["without_positive"] += 1
                continue
            docid, passage = _passage(positives[0], f"{where}, first positive passage")
            negative = None
            if negatives:
                _, negative = _passage(negatives[0], f"{where}, first negative passage")
            # A docid has the form `<article>#<passage>`.
            article = docid.split("#")[0]
            yield Pair(id_, clean(query), passage, article, negative=negative, where=where)


def _passage(record: object, where: str) -> tuple[str, str]:
    names = {"docid": str, "title": str, "text": str}
    docid, title, text = need(record if isinstance(record, dict) else {}, names, where)
    return docid, clean(f"{title} {text}")
