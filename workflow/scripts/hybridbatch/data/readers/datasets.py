"""A data set of the hub or a local folder, read from the shards that its rows were streamed into.

The shards have fixed column names (data/hub.py), so nothing here depends on the original ones.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from hybridbatch.data.pairs import Pair, clean
from hybridbatch.data.sentences import sentence_spans
from hybridbatch.data.shards import read_manifest, read_shards


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """The pairs of the shards in some manifests: each question with its passage or a sentence.

    If answers have a position, the pair's passage is the sentence in which the first answer starts,
    and the whole passage is its paragraph, as in SQuAD's format. Questions that give no pair are
    counted by reason. Without an id column, the row number from 0 is the id.
    """
    for path in paths:
        spans_of = lru_cache(maxsize=16)(lambda context: sentence_spans(context, language))
        with_answers = "answers" in read_manifest(path)["data_set"]["columns"]
        for number, row in read_shards(path):
            context = passage = row.passage or ""
            if with_answers:
                if row.start is None:
                    counts["unanswerable"] += 1
                    continue
                if not context.startswith(row.answer or "", row.start):
                    counts["answer_not_at_start"] += 1
                    continue
                spans = spans_of(context)
                found = next((context[a:b] for a, b in spans if a <= row.start < b), None)
                if found is None:
                    counts["answer_outside_sentences"] += 1
                    continue
                passage = found
            yield Pair(
                str(number) if row.id is None else row.id,
                clean(row.question or ""),
                clean(passage),
                clean(context) if row.paragraph is None else row.paragraph,
            )
