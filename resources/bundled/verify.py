"""Verify the bundled corpus: the benchmark in every language, and the English training pairs.

Usage: python resources/bundled/verify.py [FOLDER]

Prints what was counted. On any fault it prints one message a fault, naming file, paragraph and
id, and exits with status 1. It needs nothing but the standard library.
"""

import argparse
import json
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REFERENCE = "en"  # the language that the others are compared with
SENTENCES = range(3, 6)  # how many sentences a paragraph may have
QUESTIONS = range(2, 4)  # how many questions a paragraph may have
TRAINING_FIELDS = ("id", "paragraph", "question", "passage")


@dataclass(frozen=True)
class Question:
    """A question; `sentence` counts to the one that holds its answer, None if no one does."""

    id: str
    text: str
    sentence: int | None


@dataclass(frozen=True)
class Paragraph:
    """A paragraph in one language; `place` is how messages name it."""

    place: str
    article: int
    sentences: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass
class Report:
    """What was counted, a line each, and the faults found, a message each."""

    counts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def check_text(place: str, name: str, value: Any) -> list[str]:
    """List the faults of a text, which must be a string, not empty, NFC and cleanly spaced."""
    if not isinstance(value, str) or not value:
        return [f"{place}: the {name} is not a text: {value!r}."]
    faults = []
    if unicodedata.normalize("NFC", value) != value:
        faults.append(f"{place}: the {name} is not in NFC: {value!r}.")
    if " ".join(value.split()) != value:
        faults.append(f"{place}: the {name} has stray whitespace: {value!r}.")
    return faults


def read_benchmark(path: Path) -> tuple[list[Paragraph], list[str]]:
    """Read one benchmark file; return its paragraphs and the faults inside it."""
    paragraphs: list[Paragraph] = []
    faults: list[str] = []
    place = str(path)
    try:
        for number, article in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
            place = f"{path}: article {number}"
            faults += check_text(place, "title", article["title"])
            for position, raw in enumerate(article["paragraphs"]):
                paragraph, found = _paragraph(f"{place}, paragraph {position}", number, raw)
                paragraphs.append(paragraph)
                faults += found
    except (OSError, ValueError, LookupError, TypeError) as error:
        faults.append(f"{place}: is not in the benchmark's format ({error!r}).")
    return paragraphs, faults + _repeated(paragraphs)


def _paragraph(place: str, article: int, raw: Any) -> tuple[Paragraph, list[str]]:
    """Check one paragraph by itself; return it with its faults."""
    faults: list[str] = []
    questions: list[Question] = []
    at = place
    try:
        context, sentences, breaks = raw["context"], raw["sentences"], raw["sentence_breaks"]
        faults += check_text(place, "context", context)
        for number, sentence in enumerate(sentences):
            faults += check_text(place, f"sentence {number}", sentence)
        if len(sentences) not in SENTENCES:
            faults.append(f"{place}: has {len(sentences)} sentences, not {_span(SENTENCES)}.")
        if [context[start:end] for start, end in breaks] != sentences:
            faults.append(f"{place}: the slices by sentence_breaks are not the sentences.")
        if " ".join(sentences) != context:
            faults.append(f"{place}: the sentences joined with a space are not the context.")
        for qa in raw["qas"]:
            at = f"{place}, question {qa['id']}"
            faults += check_text(at, "id", qa["id"]) + check_text(at, "question", qa["question"])
            holder, found = _answer(at, context, breaks, qa["answers"])
            faults += found
            questions.append(Question(str(qa["id"]), str(qa["question"]), holder))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        faults.append(f"{at}: is not in the benchmark's format ({error!r}).")
        return Paragraph(place, article), faults
    if len(questions) not in QUESTIONS:
        ids = ", ".join(question.id for question in questions)
        faults.append(f"{place}: has {len(questions)} questions ({ids}), not {_span(QUESTIONS)}.")
    return Paragraph(place, article, tuple(map(str, sentences)), tuple(questions)), faults


def _answer(
    place: str, context: str, breaks: list[list[int]], answers: list[dict[str, Any]]
) -> tuple[int | None, list[str]]:
    """Find the sentence that holds the one answer, or None; return it with the faults."""
    if len(answers) != 1:
        return None, [f"{place}: has {len(answers)} answers, not 1."]
    text, start = answers[0]["text"], answers[0]["answer_start"]
    faults = check_text(place, "answer", text)
    end = start + len(text)
    found = context[max(start, 0) : max(end, 0)]
    if start < 0 or found != text:
        faults.append(
            f"{place}: the answer is {text!r}, but the context has {found!r} at character {start}."
        )
    holders = [n for n, (first, last) in enumerate(breaks) if first <= start and end <= last]
    if len(holders) != 1:
        faults.append(f"{place}: the answer lies in {len(holders)} sentences, not in exactly one.")
        return None, faults
    first, last = breaks[holders[0]]
    times = context[first:last].count(text)
    if times > 1:
        faults.append(f"{place}: the answer {text!r} stands {times} times in its sentence.")
    return holders[0], faults


def _repeated(paragraphs: list[Paragraph]) -> list[str]:
    """List the ids, questions and sentences that stand twice in one language."""
    faults: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    for paragraph in paragraphs:
        entries = [("sentence", text, paragraph.place) for text in paragraph.sentences]
        for question in paragraph.questions:
            place = f"{paragraph.place}, question {question.id}"
            entries += [("id", question.id, place), ("question", question.text, place)]
        for kind, text, place in entries:
            faults += _twice(seen, kind, text, place)
    return faults


