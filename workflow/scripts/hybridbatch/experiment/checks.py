"""What a schema cannot check: keys of the configuration that must fit each other, above all names.

Each check yields its complaints: the key, what is wrong there, and what to do. Asked by
`config.validate` of what the schema has passed.
"""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

from hybridbatch.experiment.lookups import (
    corpus_languages,
    has_passages,
    passage_names,
    source_files,
)
from hybridbatch.experiment.names import (
    ABLATIONS,
    BIAS_TABLES,
    COUNT_TABLES,
    PASSAGE_READERS,
    SCORE_TABLES,
    SOURCE_LANGUAGE,
    STATISTICS_TABLES,
)


def wrong_names(config: dict) -> Iterator[str]:
    """The complaints of all checks about a configuration that fits the schema."""
    catalogue = config["catalogue"]
    for key, section in (
        ("corpora", "corpora"),
        ("validation", "corpora"),
        ("encoders", "encoders"),
        ("benchmarks", "benchmarks"),
        ("quality", "references"),
    ):
        known = catalogue[section]
        for name in config[key]:
            if name not in known:
                yield f"{key}: {name!r} is not in the catalogue{did_you_mean(name, known)}"
    taken = {*SCORE_TABLES, *COUNT_TABLES, *STATISTICS_TABLES, *BIAS_TABLES, *ABLATIONS}
    for name in set(catalogue["benchmarks"]) & taken:
        yield f"catalogue.benchmarks.{name}: a table has that name; choose another"
    for name, entry in catalogue["encoders"].items():
        if entry["kind"] == "scratch" and entry["dimension"] % entry["heads"]:
            yield (
                f"catalogue.encoders.{name}.dimension: {entry['dimension']} is no multiple of "
                f"heads, {entry['heads']}"
            )
    for name, entry in catalogue["translators"].items():
        where = f"translators.{name}.engine"
        yield from _wrong_module(where, entry["engine"], "translation/engines")
        yield from _wrong_codes(name, entry)
        yield from _wrong_back(name, entry.get("back", {}))
    yield from _wrong_ablations(config)
    if config["translator"] not in catalogue["translators"]:
        name, known = config["translator"], catalogue["translators"]
        yield f"translator: {name!r} is not in the catalogue{did_you_mean(name, known)}"
        return
    routes = catalogue["translators"][config["translator"]]["routes"]
    for language in config["target_languages"]:
        seen = [language]
        while seen[-1] != SOURCE_LANGUAGE:
            if seen[-1] not in routes:
                yield (
                    f"target_languages: {config['translator']} has no route to {seen[-1]!r}"
                    f"{did_you_mean(seen[-1], routes)}"
                )
                break
            source = routes[seen[-1]]["source"]
            if source in seen:
                yield f"translators.{config['translator']}: the route to {language!r} is a circle"
                break
            seen.append(source)
    for name, entry in catalogue["corpora"].items():
        yield from _wrong_module(f"corpora.{name}.reader", entry["reader"], "data/readers")
        yield from _wrong_source(f"corpora.{name}", entry, catalogue["sources"], "files")
        yield from _wrong_parallel(name, entry, catalogue["sources"])
    for name, entry in catalogue["benchmarks"].items():
        if entry["reader"] in PASSAGE_READERS:
            yield from _wrong_passages(f"benchmarks.{name}", entry, catalogue["sources"])
        else:
            yield from _wrong_source(f"benchmarks.{name}", entry, catalogue["sources"], "file")
    for name, entry in catalogue["references"].items():
        yield from _wrong_source(f"references.{name}", entry, catalogue["sources"], "file")
        if SOURCE_LANGUAGE not in entry["languages"]:
            yield f"catalogue.references.{name}.languages: {SOURCE_LANGUAGE!r} is translated from"
    for name in config["validation"]:
        if name in catalogue["corpora"] and not catalogue["corpora"][name]["holdout"]:
            yield f"validation: corpus {name!r} has holdout 0: nothing is held out of it"
        if name in catalogue["corpora"]:
            language = catalogue["corpora"][name]["language"]
            if language != SOURCE_LANGUAGE:
                yield f"validation: corpus {name!r} is in {language!r}; validation is in English"
    for name in config["corpora"]:
        entry = catalogue["corpora"].get(name, {"language": SOURCE_LANGUAGE, "holdout": 0})
        if entry["holdout"] == 1:
            yield f"corpora: corpus {name!r} has holdout 1: nothing is left of it to train on"
        translated = entry["language"] != SOURCE_LANGUAGE and "parallel" not in entry
        if translated and corpus_languages(config, name)[1:]:
            yield (
                f"corpora: corpus {name!r} is in {entry['language']!r}, and translation starts "
                "from English: give the corpus `languages: []`"
            )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a complaint about `name`: the known name that is like it, or else all of them."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def _wrong_module(where: str, name: str, package: str) -> Iterator[str]:
    """A reader or engine without a module: `package` is where they lie."""
    files = (Path(__file__).parents[1] / package).glob("[!_]*.py")
    known = [file.stem for file in files]
    if name not in known:
        yield (
            f"catalogue.{where}: {name!r} is no module of workflow/scripts/hybridbatch/{package}"
            f"{did_you_mean(name, known)}"
        )


def _wrong_codes(name: str, translator: dict) -> Iterator[str]:
    """A neural translator's routes whose languages have no code."""
    if "codes" not in translator:
        return
    routes = translator["routes"]
    for language in dict.fromkeys([*routes, *(route["source"] for route in routes.values())]):
        if language not in translator["codes"]:
            yield (
                f"catalogue.translators.{name}.codes: a route needs the model's own code of "
                f"{language!r}"
            )


