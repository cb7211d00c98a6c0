"""A summary of results: the main scores, and how many of the paper's claims hold.

Finished tables (CSV) are read with the standard library alone, to start fast in a terminal.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import checked

# The verdicts of evaluation/claims.py in order of display; a test keeps the two equal.
VERDICTS = ("holds", "undecided", "does not", "cannot say", "no margin", "not run")
_ALWAYS = 3  # the first three are shown even if their count is 0
_MEAN = {"table": "main", "pool": "all", "metric": "map", "language": "mean"}


@dataclass(frozen=True)
class Scores:
    """mAP by setting of one system on one benchmark: means over all query languages, pool `all`."""

    benchmark: str
    encoder: str
    sampling: str
    by_setting: dict[str, float]


@dataclass(frozen=True)
class Verdicts:
    """How often each statement got each verdict, those of the paper and those on images.

    places: number of combinations of encoder, benchmark and pool in which claims were tested.
    counts: by claim and verdict, both in the order of display. images: number of combinations of
    encoder, benchmark, captions and mean in which claims on images and texts were tested.
    """

    places: int
    verdicts: tuple[str, ...]
    counts: dict[str, dict[str, int]]
    images: int = 0


def main_scores(path: str | Path) -> list[Scores]:
    """The means of the main table `path` (CSV), in its order; cells without a value are left out.

    Raises DataError if there is no such table, or one without means.
    """
    found: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in _rows(path, [*_MEAN, "benchmark", "encoder", "sampling", "setting", "value"]):
        if row["value"] and all(row[key] == value for key, value in _MEAN.items()):
            system = (row["benchmark"], row["encoder"], row["sampling"])
            found.setdefault(system, {})[row["setting"]] = float(row["value"])
    if not found:
        raise DataError(f"{path}: has no means of mAP over the pool 'all'; make the tables again.")
    return [Scores(*system, by_setting) for system, by_setting in found.items()]


def verdicts(path: str | Path) -> Verdicts:
    """The verdicts of the table of claims `path` (CSV), counted.

    Raises DataError if there is no such table, or a verdict that is not known.
    """
    counts: dict[str, Counter[str]] = {}
    places, images = set(), set()
    for row in _rows(path, ["encoder", "benchmark", "pool", "statement", "verdict"]):
        # `cannot say` is followed by the reason: `with 3 seeds`, `: near chance`.
        told = row["verdict"].split(" with ")[0].split(":")[0]
        kind = next((v for v in VERDICTS if told == v), None)
        if kind is None:
            known = ", ".join(VERDICTS)
            raise DataError(f"{path}: the verdict {row['verdict']!r} is none of {known}.")
        counts.setdefault(row["statement"], Counter())[kind] += 1
        place = (row["encoder"], row["benchmark"], row["pool"])
        if captions := row.get("captions"):
            images.add((*place, captions))
        else:
            places.add(place)
    given = {verdict for of in counts.values() for verdict in of}
    shown = tuple(v for n, v in enumerate(VERDICTS) if n < _ALWAYS or v in given)
    by_statement = {
        statement: {verdict: of[verdict] for verdict in shown} for statement, of in counts.items()
    }
    return Verdicts(len(places), shown, by_statement, len(images))


def _rows(path: str | Path, columns: list[str]) -> list[dict[str, str]]:
    try:
        with checked(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such table; `make demo` makes it.") from None
    if missing := [name for name in columns if name not in (reader.fieldnames or [])]:
        raise DataError(f"{path}: lacks the columns {', '.join(missing)}; make the table again.")
    return rows
