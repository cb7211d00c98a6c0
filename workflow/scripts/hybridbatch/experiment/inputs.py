"""The input files of a configuration, looked at while planning, before any job.

Snakemake takes a finished output whose input is gone as it is, and notices a changed input only by
its time. Here each file of the selected entries has to be there, and each download has to be the
pinned one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hybridbatch.experiment import image_systems, lookups, outputs
from hybridbatch.experiment.base import File, Model
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.names import SOURCE_LANGUAGE
from hybridbatch.runtime.errors import SourceError
from hybridbatch.runtime.hashes import Hashes, recorded_hashes

_OF_DEBIAN = " Type: apt-get install {}"
_OF_THE_HUB = " For a {} of the hub give its `revision`, a full commit."


class Named(NamedTuple):
    """An input, the key of the configuration that names it, and what to do if it is not there."""

    key: str
    file: File
    otherwise: str = ""


def check(config: Experiment, hashes: Hashes, locked: str | Path) -> list[str]:
    """Messages on inputs of the selected entries that are missing, or are not the pinned ones.

    hashes: of the files that were seen before. locked: the JSON file of hashes that stand in for
    pins of null, by URL.
    """
    named = list(selected(config))
    found = [
        f"{key}: there is no folder or file {file.name}.{otherwise}"
        for key, file, otherwise in named
        if file.source is None and not Path(file.name).exists()
    ]
    try:
        pins = _pins(config, named, locked)
    except SourceError as error:
        return [*found, str(error)]
    for path, pinned in pins.items():
        if Path(path).exists() and pinned is not None:
            (sha256,) = hashes.sha256(path)
            if sha256 != pinned:
                found.append(
                    f"{path}: sha256 is {sha256}, and {pinned} is pinned: it was changed after it "
                    "was fetched. Remove it and run again: it is then fetched again, and what was "
                    "made from it is made again."
                )
    for manifest in _manifests(config):
        for shard, recorded in shards(manifest).items():
            if Path(shard).exists() and hashes.sha256(shard) != [recorded]:
                found.append(
                    f"{shard}: was changed after it was fetched. Remove it and run again: its data "
                    "set is then read again, and what was made from it is made again."
                )
    return list(dict.fromkeys(found))


def shards(manifest: str | Path) -> dict[str, str]:
    """The shards of a streamed data set and their sha256; none if it has not been streamed yet."""
    manifest = Path(manifest)
    if not manifest.is_file():
        return {}
    try:
        entries = json.loads(manifest.read_text(encoding="utf-8"))["shards"]
        return {str(manifest.parent / entry["file"]): entry["sha256"] for entry in entries}
    except (ValueError, KeyError, TypeError):
        return {}  # its reader says what is wrong with it


def downloads(config: Experiment) -> list[str]:
    """The paths of the files of sources, and of data sets of the hub, that are selected."""
    paths = [
        f"{config.pathvars.downloads}/{lookups.place(config, named.file)}"
        for named in selected(config)
        if named.file.fetched
    ]
    return list(dict.fromkeys([*paths, *_manifests(config)]))


def selected(config: Experiment) -> Iterator[Named]:
    """The files of the entries that the configuration selects, its own and those of sources."""
    catalogue = config.catalogue
    if config.mirror is not None:
        yield Named("mirror", File(None, config.mirror))
    for name in _corpora(config):
        entry, where = catalogue.corpora[name], f"catalogue.corpora.{name}"
        if entry.streamed and entry.url is None:
            yield Named(f"{where}.path", File(None, entry.path), _OF_THE_HUB.format("data set"))
        key = f"{where}.path" if getattr(entry, "source", None) is None else f"{where}.files"
        for file in entry.own_files():
            yield Named(key, file)
        if entry.parallel_languages is not None:
            for language in lookups.corpus_languages(config, name)[1:]:
                for file in entry.parallel_files(language):
                    yield Named(f"{where}.parallel.{language}", file)
    for name in _benchmarks(config):
        entry, where = catalogue.benchmarks[name], f"catalogue.benchmarks.{name}"
        yield from _installed(where, entry)
        for file in entry.other_files:
            yield Named(where, file)
        for language in entry.languages:
            for key, file in entry.files(language).items():
                yield Named(f"{where}.{'path' if key == 'file' else key}", file)
            if not entry.ranks_all:
                for file in entry.passage_files(language):
                    yield Named(f"{where}.passages", file)
    for name in config.quality:
        entry = catalogue.references[name]
        codes = [SOURCE_LANGUAGE, *lookups.scored_languages(config, name)]
        for language in codes:
            if language in entry.languages:
                yield Named(f"catalogue.references.{name}.path", entry.file_in(language))
    for section, names in (
        ("encoders", [*config.encoders, *config.ablations.encoders]),
        ("translators", [config.translator]),
    ):
        for name in dict.fromkeys(names):
            entry = getattr(catalogue, section)[name]
            model = getattr(entry, "model", None)
            if model is not None and entry.revision is None:
                key = f"catalogue.{section}.{name}.model"
                yield Named(key, File(None, model), _OF_THE_HUB.format("model"))
            yield from _installed(f"catalogue.{section}.{name}", entry)
    if image_systems.is_made(config):
        entry, where = (
            image_systems.encoder(config),
            f"catalogue.encoders.{config.image_text.encoder}",
        )
        for side, tower in (("text", entry.text), ("image", entry.image)):
            model = getattr(tower, "model", None)
            if model is not None and tower.revision is None:
                key = f"{where}.{side}.model"
                yield Named(key, File(None, model), _OF_THE_HUB.format("model"))


def _installed(where: str, entry: Model) -> Iterator[Named]:
    """What an entry is made from that packages install, such as fonts."""
    for key, (path, package) in getattr(entry, "installed", {}).items():
        otherwise = _OF_DEBIAN.format(package) if package else ""
        yield Named(f"{where}.{key}", File(None, path), otherwise)


def files_in(path: str | Path) -> list[str]:
    """The files of an input that may be a folder, sorted, without hidden ones."""
    path = Path(path)
    files = path.rglob("*") if path.is_dir() else [path]
    return sorted(str(file) for file in files if file.is_file() and file.name[0] != ".")


def _corpora(config: Experiment) -> Iterable[str]:
    return dict.fromkeys([*config.corpora, *config.validation])


def _manifests(config: Experiment) -> list[str]:
    """The manifests of the selected data sets."""
    return [
        path
        for name in _corpora(config)
        if config.catalogue.corpora[name].streamed
        for path in lookups.corpus_files(config, name)
    ]


def _benchmarks(config: Experiment) -> Iterable[str]:
    of_ablations = config.ablations.benchmarks if outputs.varied(config) else []
    of_images = []
    if image_systems.is_made(config):
        of_images = [config.image_text.corpus, *config.image_text.benchmarks]
    of_tables = [n for of in config.benchmarks for n in lookups.benchmarks_of_table(config, of)]
    return dict.fromkeys([*of_tables, *of_ablations, *of_images])


def _pins(
    config: Experiment, named: Iterable[Named], locked: str | Path
) -> Mapping[str, str | None]:
    """The pinned hash of each selected download, by path."""
    known = lookups.sources(config)
    recorded, pins = recorded_hashes(locked), {}
    for _, file, _ in named:
        if file.fetched:
            place = lookups.place(config, file)
            pin = known[place]["sha256"] or recorded.get(known[place]["url"])
            pins[f"{config.pathvars.downloads}/{place}"] = pin
    return pins