def _wrong_back(name: str, back: dict) -> Iterator[str]:
    """Ways back that do not come to English."""
    where = f"catalogue.translators.{name}.back"
    for language in back:
        seen = [language]
        if language == SOURCE_LANGUAGE:
            yield f"{where}.{language}: {language!r} is where a way back ends; leave it out"
            continue
        while seen[-1] in back and seen[-1] != SOURCE_LANGUAGE:
            seen.append(back[seen[-1]]["target"])
            if seen[-1] in seen[:-1]:
                yield f"{where}.{language}: the way back is a circle, {'-'.join(seen)}"
                break
        else:
            if seen[-1] != SOURCE_LANGUAGE:
                yield (
                    f"{where}.{language}: the way back ends at {seen[-1]!r}, not at "
                    f"{SOURCE_LANGUAGE!r}; add {where}.{seen[-1]}"
                )


def _wrong_ablations(config: dict) -> Iterator[str]:
    ablations, catalogue = config["ablations"], config["catalogue"]
    any_ablation = any(ablations[name] for name in ABLATIONS)
    for key, section in (("benchmarks", "benchmarks"), ("encoders", "encoders")):
        known = catalogue[section]
        for name in ablations[key]:
            if name not in known:
                where = f"ablations.{key}: {name!r} is not in the catalogue"
                yield f"{where}{did_you_mean(name, known)}"
            elif any_ablation and key == "benchmarks" and has_passages(config, name):
                yield f"ablations.benchmarks: {name!r} has shards of passages, too dear here"
    for name in ("alpha", "data_size", "temperature"):
        printed = [f"{value:g}" for value in ablations[name]]
        for twice in {value for value in printed if printed.count(value) > 1}:
            yield f"ablations.{name}: two values print as {twice}"
    scored = {
        code
        for name in ablations["benchmarks"]
        for code in catalogue["benchmarks"].get(name, {"languages": ()})["languages"]
    }
    own = {
        catalogue["corpora"][c]["language"] for c in config["corpora"] if c in catalogue["corpora"]
    }
    routes = catalogue["translators"].get(config["translator"], {"routes": {}})["routes"]
    for code in ablations["unseen_languages"]:
        where = f"ablations.unseen_languages: {code!r}"
        if config["translator"] in catalogue["translators"] and code not in routes:
            yield f"{where}: {config['translator']} has no route to it{did_you_mean(code, routes)}"
        elif code in own:
            yield f"{where} is a corpus' own language, which is always trained on"
        elif code not in scored:
            yield f"{where} is in none of ablations.benchmarks, so that nothing would show"


def _wrong_source(name: str, entry: dict, known: dict, key: str) -> Iterator[str]:
    where = f"catalogue.{name}"
    if ("path" in entry) == ("source" in entry) or ("source" in entry) != (key in entry):
        yield f"{where}: give either `path`, or `source` and `{key}`"
    elif "source" in entry and "licence" in entry:
        yield f"{where}.licence: stands with the source; leave it out"
    elif "source" in entry and entry["source"] not in known:
        yield f"{where}.source: no such source{did_you_mean(entry['source'], known)}"
    elif "source" in entry:
        named = (
            entry[key]
            if key == "files"
            else [entry[key].replace("{language}", language) for language in entry["languages"]]
        )
        for file in named:
            if file not in source_files(known[entry["source"]]):
                yield f"{where}.{key}: {file!r} is not among the source's files"


def _wrong_parallel(name: str, entry: dict, known: dict) -> Iterator[str]:
    where, parallel = f"catalogue.corpora.{name}", entry.get("parallel", {})
    if parallel and "source" not in entry:
        yield f"{where}.parallel: names files of a `source`, and the corpus has none"
    for language, files in parallel.items():
        if language == entry["language"]:
            yield f"{where}.parallel: {language!r} is the corpus' own language; leave it out"
        for file in files:
            if entry.get("source") in known and file not in source_files(known[entry["source"]]):
                yield f"{where}.parallel.{language}: {file!r} is not among the source's files"
    for language in entry.get("languages", ()):
        if parallel and language not in parallel:
            yield f"{where}.languages: {language!r} is not among the languages of `parallel`"


def _wrong_passages(name: str, entry: dict, known: dict) -> Iterator[str]:
    """A benchmark with passages whose languages, shards and files do not fit together."""
    where, languages = f"catalogue.{name}", entry["languages"]
    for key in ("averaged", "shards"):
        for language in entry.get(key, ()):
            if language not in languages:
                yield f"{where}.{key}: {language!r} is not among the benchmark's languages"
    for language in languages:
        if language not in entry["shards"]:
            yield f"{where}.shards: says nothing of {language!r}"
    named = {
        "source": [
            entry[k].replace("{language}", c) for k in ("topics", "qrels") for c in languages
        ],
        "corpus": [file for code in languages for file in passage_names(entry, code)],
    }
    for key, files in named.items():
        if key not in entry:
            continue
        if entry[key] not in known:
            yield f"{where}.{key}: no such source{did_you_mean(entry[key], known)}"
            continue
        there = source_files(known[entry[key]])
        if missing := [file for file in files if file not in there]:
            more = f" nor are {len(missing) - 1} more" if missing[1:] else ""
            yield f"{where}.{key}: {missing[0]!r} is not among the source's files{more}"
