"""The jobs and sources that a file was made from, according to Snakemake's own records.

For every output, Snakemake keeps a record below `.snakemake/metadata`: rule, inputs, log and
parameters, which include code fingerprints. Lineage therefore shows what was run, and not what the
current configuration would run. A test follows a real run.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.persistence import record_path

# A rule's `code` parameter as Snakemake stores it: the repr of a list of `name:fingerprint`.
_ENTRY = r"[\w/]+:[0-9a-f]{16}"
_CODE = re.compile(rf"\['{_ENTRY}'(?:, '{_ENTRY}')*\]")
_FINGERPRINT = re.compile(_ENTRY)


@dataclass(frozen=True)
class Job:
    """A job that has run: its rule, the fingerprints of its code, and its log."""

    rule: str
    code: tuple[str, ...]
    log: str


@dataclass
class Lineage:
    """The jobs behind a file, the files that they made, and the sources that no job made."""

    jobs: set[Job] = field(default_factory=set)
    made: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)


def lineage(
    file: str,
    metadata: str | Path,
    fetched_by: Collection[str] = ("fetch", "fetch_dataset"),
) -> Lineage:
    """Follow the record of `file` to its sources; raises `DataError` if it has no record.

    metadata: the folder `.snakemake/metadata`; files are named as in the workflow.
    fetched_by: the rules whose outputs are sources, though a job brought them.
    """
    found, seen, todo = Lineage(), set(), [file]
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        record = _record(Path(metadata), path)
        if record is None:
            if path == file:
                raise DataError(
                    f"{file}: Snakemake has no record of how it was made ({metadata}; option "
                    "--drop-metadata, or another persistence?). Make it again, with a record: "
                    f"snakemake --force {quote(str(file))}"
                )
            found.sources.add(path)
            continue
        found.jobs.add(_job(record, path))
        (found.sources if record["rule"] in fetched_by else found.made).add(path)
        todo += record["input"]
    return found


def _record(metadata: Path, path: str) -> dict | None:
    """The record of one file."""
    place = record_path(metadata, path)
    if place is None:
        return None
    record = read_json(place)
    missing = {"rule", "input", "params", "log"} - set(record)
    if missing:
        raise DataError(
            f"{place}: Snakemake's record of {path} has no {', '.join(sorted(missing))}: it is of "
            "a version that this project does not know; install requirements.txt's."
        )
    return record if record["rule"] else None  # a job that has begun but not finished has no rule


def _job(record: dict, path: str) -> Job:
    code = (text for text in record["params"] or () if _CODE.fullmatch(text))
    fingerprints = tuple(mark for text in code for mark in _FINGERPRINT.findall(text))
    # A rule without a log has one job for each of its files here; all of ours have one.
    return Job(record["rule"], fingerprints, record["log"][0] if record["log"] else path)
