"""SQuAD's format: articles, paragraphs, questions with answer spans."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from hybridbatch.data.fields import field
from hybridbatch.data.pairs import Pair, clean
from hybridbatch.data.sentences import sentence_spans
from hybridbatch.runtime.errors import DataError


def read(paths: Sequence[str | Path], language: str, counts: Counter) -> Iterator[Pair]:
    """Pairs of a file in SQuAD's format: the question and the sentence its first answer starts in.

    Questions that cannot give a pair are counted by reason, never dropped silently. An answer
    that runs over a sentence's end is kept with the sentence where it starts, as in LAReQA.
    """
    for path in map(Path, paths):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DataError(f"{path}: is not JSON in UTF-8 ({error}).") from error
        for article_number, article in enumerate(field(content, "data", list, str(path))):
            title = article.get("title", "") if isinstance(article, dict) else ""
            of_article = f"{path}: article {article_number} {title!r}"
            for number, paragraph in enumerate(field(article, "paragraphs", list, of_article)):
                where = f"{of_article}, paragraph {number}"
                context = field(paragraph, "context", str, where)
                spans = sentence_spans(context, language)
                for qa in field(paragraph, "qas", list, where):
                    id_ = field(qa, "id", str, where)
                    asked = f"{where}, question {id_}"
                    question = field(qa, "question", str, asked)
                    answers = field(qa, "answers", list, asked)
                    start = field(answers[0], "answer_start", int, asked) if answers else None
                    if start is None:
                        counts["unanswerable"] += 1
                        continue
                    passage = next((context[a:b] for a, b in spans if a <= start < b), None)
                    if passage is None:
                        counts["answer_outside_sentences"] += 1
                        continue
                    yield Pair(id_, clean(question), clean(passage), clean(context))
