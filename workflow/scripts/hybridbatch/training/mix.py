"""The achieved mix of a training run: shares of batch kinds, corpora and languages."""

import json
from pathlib import Path


def achieved_mix(training_log: Path) -> dict:
    """Shares of batch kinds, corpora, query languages and passage languages over a log's steps."""
    rows = [json.loads(line) for line in training_log.read_text(encoding="utf-8").splitlines()]
    mix: dict = {"steps": len(rows)}
    for key in ("kind", "corpus"):
        values = [row[key] for row in rows]
        mix[key] = {value: values.count(value) / len(rows) for value in sorted(set(values))}
    for key in ("query_languages", "passage_languages"):
        languages = sorted({language for row in rows for language in row[key]})
        mix[key] = {
            language: sum(row[key].get(language, 0.0) for row in rows) / len(rows)
            for language in languages
        }
    return mix
