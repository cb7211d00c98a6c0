"""Snakemake's records of outputs, in `.snakemake/metadata` and `.snakemake/incomplete`.

The layout is that of Snakemake 9's default persistence (persistence/file.py).
"""

import base64
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path

METADATA = ".snakemake/metadata"  # a record of each finished output
INCOMPLETE = ".snakemake/incomplete"  # a marker for each output that a job has not finished
_TIME = re.compile(r"'fetch (\d+)'")


def record_path(folder: str | Path, output: str) -> Path | None:
    """The record of `output` in METADATA or INCOMPLETE; None if there is none.

    Its name is the output's path in base 64, split into folders where that is long.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return None
    name = base64.urlsafe_b64encode(output.encode()).decode()
    most = os.pathconf(folder, "PC_NAME_MAX") - 1
    parts = [name[i : i + most] for i in range(0, len(name), most)]
    place = folder.joinpath(*(f"@{part}" for part in parts[:-1]), parts[-1])
    return place if place.is_file() else None


def rule_of(output: str) -> str | None:
    """The rule that made `output`, by Snakemake's record; None without one that can be read."""
    place = record_path(METADATA, output)
    try:
        return None if place is None else json.loads(place.read_text(encoding="utf-8"))["rule"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_gone(output: str) -> bool:
    """Whether a job has made `output`, and it is not there any more."""
    return not os.path.exists(output) and record_path(METADATA, output) is not None


def time_fetched(output: str, parts: Iterable[str] = ()) -> str:
    """A parameter of the rules that fetch: `fetch N`, with another N if the output has gone.

    parts: files beside the output that belong to it.

    Snakemake makes a missing file again only if a job that runs needs it. A changed parameter makes
    it run the job.
    """
    place = record_path(METADATA, output)
    params = json.loads(place.read_text(encoding="utf-8"))["params"] if place else None
    found = [match for text in params or () if (match := _TIME.fullmatch(text))]
    before = int(found[0][1]) if found else 0
    there = all(map(os.path.exists, (output, *parts)))
    return f"fetch {before if there else before + 1}"