def _twice(seen: dict[tuple[str, str], str], kind: str, text: str, place: str) -> list[str]:
    """Enter a text among those seen; list a fault if it is there already, whatever its case."""
    key = (kind, text.casefold())
    if key in seen:
        return [f"{place}: the {kind} {text!r} stands already in {seen[key]}."]
    seen[key] = place
    return []


def compare(reference: list[Paragraph], other: list[Paragraph], path: Path) -> list[str]:
    """List where `other`, read from `path`, is not built like the reference language."""
    if [paragraph.article for paragraph in other] != [paragraph.article for paragraph in reference]:
        return [f"{path}: the articles do not have as many paragraphs as in {REFERENCE}."]
    faults: list[str] = []
    for ours, theirs in zip(reference, other, strict=True):
        place = theirs.place
        if len(theirs.sentences) != len(ours.sentences):
            faults.append(
                f"{place}: has {len(theirs.sentences)} sentences; "
                f"{REFERENCE} has {len(ours.sentences)}."
            )
        expected = {question.id: question.sentence for question in ours.questions}
        actual = {question.id: question.sentence for question in theirs.questions}
        for id_ in [id_ for id_ in expected if id_ not in actual]:
            faults.append(f"{place}, question {id_}: is missing; {REFERENCE} has it.")
        for id_ in [id_ for id_ in actual if id_ not in expected]:
            faults.append(f"{place}, question {id_}: is not in {REFERENCE}.")
        common = [id_ for id_ in expected if id_ in actual]
        if common != [id_ for id_ in actual if id_ in expected]:
            faults.append(f"{place}: its questions stand in another order than {common}.")
        for id_ in common:
            if None not in (actual[id_], expected[id_]) and actual[id_] != expected[id_]:
                faults.append(
                    f"{place}, question {id_}: the answer is in sentence {actual[id_]}; "
                    f"{REFERENCE} has it in sentence {expected[id_]}."
                )
    return faults


def read_training(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    """Read the training pairs of a JSON Lines file; return them and the faults inside it."""
    rows: list[dict[str, str]] = []
    faults: list[str] = []
    seen: dict[tuple[str, str], str] = {}
    try:
        with path.open(encoding="utf-8") as file:
            lines = list(file)
    except (OSError, ValueError) as error:
        return [], [f"{path}: cannot be read ({error!r})."]
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            faults.append(f"{path}: line {number}: is not JSON ({error}).")
            continue
        if not isinstance(row, dict) or set(row) != set(TRAINING_FIELDS):
            faults.append(f"{path}: line {number}: the fields are not {TRAINING_FIELDS}.")
            continue
        place = _training_place(path, row)
        found = [fault for name in TRAINING_FIELDS for fault in check_text(place, name, row[name])]
        faults += found
        if not found:
            rows.append(row)
            for name in ("id", "question", "passage"):
                faults += _twice(seen, name, row[name], place)
    return rows, faults


def check_shared(path: Path, rows: list[dict[str, str]], paragraphs: list[Paragraph]) -> list[str]:
    """List training pairs of `path` that repeat a sentence or question of the benchmark."""
    known: dict[tuple[str, str], str] = {}
    for paragraph in paragraphs:
        for text in paragraph.sentences:
            known["sentence", text.casefold()] = paragraph.place
        for question in paragraph.questions:
            place = f"{paragraph.place}, question {question.id}"
            known["question", question.text.casefold()] = place
    faults = []
    for row in rows:
        for name, kind in (("passage", "sentence"), ("question", "question")):
            key = (kind, row[name].casefold())
            if key in known:
                faults.append(
                    f"{_training_place(path, row)}: the {name} equals a benchmark {kind}, "
                    f"in {known[key]}."
                )
    return faults


def _training_place(path: Path, row: dict[str, str]) -> str:
    return f"{path}: paragraph {row['paragraph']}, id {row['id']}"


def _span(numbers: range) -> str:
    return f"{numbers[0]} to {numbers[-1]}"


def verify(folder: Path) -> Report:
    """Check everything in `folder`, which holds `benchmark/` and `train.en.jsonl`."""
    report = Report()
    benchmark: dict[str, list[Paragraph]] = {}
    paths = sorted((folder / "benchmark").glob("*.json"))
    for path in paths:
        benchmark[path.stem], faults = read_benchmark(path)
        report.faults += faults
        paragraphs = benchmark[path.stem]
        report.counts.append(
            f"{path.name}: {len({paragraph.article for paragraph in paragraphs})} articles, "
            f"{len(paragraphs)} paragraphs, "
            f"{sum(len(paragraph.sentences) for paragraph in paragraphs)} sentences, "
            f"{sum(len(paragraph.questions) for paragraph in paragraphs)} questions"
        )
    if REFERENCE not in benchmark:
        missing = folder / "benchmark" / f"{REFERENCE}.json"
        report.faults.append(f"{missing}: is missing; other languages are compared with it.")
    for path in paths:
        if REFERENCE in benchmark and path.stem != REFERENCE:
            report.faults += compare(benchmark[REFERENCE], benchmark[path.stem], path)
    training = folder / "train.en.jsonl"
    rows, faults = read_training(training)
    report.faults += faults
    for paragraphs in benchmark.values():
        report.faults += check_shared(training, rows, paragraphs)
    topics = len({row["paragraph"] for row in rows})
    report.counts.append(f"{training.name}: {len(rows)} pairs, {topics} paragraphs")
    report.counts.append(f"{len(benchmark)} languages, {len(report.faults)} faults")
    return report


def main() -> int:
    """Print counts and faults; return the exit status."""
    parser = argparse.ArgumentParser(description="Verify the bundled corpus.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent)
    report = verify(parser.parse_args().folder)
    print(*report.counts, sep="\n")
    if report.faults:
        print(*report.faults, sep="\n", file=sys.stderr)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
