"""Provenance records of tables, as JSON: configuration, inputs, code, versions, machines, cost.

The record of a table is `{name}.provenance.json` beside it. It contains no environment variables,
and no paths except those of the configuration and those relative to the project.
"""

import hashlib
import importlib.metadata
import json
import platform
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import yaml

from hybridbatch.experiment import lookups
from hybridbatch.experiment.outputs import part_hash
from hybridbatch.experiment.sources import Source
from hybridbatch.provenance.lineage import Job, lineage
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import checked, recorded_digest, sha256_of
from hybridbatch.runtime.hashes import recorded_hashes
from hybridbatch.runtime.logs import read_usage
from hybridbatch.runtime.persistence import METADATA
from hybridbatch.runtime.usage import machine

SCHEMA_VERSION = 2
SUFFIX = ".provenance.json"
# Paths that count as code for the dirty flag.
CODE = ("workflow", "config", "envs", "resources")
_PROJECT = Path(__file__).parents[4]
ENVIRONMENT = _PROJECT / "envs" / "hybridbatch.yaml"


def record(
    table: str,
    files: Iterable[str],
    part: dict,
    locked: str | Path,
    metadata: str | Path = METADATA,
    environment: str | Path = ENVIRONMENT,
) -> dict:
    """The record of one table.

    files: the table in all its formats, as its job wrote it, the CSV first.
    part: of the configuration, by `outputs.part_for`.
    locked: the JSON file of hashes that stand in for pins of null, by URL.
    metadata: Snakemake's record, see `lineage`.
    environment: the conda environment file that names the direct dependencies.

    Raises `DataError` if Snakemake has no record of the table, if its files are not those that
    their job wrote, or if a fetched file is no longer the one that was pinned.
    """
    files = [str(checked(file)) for file in files]
    found = lineage(files[0], metadata)
    usages = {job: read_usage(job.log) for job in found.jobs}
    return {
        "schema_version": SCHEMA_VERSION,
        "table": table,
        "files": {Path(file).name: sha256(Path(file)) for file in files},
        "recorded": datetime.now(UTC).isoformat(timespec="seconds"),
        "configuration": part,
        "configuration_sha256": part_hash(part),
        "inputs": {
            "files": _inputs(found.sources, part, locked),
            "models": _models(part),
        },
        "made": {path: _made(path) for path in sorted(found.made - set(files))},
        "code": checkout(_PROJECT),
        "versions": _versions(environment, part),
        "seeds": {
            "training": part.get("seeds"),
            "statistics": part.get("statistics", {}).get("seed"),
        },
        "stages": _stages(usages),
        "machines": _machines(usages),
        "total": _cost(usages.values()),
    }


def sha256(path: Path) -> str:
    """sha256 of a file's bytes; for a folder, of the names and hashes of all files in it."""
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file())
        lines = [f"{sha256(file)}  {file.relative_to(path).as_posix()}\n" for file in files]
        return hashlib.sha256("".join(lines).encode()).hexdigest()
    return sha256_of(path)


def checkout(folder: Path) -> dict:
    """The commit checked out in `folder`, and the uncommitted changes.

    Without a commit (an unpacked archive, no git), `commit` is None and `reason` says why.
    """

    def git(*arguments: str) -> str | None:
        run = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )
        return run.stdout if run.returncode == 0 else None

    nothing = {"commit": None, "dirty": None, "changed": None}
    if shutil.which("git") is None:
        return nothing | {"reason": "git is not installed"}
    top = git("rev-parse", "--show-toplevel")
    # Inside another project's checkout, git would report that project's commit.
    if top is None or Path(top.rstrip("\n")).resolve() != folder.resolve():
        return nothing | {"reason": "not a git checkout, or one that git will not read"}
    commit = git("rev-parse", "--verify", "HEAD")
    status = git("status", "--porcelain", "-z", "--no-renames", "--", *CODE)
    if commit is None or status is None:
        return nothing | {"reason": "the checkout has no commit"}
    changed = sorted(entry[3:] for entry in status.split("\0") if entry)
    return {"commit": commit.strip(), "dirty": bool(changed), "changed": changed, "reason": None}


def place(path: str) -> Path:
    """Resolve a path of a record: below the working directory, or else below the project."""
    here = Path(path)
    return here if here.is_absolute() or here.exists() else _PROJECT / path


