"""SQuAD's format: articles, paragraphs, questions with answer spans."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.corpora import Pair, clean
from hybridbatch.errors import DataError
from hybridbatch.sentences import sentence_spans


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Pairs of a file in SQuAD's format: the question and the sentence its first answer starts in.

    Questions that cannot give a pair are counted by reason, never dropped silently. An answer
    that runs over a sentence's end is kept with the sentence where it starts, as in LAReQA.
    """
    for path in map(Path, paths):
        try:
            articles = json.loads(path.read_text(encoding="utf-8"))["data"]
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
            raise DataError(f"{path}: is not a SQuAD file ({error!r}).") from error
        for article in articles:
            for number, paragraph in enumerate(article.get("paragraphs", [])):
                where = f"{path}: article {article.get('title')!r}, paragraph {number}"
                try:
                    context, questions = paragraph["context"], paragraph["qas"]
                except KeyError as error:
                    raise DataError(f"{where}: field {error} is missing.") from error
                spans = sentence_spans(context, language)
                for qa in questions:
                    try:
                        id_, question, answers = qa["id"], qa["question"], qa["answers"]
                        start = answers[0]["answer_start"] if answers else None
                    except KeyError as error:
                        raise DataError(
                            f"{where}: question {qa.get('id')!r} lacks {error}."
                        ) from error
                    if start is None:
                        counts["unanswerable"] += 1
                        continue
                    passage = next((context[a:b] for a, b in spans if a <= start < b), None)
                    if passage is None:
                        counts["answer_outside_sentences"] += 1
                        continue
                    yield Pair(id_, clean(question), clean(passage), clean(context))
