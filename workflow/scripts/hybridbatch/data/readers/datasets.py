"""A data set of the hub or a local folder, read from the shards that its rows were streamed into.

The shards have fixed column names (data/hub.py), so nothing here depends on the original ones.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.answers import Sentences
from hybridbatch.data.pairs import Pair
from hybridbatch.data.shards import read_manifest, read_shards
from hybridbatch.data.texts import clean


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The pairs of the shards in some manifests: each question with its passage or a sentence.

    If answers have a position, the pair's passage is the sentence in which the first answer starts,
    and the whole passage is its paragraph, as in SQuAD's format. Questions that give no pair are
    counted by reason. Without an id column, the row number from 0 is the id.
    """
    sentences = Sentences(language, counts)
    before = 0  # rows of the manifests before this one
    for path in paths:
        with_answers = "answers" in read_manifest(path)["data_set"]["columns"]
        number = -1
        for number, row in read_shards(path):
            context = row.passage or ""
            passage: str | None = context
            if with_answers:
                passage = sentences.with_answer(context, row.start, row.answer)
                if passage is None:
                    continue
            yield Pair(
                str(before + number) if row.id is None else row.id,
                clean(row.question or ""),
                clean(passage),
                clean(context) if row.paragraph is None else row.paragraph,
                where=f"{path}: row {number}",
            )
        before += number + 1
