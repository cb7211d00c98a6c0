"""Two folders of results beside each other: where they begin to differ, and by how much.

Sources and versions are compared by the tables' records, artefacts by the digests of their
contents, tables value by value.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from safetensors import SafetensorError
from safetensors.numpy import load_file

from hybridbatch.provenance.record import SCHEMA_VERSION, SUFFIX
from hybridbatch.provenance.verify import leaves
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import DIGEST, digest_of, read_json

# The folders of artefacts, in the order in which they are made.
STAGES = (
    "corpora", "references", "images", "captions", "fonts", "collections", "texts", "translations",
    "reference_translations", "back_translations", "train", "contamination", "encoders", "tokens",
    "token_counts", "glyphs", "rendered", "candidates", "models", "merged", "embeddings",
    "ranks", "runs", "metrics", "bias", "scores", "comparisons", "image_text", "tables", "figures",
    "exports", "datasets",
)  # fmt: skip
# Drafts are the tables once more; the others hold times, or are pages of what is compared.
LEFT_OUT = ("drafts", "logs", "timings", "report", "checkpoints")
SOURCES = "sources"
_SHOWN = 5


@dataclass(frozen=True)
class Stage:
    """The artefacts of one stage by their paths: equal, different, and those that only one has."""

    name: str
    equal: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    only_a: list[str] = field(default_factory=list)
    only_b: list[str] = field(default_factory=list)

    @property
    def differs(self) -> bool:
        return bool(self.different or self.only_a or self.only_b)


def compare(a: Path, b: Path) -> tuple[list[str], bool]:
    """The lines of a report on two folders of results, and whether they hold the same.

    Raises `DataError` if one of them holds no artefact.
    """
    read = [_records(folder) for folder in (a, b)]
    records = [found for found, _ in read]
    lines = [f"A: {a}", f"B: {b}", "", *(line for _, damaged in read for line in damaged)]
    for name, found in zip("AB", records, strict=True):
        if not found:
            lines.append(f"{name} has no record, so that only files are compared")
    for name, values in (
        ("configuration", [_configuration(found) for found in records]),
        ("code", [_code(found) for found in records]),
        ("versions and machines", [_surroundings(found) for found in records]),
    ):
        if all(records):
            lines += [f"{name}: {line}" for line in _differing(*values)] or [f"{name}: the same"]
    lines.append("")
    first = True
    for stage in _stages(a, b, records):
        lines.append(_counts(stage) + (" <- the first that differs" * (first and stage.differs)))
        if stage.differs and (first or stage.name == "tables"):
            lines += _details(stage, a, b)
        first = first and not stage.differs
    return lines, first


def _stages(a: Path, b: Path, records: list[list[dict]]) -> Iterator[Stage]:
    if all(records):
        yield _stage(SOURCES, *[_sources(found) for found in records])
    found = [_artefacts(folder, of) for folder, of in zip((a, b), records, strict=True)]
    for folder, artefacts in zip((a, b), found, strict=True):
        if not artefacts:
            raise DataError(f"{folder}: holds no results. Give the folder that holds `tables`.")
    names = {name.split("/")[0] for artefacts in found for name in artefacts}
    for stage in [*STAGES, *sorted(names - {*STAGES})]:
        if stage in names:
            of = [
                {name: value for name, value in artefacts.items() if name.split("/")[0] == stage}
                for artefacts in found
            ]
            yield _stage(stage, *of)


def _stage(name: str, a: dict[str, str | None], b: dict[str, str | None]) -> Stage:
    both = sorted(a.keys() & b.keys())
    return Stage(
        name,
        [key for key in both if a[key] == b[key]],
        [key for key in both if a[key] != b[key]],
        sorted(a.keys() - b.keys()),
        sorted(b.keys() - a.keys()),
    )


def _records(folder: Path) -> tuple[list[dict], list[str]]:
    """The records of a folder's tables but those of other versions, and lines on damaged ones."""
    found, damaged = [], []
    for path in sorted((folder / "tables").glob(f"*{SUFFIX}")):
        try:
            found.append(read_json(path))
        except (DataError, ValueError) as error:
            damaged.append(f"a record is not compared: {error}")
    return [of for of in found if of.get("schema_version") == SCHEMA_VERSION], damaged