def _inputs(paths: Iterable[str], part: dict, locked: str | Path) -> dict[str, dict]:
    pins = _pins(part, locked)
    inputs = {}
    for path in sorted(paths):
        file = place(path)
        found = sha256(file) if file.exists() else None  # removed after it was read
        entry = {"sha256": found, **pins.get(path, {})}
        if found and entry.get("pinned") not in (None, found):
            raise DataError(
                f"{path}: sha256 is {found}, and {entry['pinned']} is pinned: it was changed after "
                "it was fetched. Remove it and run again."
            )
        inputs[_relative(path)] = entry
    return inputs


def _made(path: str) -> str | None:
    """The digest with which an intermediate file was published."""
    return recorded_digest(path) if Path(path).exists() else None


def _pins(part: dict, locked: str | Path) -> dict[str, dict]:
    """URL, licence and pinned hash of each download, from the catalogue or else the lock file."""
    recorded = recorded_hashes(locked)
    downloads = part["pathvars"]["downloads"]
    entries = part["catalogue"].get("sources", {}).values()
    sources = lookups.places(Source.model_validate(entry) for entry in entries)
    return {
        f"{downloads}/{path}": {
            "url": source["url"],
            "licence": source["licence"],
            "pinned": source["sha256"] or recorded.get(source["url"]),
            "pinned_by": "catalogue" if source["sha256"] else "lock file",
        }
        for path, source in sources.items()
    }


def _relative(path: str) -> str:
    """A path below the project as a relative one, so that it is valid in any checkout."""
    full = Path(path)
    inside = full.is_absolute() and full.is_relative_to(_PROJECT)
    return full.relative_to(_PROJECT).as_posix() if inside else path


def _models(part: dict) -> dict[str, dict]:
    """Pretrained models by the entry that names them: a revision, or the hash of a folder."""
    catalogue = part["catalogue"]
    entries = {**catalogue.get("encoders", {}), **catalogue.get("translators", {})}
    models = {}
    for name, entry in sorted(entries.items()):
        if "model" in entry:
            folder = place(entry["model"])
            here = "revision" not in entry and folder.is_dir()
            models[name] = {
                "model": entry["model"],
                "revision": entry.get("revision"),
                "sha256": sha256(folder) if here else None,
            }
    return models


def _versions(environment: str | Path, part: dict) -> dict:
    text = Path(environment).read_text(encoding="utf-8")
    lists = (entry for entry in yaml.safe_load(text)["dependencies"] if isinstance(entry, dict))
    names = [line.split("==")[0] for pip in lists for line in pip["pip"]]
    return {
        "python": platform.python_version(),
        "os": _operating_system(),
        "packages": {name: _package_version(name) for name in sorted(names)},
        "debian": _debian_versions(part),
    }


def _operating_system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()} {platform.machine()}"


def _package_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _debian_versions(part: dict) -> dict[str, str | None]:
    """Versions of Apertium and its language pairs, if a rule-based translator was used."""
    routes = [
        route
        for entry in part["catalogue"].get("translators", {}).values()
        for key in ("routes", "back")
        for route in entry.get(key, {}).values()
    ]
    packages = sorted({route["package"] for route in routes if "package" in route})
    if not packages:
        return {}
    return {name: _debian_version(name) for name in ["apertium", *packages]}


def _debian_version(package: str) -> str | None:
    if shutil.which("dpkg-query") is None:
        return None
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout or None


def _stages(usages: dict[Job, dict | None]) -> dict[str, dict]:
    """Cost and code of each rule, over the jobs in the table's lineage."""
    by_rule: dict[str, list[Job]] = defaultdict(list)
    for job in usages:
        by_rule[job.rule].append(job)
    return {
        rule: {
            "code": sorted({mark for job in jobs for mark in job.code}),
            **_cost([usages[job] for job in jobs]),
        }
        for rule, jobs in by_rule.items()
    }


def _cost(usages: Iterable[dict | None]) -> dict:
    """Sums of the jobs' usage, and the highest memory peak; jobs without a record are counted."""
    usages = list(usages)
    known = [used for used in usages if used]
    sums = ("wall_seconds", "cpu_seconds", "gpu_seconds")
    return {
        "jobs": len(usages),
        "jobs_without_measure": len(usages) - len(known),
        **{key: round(sum(used[key] for used in known), 2) if known else None for key in sums},
        "peak_memory_mib": max((used["peak_memory_mib"] for used in known), default=None),
    }


def _machines(usages: dict[Job, dict | None]) -> list[dict]:
    """The distinct machines with the number of jobs on each, most jobs first."""
    counts: dict[str, int] = defaultdict(int)
    for used in usages.values():
        if used:
            counts[json.dumps(used["machine"], sort_keys=True)] += 1
    if not counts:
        return [{**machine(), "jobs": 0}]
    kinds = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{**json.loads(kind), "jobs": number} for kind, number in kinds]
