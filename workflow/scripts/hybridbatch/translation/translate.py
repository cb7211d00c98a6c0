"""Translation: one interface for every engine, and the table of a translated shard.

An engine is anything with `translate(lines) -> list[Translation]`, one result a line, in order. An
engine that needs hours for a shard has an attribute `block_lines`. It is then given that many lines
at a time, and each translated block is saved as a checkpoint, so that a killed job resumes there.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from hybridbatch.runtime.checkpoints import intact, key_of
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import Rows, batches, read_json, write_text
from hybridbatch.runtime.logs import Progress, log

COUNTS = ("lost", "retries", "cut", "looping")
TEXT_SCHEMA = pa.schema(
    [
        ("text_id", pa.string()),
        ("text", pa.string()),  # null where the translation failed
        ("words", pa.int32()),
        ("unknown", pa.int32()),  # number of words left untranslated, unknown to the engine
        ("error", pa.string()),  # null where the translation succeeded
        # Counts over all steps of the route.
        ("lost", pa.int32()),  # characters of the source that the engine could not pass on
        ("retries", pa.int32()),  # how often the text was sent again after the engine had failed
        ("cut", pa.int32()),  # parts whose translation was cut at the engine's limit
        ("looping", pa.int32()),  # parts whose translation repeats itself
    ]
)


@dataclass(frozen=True)
class Translation:
    """The result for one line. Either `text` or `error` is None. Counts: see TEXT_SCHEMA."""

    text: str | None
    unknown: int = 0
    error: str | None = None
    lost: int = 0
    retries: int = 0
    cut: int = 0
    looping: int = 0


class Translator(Protocol):
    """A translation engine for one language pair."""

    def translate(self, lines: Sequence[str]) -> list[Translation]:
        """One `Translation` for each line, in order; a failing line does not affect the others."""
        ...


def source_texts(pairs: Rows) -> pa.Table:
    """Every distinct text: questions as `q:<question_id>`, passages as `p:<passage_id>`.

    Returns a table of TEXT_SCHEMA in the corpus' own language, from which every route starts.
    """
    seen: set[str] = set()
    parts, progress = [], Progress(None, "pairs")
    for batch in batches(pairs):
        texts: dict[str, str] = {}
        ids = zip(
            *(batch[name].to_pylist() for name in ("question_id", "passage_id", "negative_id")),
            strict=True,
        )
        lines = [batch[name] for name in ("question", "passage", "negative")]
        for row, of_pair in enumerate(ids):
            for kind, id_, column in zip("qpp", of_pair, lines, strict=True):
                text_id = f"{kind}:{id_}"
                if id_ is not None and text_id not in seen:
                    seen.add(text_id)
                    # Converted only if new: in a large corpus most texts have occurred before.
                    texts[text_id] = column[row].as_py()
        parts.append(original_texts(texts))
        progress.add(len(batch), f"{len(seen):,} texts")
    return pa.concat_tables([TEXT_SCHEMA.empty_table(), *parts])


def original_texts(texts: dict[str, str]) -> pa.Table:
    """A table of TEXT_SCHEMA of texts by id, in their own language."""
    return _table(list(texts), [Translation(text) for text in texts.values()])


def shard(texts: pa.Table, number: int, of: int) -> pa.Table:
    """The `number`-th (from 0) of `of` contiguous parts whose sizes differ by at most one."""
    bounds = [len(texts) * i // of for i in range(of + 1)]
    return texts.slice(bounds[number], bounds[number + 1] - bounds[number])


def parallel_table(texts: pa.Table, lines: Sequence[str]) -> pa.Table:
    """The table of a shard whose translation is published: `lines`, one for each of `texts`."""
    return _table(texts["text_id"].to_pylist(), [Translation(line) for line in lines])


def translate_table(
    texts: pa.Table, translator: Translator, journal: Path | None = None
) -> pa.Table:
    """Translate a shard; the result has the same ids in the same order.

    A line that already failed on the way to the pivot language keeps its first error. journal: a
    folder for checkpoints of blocks (`Work.state`). With it, an engine that has `block_lines`
    resumes where a killed job stopped. The caller removes it once the table is published.
    """
    ids, lines = texts["text_id"].to_pylist(), texts["text"].to_pylist()
    errors = texts["error"].to_pylist()
    present = [i for i, line in enumerate(lines) if line is not None]
    results = _translate([lines[i] for i in present], translator, journal)
    by_row = dict(zip(present, results, strict=True))
    table = _table(
        ids,
        [
            by_row[i] if i in by_row else Translation(None, error=f"pivot: {errors[i]}")
            for i in range(len(ids))
        ],
    )
    for name in COUNTS:
        total = pc.add(table[name], texts[name])
        table = table.set_column(table.schema.get_field_index(name), table.field(name), total)
    return table


def key_of_translation(values: Any, texts: pa.Table) -> str:
    """The key of one shard's translation by `values` (JSON)."""
    columns = ("text_id", "text", *COUNTS)
    return key_of(values, (value for name in columns for value in texts[name].to_pylist()))


def _translate(lines: list[str], translator: Translator, journal: Path | None) -> list[Translation]:
    size = getattr(translator, "block_lines", None)
    if size is None:
        return _translate_block(lines, translator)
    results: list[Translation] = []
    if journal and any(journal.glob("*.json")):
        log.info("going on after the blocks in %s", journal)
    progress = Progress(len(lines), "lines")
    for start in range(0, len(lines), size):
        block = lines[start : start + size]
        file = journal / f"{start // size:06d}.json" if journal else None
        if file and intact(file):
            done = [Translation(*row) for row in read_json(file)]
        else:
            done = _translate_block(block, translator)
            if file:
                write_text(file, json.dumps([astuple(translation) for translation in done]))
        results += done
        progress.add(len(block))
    return results


def _translate_block(lines: list[str], translator: Translator) -> list[Translation]:
    results = translator.translate(lines)
    if len(results) != len(lines):
        raise DataError(
            f"the translator returned {len(results)} results for {len(lines)} lines; an engine "
            "must return one result a line."
        )
    return results


def _table(ids: list[str], results: list[Translation]) -> pa.Table:
    return pa.table(
        {
            "text_id": ids,
            "text": [r.text for r in results],
            "words": [len(r.text.split()) if r.text is not None else 0 for r in results],
            "unknown": [r.unknown for r in results],
            "error": [r.error for r in results],
            **{name: [getattr(r, name) for r in results] for name in COUNTS},
        },
        schema=TEXT_SCHEMA,
    )


def summary(texts: pa.Table) -> list[dict]:
    """Counts of a translated table: one row for the whole, and one for each kind of error."""
    errors = Counter(texts["error"].drop_null().to_pylist())
    words, unknown = pc.sum(texts["words"]).as_py(), pc.sum(texts["unknown"]).as_py()
    share = round(unknown / words, 4) if words else None
    total = {"texts": len(texts), "words": words, "unknown_share": share}
    total |= {name: pc.sum(texts[name], min_count=0).as_py() for name in COUNTS}
    failed = {"failed": errors.total(), "reason": ""}
    return [total | failed] + [
        total | {"failed": number, "reason": reason} for reason, number in sorted(errors.items())
    ]
