"""Checks of names that become paths: two different things must not have one path.

Each check yields error messages: the key, what is wrong with it, and what to do. Paths are compared
without case, since some file systems do not tell it apart.
"""

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from hybridbatch.experiment import outputs
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.lookups import places

# A folder of such a name would look like a file that the workflow writes beside it.
_SUFFIX = re.compile(
    r".*\.(csv|md|tex|html|svg|txt|json|jsonl|parquet|safetensors|run|qrels|log|lock|tmp)", re.I
)
_PROJECT = Path(__file__).parents[4]
# Folders of the project, and of the tools that work on it.
_OWN = {"workflow", "config", "envs", "profiles", "resources", "benchmarks", "docs", "tests"}
_OWN |= {".git", ".snakemake", ".venv"}
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.I)  # on Windows


def clashing_names(experiment: Experiment) -> Iterator[str]:
    """The messages of all checks of this module."""
    yield from _unusable(experiment)
    yield from _alike(experiment)
    yield from _same_systems(experiment)
    yield from _same_downloads(experiment)
    yield from _roots(experiment)


def _roots(experiment: Experiment) -> Iterator[str]:
    """Roots of results and downloads that are one folder, or a folder of something else."""
    roots = experiment.pathvars
    places = {name: Path(os.path.abspath(folder)) for name, folder in roots.plain().items()}
    for name, place in places.items():
        folder = getattr(roots, name)
        inside = place.parts[len(_PROJECT.parts) :] if place.is_relative_to(_PROJECT) else ()
        if _PROJECT.is_relative_to(place) or Path.cwd().is_relative_to(place):
            yield f"pathvars.{name}: {folder!r} is no folder of its own; name one"
        elif inside and inside[0].casefold() in _OWN:
            yield f"pathvars.{name}: {inside[0]!r} is a folder of the project itself; name another"
    if str(places["results"]).casefold() == str(places["downloads"]).casefold():
        yield f"pathvars: results and downloads are both {roots.results!r}; choose two folders"


def _unusable(experiment: Experiment) -> Iterator[str]:
    """Names that a file system or the workflow has another use for."""
    tables = {name.casefold() for name in outputs.TABLES}
    for name in experiment.catalogue.benchmarks:
        if name.casefold() in tables:
            yield f"catalogue.benchmarks.{name}: a table has that name; choose another"
    for section in type(experiment.catalogue).model_fields:
        for name in getattr(experiment.catalogue, section):
            where = f"catalogue.{section}.{name}"
            if _SUFFIX.fullmatch(name):
                yield f"{where}: ends like the name of a file; choose another"
            elif _DEVICE.fullmatch(name):
                yield f"{where}: Windows has no folder of that name; choose another"


def _alike(experiment: Experiment) -> Iterator[str]:
    """Names of one section that differ only in case."""
    for section in type(experiment.catalogue).model_fields:
        seen: dict[str, str] = {}
        for name in getattr(experiment.catalogue, section):
            other = seen.setdefault(name.casefold(), name)
            if other != name:
                yield (
                    f"catalogue.{section}: {other!r} and {name!r} differ only in case, which some "
                    "file systems do not tell apart; rename one"
                )


def _same_systems(experiment: Experiment) -> Iterator[str]:
    """Pairs of encoder and sampling that are one system by name."""
    ablations = experiment.ablations
    encoders = dict.fromkeys([*experiment.encoders, *ablations.encoders])
    samplings = dict.fromkeys([*experiment.samplings, *ablations.samplings, *ablations.lareqa])
    systems: dict[str, tuple[str, str]] = {}
    for pair in product(encoders, samplings):
        name = "_".join(pair)
        other = systems.setdefault(name.casefold(), pair)
        if other != pair:
            yield (
                f"encoders, samplings: {other[0]!r} with {other[1]!r} and {pair[0]!r} with "
                f"{pair[1]!r} are both named {name!r}; rename one"
            )


def _same_downloads(experiment: Experiment) -> Iterator[str]:
    """Files of sources that would be one file, or a file and a folder, among the downloads."""
    files: dict[str, tuple[str, str | None]] = {}
    folders: set[str] = set()
    for name, source in experiment.catalogue.sources.items():
        where = f"catalogue.sources.{name}"
        for place, values in places([source]).items():
            other, sha256 = files.setdefault(place.casefold(), (place, values["sha256"]))
            if other != place:
                yield f"{where}: {other} and {place} differ only in case; rename one"
            elif sha256 != values["sha256"]:
                yield f"{where}: {place} is pinned to two different hashes; keep one"
            *parents, _ = place.casefold().split("/")
            folders |= {"/".join(parents[:depth]) for depth in range(1, len(parents) + 1)}
    for place in files.keys() & folders:
        yield f"catalogue.sources: {files[place][0]} is a file and a folder; rename one"
