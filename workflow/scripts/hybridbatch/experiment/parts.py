"""The part of a configuration that one table depends on.

Every Snakemake process asks it, so it imports as little as `config` does.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from hybridbatch.experiment import lookups

_CORPORA = ("corpora", "target_languages", "translator")
# The keys that a table depends on, where it is not all of them.
_KEYS = {
    "evaluation_data": ("benchmarks",),
    "training_data": (*_CORPORA, "filtering"),
    "filtering": (*_CORPORA, "filtering"),
    "translation": _CORPORA,
    "translation_quality": ("quality", "target_languages", "translator"),
    "contamination": (*_CORPORA, "filtering", "benchmarks", "contamination"),
}
# Of the machine, or of tables of their own.
_ELSEWHERE = ("mirror", "quality", "contamination", "ablations", "exports")


def part_for(config: dict, table: str) -> dict:
    """The part of the resolved configuration that a table depends on, in plain types, sorted.

    Of the catalogue only what is chosen: an entry more in it is no other configuration. To make
    the table again, lay the part over any whole configuration.
    """
    plain = json.loads(json.dumps(config, default=str))
    keys = _KEYS.get(table, tuple(key for key in plain if key not in _ELSEWHERE))
    part = {key: plain[key] for key in ("pathvars", *keys) if key in plain}
    if table in plain["benchmarks"]:
        part["benchmarks"] = [table]
    ablations = plain.get("ablations", {})
    if table in ablations:
        kept = ("benchmarks", "samplings", table)
        part["ablations"] = {key: ablations[key] for key in kept if key in ablations}
    part["catalogue"] = _chosen(plain, part)
    return json.loads(json.dumps(part, sort_keys=True))


def part_hash(part: dict) -> str:
    """sha256 of a configuration, however its keys are ordered and its lines are laid out."""
    text = json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _chosen(config: dict, part: dict) -> dict:
    """The catalogue's entries that `part` names, and of its sources the files they name."""
    catalogue, chosen = config["catalogue"], {}
    ablations = part.get("ablations", {})
    sections = {
        "corpora": [*part.get("corpora", ()), *part.get("validation", ())],
        "benchmarks": [*part.get("benchmarks", ()), *ablations.get("benchmarks", ())],
        "references": part.get("quality", ()),
        "encoders": [*part.get("encoders", ()), *ablations.get("encoders", ())],
    }
    for section, names in sections.items():
        chosen[section] = {name: catalogue[section][name] for name in dict.fromkeys(names)}
    if "translator" in part:
        chosen["translators"] = {part["translator"]: _translator(config, "quality" in part)}
    named = [
        entry
        for section in ("corpora", "benchmarks", "references")
        for entry in chosen[section].values()
    ]
    chosen["sources"] = _sources(catalogue["sources"], named)
    return {section: entries for section, entries in chosen.items() if entries}


def _translator(config: dict, back: bool) -> dict:
    """The translator with its routes to the target languages, pivots included; and `back`."""
    entry = config["catalogue"]["translators"][config["translator"]]
    targets = config["target_languages"]
    languages = {code for target in targets for code in lookups.steps(config, target)}
    if back:
        languages |= {code for target in targets for code in lookups.back_steps(config, target)}
    kept = {**entry}
    for key in ("routes", "back", "codes"):
        if key in entry:
            kept[key] = {code: v for code, v in entry[key].items() if code in languages}
    if not back:
        kept.pop("back", None)
    return kept


def _sources(sources: dict, entries: list[dict]) -> dict:
    """Of each source that an entry names, the files that it names, in whichever of its keys.

    A series is named as a whole.
    """
    kept: dict[str, dict] = defaultdict(lambda: {"files": {}, "series": {}})
    for entry in entries:
        texts = set(_texts(entry, entry.get("languages") or ()))
        for name in texts & set(sources):
            for key, chosen in kept[name].items():
                files = sources[name].get(key, {})
                chosen |= {file: files[file] for file in texts & set(files)}
    return {
        name: {**sources[name], **{key: files for key, files in of_source.items() if files}}
        for name, of_source in kept.items()
        if any(of_source.values())
    }


def _texts(value: Any, languages: Iterable[str]) -> Iterator[str]:
    """Every text in a catalogue's entry, those with `{language}` in it for every language."""
    if isinstance(value, str):
        yield from (value.replace("{language}", code) for code in languages)
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, languages)