def _artefacts(folder: Path, records: list[dict]) -> dict[str, str | None]:
    """The digest of each artefact by its path in the folder.

    One that is gone has that of the records.
    """
    found: dict[str, str | None] = {}
    for record in records:
        root = f"{record['configuration']['pathvars']['results']}/"
        found |= {
            name.removeprefix(root): digest
            for name, digest in record["made"].items()
            if name.startswith(root)
        }
    for place, folders, files in os.walk(folder):
        if Path(place) == folder:
            folders[:] = [name for name in folders if name not in LEFT_OUT]
        folders[:] = [name for name in folders if name[0] != "."]  # unfinished ones
        if Path(place) == folder:
            continue
        if DIGEST in files:  # a folder that is one output
            files, folders[:] = ["."], []
        for name in files:
            path = Path(place, name)
            if name == "." or (name[0] != "." and not name.endswith(SUFFIX)):
                found[path.relative_to(folder).as_posix()] = digest_of(path)
    return {name: value for name, value in found.items() if name.split("/")[0] not in LEFT_OUT}


def _sources(records: list[dict]) -> dict[str, str | None]:
    return {
        name: entry["sha256"]
        for record in records
        for name, entry in record["inputs"]["files"].items()
    }


def _configuration(records: list[dict]) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in records:
        found |= leaves(record["configuration"])
    return {key: value for key, value in found.items() if not key.startswith("pathvars.")}


def _code(records: list[dict]) -> dict[str, str]:
    found = {}
    for record in records:
        for rule, stage in record["stages"].items():
            found[rule] = ", ".join(stage["code"])
    return found


def _surroundings(records: list[dict]) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in records:
        found |= leaves(record["versions"])
        for machine in record["machines"]:
            found[f"machine {json.dumps(machine['cpu'])}"] = "used"
    return found


def _differing(a: dict[str, str], b: dict[str, str]) -> list[str]:
    keys = [key for key in sorted(a.keys() | b.keys()) if a.get(key) != b.get(key)]
    lines = [f"{key}: {a.get(key, 'absent')} | {b.get(key, 'absent')}" for key in keys[:_SHOWN]]
    return lines + [f"and {len(keys) - _SHOWN} more"] * (len(keys) > _SHOWN)


def _counts(stage: Stage) -> str:
    parts = [f"{len(stage.equal)} the same"]
    for names, what in (
        (stage.different, "differ"),
        (stage.only_a, "only in A"),
        (stage.only_b, "only in B"),
    ):
        parts += [f"{len(names)} {what}"] * bool(names)
    return f"{stage.name}: {', '.join(parts)}"


def _details(stage: Stage, a: Path, b: Path) -> list[str]:
    named = stage.different
    if stage.name == "tables":
        # The pages show the same values.
        values = [name for name in named if name.endswith(".csv")]
        stems = {name.removesuffix(".csv") for name in values}
        named = values + [n for n in named if n not in values and n.rsplit(".", 1)[0] not in stems]
    shown = named if stage.name == "tables" else named[:_SHOWN]
    lines = []
    for name in shown:
        lines += [f"    {name}: {what}" for what in difference(a / name, b / name)]
    lines += [f"    and {len(named) - len(shown)} more"] * (len(named) > len(shown))
    for names, where in ((stage.only_a, "A"), (stage.only_b, "B")):
        lines += [f"    {name}: only in {where}" for name in names[:_SHOWN]]
    return lines


def difference(a: Path, b: Path) -> list[str]:
    """How two artefacts of one name differ: in values, rows, tensors, or a folder's files."""
    if not (a.exists() and b.exists()):
        return ["differs by its digest; it is not here any more"]
    if a.is_dir() and b.is_dir():
        found = []
        for name in sorted({p.name for p in (*a.iterdir(), *b.iterdir()) if p.name[0] != "."}):
            one, other = a / name, b / name
            if not (one.exists() and other.exists()):
                found.append(f"{name} is only in {'A' if one.exists() else 'B'}")
            elif digest_of(one) != digest_of(other):
                found += [f"{name}: {what}" for what in difference(one, other)]
        return found or ["differs"]
    reader = {".csv": _of_values, ".parquet": _of_rows, ".safetensors": _of_tensors}.get(a.suffix)
    try:
        return reader(a, b) if reader else ["differs"]
    except (OSError, ValueError, pa.ArrowException, SafetensorError) as error:
        return [f"differs, and one of them cannot be read: {str(error).splitlines()[0]}"]


