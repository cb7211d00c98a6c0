"""Verify that tables on disk, and the files behind them, match their provenance records.

Tables and their sources are compared with the sha256 in the record. Intermediate files are compared
with the digest that they were published with.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.outputs import part_for, part_hash
from hybridbatch.provenance.record import SCHEMA_VERSION, SUFFIX, place, sha256
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import checked, digest_of, read_json, recorded_digest

# The formats of tables; figures are in another folder.
_FORMATS = (".csv", ".md", ".tex")
_DAMAGED = "damaged"  # stands for the digest of a file that has been reported
_SHOWN = 5  # keys of a configuration that differs
_PARTS = {
    "table": str,
    "files": dict,
    "configuration": dict,
    "configuration_sha256": str,
    "inputs": dict,
    "made": dict,
}


@dataclass
class Verdict:
    """The result of a verification.

    problems: one line each, beginning with the file. absent: files behind the tables that are
    missing. inputs: sources that are present. made: intermediate files. undigested: intermediate
    files without a digest, which cannot be checked.
    """

    records: int = 0
    files: int = 0
    inputs: int = 0
    made: int = 0
    undigested: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def verify(tables: Path, config: Experiment | None = None) -> Verdict:
    """Check every table of a folder against its record, and all present files behind it.

    config: a resolved configuration, whose part for each table must be the recorded one.

    Raises `DataError` if the folder holds neither a table nor a record.
    """
    files = sorted(p for p in tables.glob("*") if p.suffix in _FORMATS and p.is_file())
    records = sorted(tables.glob(f"*{SUFFIX}"))
    if not files and not records:
        raise DataError(
            f"{tables}: no table and no record is there. `snakemake tables` makes them."
        )
    verdict, described, hashes, digests = Verdict(), set(), {}, {}
    for path in records:
        verdict.records += 1
        record = _read(path, verdict)
        if record:
            described |= {tables / name for name in record["files"]}
            _check_files(path, record, verdict)
            _check_configuration(path, record, config, verdict)
            _check_inputs(path, record, hashes, verdict)
            _check_made(path, record, digests, verdict)
    recorded = {path.name.removesuffix(SUFFIX) for path in records}
    for file in files:
        if file in described:
            continue
        if file.stem in recorded:
            verdict.problems.append(f"{file}: its record does not name it")
        else:
            expected = file.with_name(file.stem + SUFFIX)
            verdict.problems.append(
                f"{file}: no record says where it is from; "
                f"`snakemake {quote(str(expected))}` makes one"
            )
    verdict.absent = sorted(set(verdict.absent))
    verdict.undigested = sorted(set(verdict.undigested))
    verdict.inputs = sum(found is not None for found in hashes.values())
    verdict.made = sum(found is not None for found in digests.values())
    return verdict


def _read(path: Path, verdict: Verdict) -> dict | None:
    try:
        record = read_json(path)
    except (OSError, ValueError, DataError) as error:
        verdict.problems.append(f"{path}: cannot be read: {error}")
        return None
    if not isinstance(record, dict) or record.get("schema_version") != SCHEMA_VERSION:
        verdict.problems.append(f"{path}: is not a record of schema version {SCHEMA_VERSION}")
        return None
    wrong = [key for key, kind in _PARTS.items() if not isinstance(record.get(key), kind)]
    if not wrong:
        inputs = record["inputs"].get("files")
        if not isinstance(inputs, dict) or not all(isinstance(of, dict) for of in inputs.values()):
            wrong = ["inputs.files"]
        elif any(Path(name).name != name for name in record["files"]):
            wrong = ["files beside it"]
    if wrong:
        verdict.problems.append(f"{path}: lacks {', '.join(wrong)}, or in another form")
        return None
    if record["table"] + SUFFIX != path.name:
        verdict.problems.append(f"{path}: is the record of {record['table']}")
    return record


def _check_files(path: Path, record: dict, verdict: Verdict) -> None:
    for name, expected in record["files"].items():
        file = path.with_name(name)
        verdict.files += 1
        if not file.is_file():
            verdict.problems.append(f"{file}: is missing, and {path.name} describes it")
        elif sha256(file) != expected:
            verdict.problems.append(
                f"{file}: is not the file that {path.name} describes; "
                f"`snakemake --force {quote(str(file))}` makes it again"
            )
        else:
            try:
                checked(file)  # its digest, which the report's jobs compare
            except DataError as error:
                verdict.problems.append(str(error))


def _check_configuration(
    path: Path, record: dict, config: Experiment | None, verdict: Verdict
) -> None:
    recorded = record["configuration"]
    if part_hash(recorded) != record["configuration_sha256"]:
        verdict.problems.append(f"{path}: its configuration does not hash to configuration_sha256")
    if config is None:
        return
    part = part_for(config, record["table"])
    differing = set(leaves(part).items()) ^ set(leaves(recorded).items())
    # A new entry adds many keys, so the shortest keys, which have the selected names, come first.
    keys = sorted({key for key, _ in differing}, key=lambda key: (key.count("."), key))
    if keys:
        more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        verdict.problems.append(
            f"{path}: was made with another configuration: {', '.join(keys[:_SHOWN])}{more}"
        )


def _check_inputs(
    path: Path, record: dict, hashes: dict[str, str | None], verdict: Verdict
) -> None:
    for name, entry in record["inputs"]["files"].items():
        if name not in hashes:
            file = place(name)
            hashes[name] = sha256(file) if file.exists() else None
        if hashes[name] is None:
            verdict.absent.append(name)
        elif entry.get("sha256") not in (None, hashes[name]):
            verdict.problems.append(f"{name}: is not the input that {path.name} describes")


def _check_made(path: Path, record: dict, digests: dict[str, str | None], verdict: Verdict) -> None:
    root = record["configuration"].get("pathvars", {}).get("results", "")
    for recorded, expected in record["made"].items():
        # Of a copy of the results, the copy's own files.
        below = recorded.removeprefix(f"{root}/")
        name = recorded if below == recorded else str(path.parents[1] / below)
        if name not in digests:
            digests[name] = _digest(name, verdict)
        if digests[name] is None:
            verdict.absent.append(name)
        elif expected is None:
            verdict.undigested.append(name)
        elif digests[name] not in (expected, _DAMAGED):
            verdict.problems.append(
                f"{name}: is not the file that {path.name} describes; make the table again: "
                f"`snakemake --force {quote(str(path))}`"
            )


def _digest(name: str, verdict: Verdict) -> str | None:
    """The digest of the present content, after checking it against the published one."""
    file = place(name)
    if not file.exists():
        return None
    try:
        checked(file)
    except DataError as error:
        verdict.problems.append(str(error))
        return _DAMAGED
    return recorded_digest(file) or digest_of(file)


def leaves(value: dict, where: str = "") -> dict[str, str]:
    """Every value that is not a mapping, as JSON, by its dotted key."""
    found = {}
    for key, item in value.items():
        name = f"{where}{key}"
        if isinstance(item, dict) and item:
            found |= leaves(item, f"{name}.")
        else:
            found[name] = json.dumps(item, sort_keys=True)
    return found