def _of_values(a: Path, b: Path) -> list[str]:
    """For each numeric column of two CSV files: how many cells differ, and by how much at most.

    Rows belong together if all their texts are the same.
    """
    one, other = pd.read_csv(a), pd.read_csv(b)
    if list(one.columns) != list(other.columns):
        return [f"columns differ: {', '.join(sorted({*one.columns} ^ {*other.columns}))}"]
    numeric = [c for c in one if all(pd.api.types.is_numeric_dtype(f[c]) for f in (one, other))]
    numeric = [c for c in numeric if not (one[c].isna().all() and other[c].isna().all())]
    keys = [column for column in one if column not in numeric]
    for frame in (one, other):
        frame["_twin"] = frame.groupby(keys, dropna=False).cumcount() if keys else frame.index
    merged = one.merge(other, on=[*keys, "_twin"], how="outer", indicator=True)
    both = merged[merged["_merge"] == "both"]
    found = []
    for column in numeric:
        x, y = both[f"{column}_x"], both[f"{column}_y"]
        unequal = ~((x == y) | (x.isna() & y.isna()))
        groups = both["metric"] if "metric" in both else pd.Series("", index=both.index)
        for metric, part in both[unequal].groupby(groups[unequal], sort=True):
            gap = (part[f"{column}_x"] - part[f"{column}_y"]).abs()
            most = f", by at most {gap.max():.6g}" if gap.notna().any() else ""
            absent = f", {gap.isna().sum()} absent in one" if gap.isna().any() else ""
            of = f" of {metric}" if metric else ""
            total = int((groups == metric).sum())
            found.append(f"{column}{of}: {len(part)} of {total} differ{most}{absent}")
    for side, where in (("left_only", "A"), ("right_only", "B")):
        number = int((merged["_merge"] == side).sum())
        found += [f"{number} rows are only in {where}"] * bool(number)
    return found or ["the same values, written otherwise"]


def _of_rows(a: Path, b: Path) -> list[str]:
    """How many rows of two parquet files differ, by column."""
    one, other = pq.read_table(a), pq.read_table(b)
    if one.schema.names != other.schema.names:
        return [f"columns differ: {', '.join(sorted({*one.column_names} ^ {*other.column_names}))}"]
    if len(one) != len(other):
        return [f"{len(one):,} rows in A, {len(other):,} in B"]
    counts = {name: _unequal(one[name], other[name]) for name in one.column_names}
    found = [f"{name}: {n:,} of {len(one):,} rows differ" for name, n in counts.items() if n]
    return found or ["the same rows; what the file says of itself differs"]


def _unequal(a: pa.ChunkedArray, b: pa.ChunkedArray) -> int:
    try:
        equal = pc.equal(a, b)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):  # nested values
        return sum(x != y for x, y in zip(a.to_pylist(), b.to_pylist(), strict=True))
    # NaN is like NaN here, and a missing value like a missing one.
    neither = pc.and_(a.is_null(nan_is_null=True), b.is_null(nan_is_null=True))
    same = pc.or_(pc.fill_null(equal, False), neither)
    return len(a) - (pc.sum(same).as_py() or 0)


def _of_tensors(a: Path, b: Path) -> list[str]:
    """The largest difference of the values of each tensor."""
    one, other = load_file(a), load_file(b)
    found = []
    for name in sorted(one.keys() | other.keys()):
        x, y = one.get(name), other.get(name)
        if x is None or y is None:
            found.append(f"{name} is only in {'A' if y is None else 'B'}")
        elif x.shape != y.shape:
            found.append(f"{name}: shape {x.shape} in A, {y.shape} in B")
        elif not np.array_equal(x, y):
            gap = np.abs(x.astype(np.float64) - y.astype(np.float64))
            found.append(f"{name}: {np.count_nonzero(gap):,} of {gap.size:,} values differ, by at "
                         f"most {gap.max():.3g}")  # fmt: skip
    counts: dict[str, int] = defaultdict(int)
    for line in found:
        counts[line] += 1
    shown = list(counts)[:_SHOWN]
    return (shown + [f"and {len(counts) - _SHOWN} tensors more"] * (len(counts) > _SHOWN)) or [
        "the same tensors; what the file says of itself differs"
    ]
