"""The configuration: validated strictly, then asked by name.

The schema (workflow/schemas/config.schema.yaml) says which keys there are; the functions here
check what a schema cannot, names that refer to other names, and answer the questions the rules
ask. Nothing here imports more than the standard library, yaml and jsonschema, since every
Snakemake process runs it.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import jsonschema
import yaml

from hybridbatch.errors import ConfigError

SOURCE_LANGUAGE = "en"
# The tables beside those of the benchmarks, which are named after them.
SCORE_TABLES = ("main", "language_bias", "rank_distance")
COUNT_TABLES = (
    "evaluation_data",
    "training_data",
    "translation",
    "translation_quality",
    "filtering",
    "contamination",
)
STATISTICS_TABLES = ("significance", "reproduction", "claims")
# Made where a benchmark has one pool of several languages.
BIAS_TABLES = ("bias_detail",)
# Each is a list of the configuration's `ablations`, by the table it becomes.
ABLATIONS = (
    "alpha",
    "data_size",
    "languages",
    "unseen_languages",
    "temperature",
    "encoders",
    "lareqa",
)
# Ablations that vary a number: each has a figure of its name, too.
CURVES = ("alpha", "data_size", "languages", "temperature")
# Engines that take a GPU where there is one.
NEURAL_ENGINES = ("transformers_mt", "ctranslate2_mt")
# Readers of benchmarks that ask the same questions in every language.
PARALLEL_READERS = ("lareqa",)
# Benchmarks with more passages than can all be ranked: only the first are, by an index.
PASSAGE_READERS = ("miracl",)
_NONE = "none"  # no language left out
_UNSTATED = "not stated in the configuration"  # a licence
_SCHEMA = Path(__file__).parents[2] / "schemas" / "config.schema.yaml"
_CATALOGUE = Path(__file__).parents[3] / "config" / "catalogue.yaml"
_Draft = jsonschema.Draft202012Validator
# JSON Schema takes 64.0 for an integer; what counts things does not.
_Validator = jsonschema.validators.extend(
    _Draft, type_checker=_Draft.TYPE_CHECKER.redefine("integer", lambda _, v: type(v) is int)
)


@dataclass(frozen=True)
class System:
    """A named pair of encoder and sampling, of which an ablation changes one thing.

    changed: `alpha`, `temperature`, `pairs` (share of the training pairs), `languages` (how many,
    the first of the configuration's) or `without` (the language left out), with its `value`.
    """

    encoder: str
    sampling: str
    changed: str = ""
    value: float | int | str | None = None

    @property
    def variant(self) -> str:
        """The encoder and what is changed: samplings are compared within a variant."""
        return f"{self.encoder}@{self.changed}-{self.value}" if self.changed else self.encoder

    @property
    def name(self) -> str:
        return f"{self.variant}_{self.sampling}"


@dataclass(frozen=True)
class Point:
    """One value of an ablation, as it stands in its table, and a system trained with it."""

    value: str
    system: System


def load_schema() -> dict:
    """The JSON schema of a configuration."""
    return yaml.safe_load(_SCHEMA.read_text(encoding="utf-8"))


def load(files: Iterable[str | Path]) -> dict:
    """The configuration that `snakemake --configfile FILES` has, the catalogue before them.

    Later files win: mappings are merged, lists replaced. Validated.
    """
    config: dict = {}
    for file in (_CATALOGUE, *files):
        if not Path(file).is_file():
            raise ConfigError(f"{file}: there is no such configuration.")
        try:
            values = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise ConfigError(f"{file}: cannot be read: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"{file}: is not a mapping of keys to values")
        _merge(config, values)
    validate(config)
    return config


def validate(config: dict) -> None:
    """Raise `ConfigError` naming every wrong key, or return.

    Values are not coerced: `--config alpha=0.5x` is an error, and so is YAML's `no` for
    Norwegian, which arrives as False.
    """
    validator = _Validator(load_schema())
    # Snakemake hands over OrderedDicts and its own types; JSON is what the schema speaks of.
    text = json.dumps(config, default=str)  # YAML's dates are text
    plain = json.loads(text, parse_constant=str)  # NaN and Infinity are no numbers
    problems = [p for e in validator.iter_errors(plain) for p in _describe(e)]
    problems = problems or list(_wrong_names(plain))
    if problems:
        raise ConfigError("the configuration is wrong:\n  " + "\n  ".join(sorted(set(problems))))


def read_command_line_seeds(config: dict) -> None:
    """Make `--config seeds='[0, 1]'` integers: Snakemake reads such a list as strings."""
    seeds = config.get("seeds")
    if isinstance(seeds, list):
        config["seeds"] = [int(s) if isinstance(s, str) and s.isdecimal() else s for s in seeds]


def systems(config: dict) -> dict[str, System]:
    """The systems to run, by name: every encoder with every sampling."""
    pairs = [System(e, s) for e in config["encoders"] for s in config["samplings"]]
    return {system.name: system for system in pairs}


def multilingual_benchmarks(config: dict) -> list[str]:
    """The benchmarks whose languages are searched together: questions and answers are parallel."""
    entries = config["catalogue"]["benchmarks"]
    return [name for name in config["benchmarks"] if entries[name]["reader"] in PARALLEL_READERS]


def pool_languages(config: dict, benchmark: str, setting: str, language: str) -> list[str]:
    """The languages of the candidates that queries of `language` are ranked against.

    setting: monolingual, multilingual, or cross-lingual/ with the candidates' language. Raises
    `ConfigError` for a language that the benchmark has not, and for two that are the same.
    """
    known = config["catalogue"]["benchmarks"][benchmark]["languages"]
    name, _, other = setting.partition("/")
    for code in filter(None, (language, other)):
        if code not in known:
            raise ConfigError(f"{benchmark}: has no language {code!r}; it has {', '.join(known)}")
    if other == language:
        raise ConfigError(f"{setting}: candidates in the queries' language are monolingual")
    if name == "multilingual":
        return list(known)
    return [other or language]


def ablation_points(config: dict, ablation: str) -> list[Point]:
    """The points of one of ABLATIONS, in the configuration's order.

    A point whose value is the configuration's own is the system that the tables have, so that
    nothing is trained twice; alpha 1 is x-x-mono and alpha 0 is x-y. Numbers of languages and left
    out languages that `target_languages` does not reach are no points: see `unreachable_points`.
    """
    unreachable = unreachable_points(config).get(ablation, [])
    values = [v for v in config["ablations"][ablation] if v not in unreachable]
    encoders = config["encoders"]
    if ablation == "alpha":
        return [Point(f"{v:g}", _mixed(config, e, v)) for v in values for e in encoders]
    samplings = config["ablations"]["samplings"]
    if ablation == "encoders":
        return [Point(v, System(v, s)) for v in values for s in samplings]
    if ablation == "lareqa":
        return [Point(v, System(e, v)) for v in values for e in encoders]
    if ablation == "unseen_languages" and values:
        values = [_NONE, *values]
    changed, own = {
        "data_size": ("pairs", lambda _: 1),
        "languages": ("languages", lambda _: len(all_languages(config))),
        "unseen_languages": ("without", lambda _: _NONE),
        "temperature": ("temperature", lambda e: _training(config, e)["temperature"]),
    }[ablation]
    return [
        Point(
            value if isinstance(value, str) else f"{value:g}",
            System(e, s) if value == own(e) else System(e, s, changed, value),
        )
        for value in values
        for e in encoders
        for s in samplings
    ]


def unreachable_points(config: dict) -> dict[str, list]:
    """By ablation, the values that need more languages than are trained on.

    A list narrowed on the command line is no reason to refuse to run what it does reach. Without
    a language there must be two others, or no batch is cross-lingual.
    """
    ablations, trained = config["ablations"], train_languages(config)
    number = len(all_languages(config))
    without = [] if len(trained) < 3 else [c for c in trained if c != SOURCE_LANGUAGE]
    return {
        "languages": [n for n in ablations["languages"] if n > number],
        "unseen_languages": [c for c in ablations["unseen_languages"] if c not in without],
    }


def ablation_systems(config: dict) -> dict[str, System]:
    """The systems of all ablations by name, those among them that `systems` has, too."""
    points = (point for name in ABLATIONS for point in ablation_points(config, name))
    return {point.system.name: point.system for point in points}


def ablation_benchmarks(config: dict, ablation: str) -> list[str]:
    """The benchmarks that an ablation is scored on; LAReQA's figures are of the full ones."""
    parallel = multilingual_benchmarks(config)
    return parallel if ablation == "lareqa" else config["ablations"]["benchmarks"]


def seeds_of(config: dict, encoder: str) -> list[int]:
    """The seeds that an encoder is trained with: the configuration's, or the first of them."""
    return config["seeds"][: config["catalogue"]["encoders"][encoder].get("seeds")]


def encoder_entry(config: dict, encoder: str) -> dict:
    """The encoder's catalogue entry without its `training`, `seeds` and `licence`."""
    entry = config["catalogue"]["encoders"][encoder]
    others = ("training", "seeds", "licence")
    return {key: value for key, value in entry.items() if key not in others}


def training_values(config: dict, system: System) -> dict:
    """The resolved values of a training.TrainConfig."""
    values = {
        **_training(config, system.encoder),
        "sampling": system.sampling,
        "alpha": config["alpha"] if system.sampling == "hybrid" else 0.5,
        "pairs": 1.0,
    }
    if system.changed in values:
        values[system.changed] = float(system.value)
    return values


def all_languages(config: dict) -> list[str]:
    """English and the target languages, in which order the ablation of languages adds them."""
    others = [code for code in config["target_languages"] if code != SOURCE_LANGUAGE]
    return [SOURCE_LANGUAGE, *others]


def system_languages(config: dict, corpus: str, system: System) -> list[str]:
    """The languages of a corpus that a system is trained on; the corpus' own always is."""
    languages = corpus_languages(config, corpus)
    if system.changed == "languages":
        kept = all_languages(config)[: system.value]
        return [languages[0], *(code for code in languages[1:] if code in kept)]
    if system.changed == "without":
        return [languages[0], *(code for code in languages[1:] if code != system.value)]
    return languages


def corpus_languages(config: dict, corpus: str) -> list[str]:
    """The languages a corpus is trained on: its own, and those it is translated into.

    A corpus that comes in several languages is trained on in those and is never translated.
    """
    entry = config["catalogue"]["corpora"][corpus]
    own, targets = entry["language"], config["target_languages"]
    allowed = set(targets).intersection(entry.get("languages", targets))
    allowed = allowed.intersection(entry.get("parallel", targets))
    return [own, *(code for code in targets if code != own and code in allowed)]


def train_languages(config: dict) -> list[str]:
    """The languages with training data."""
    codes = (code for c in config["corpora"] for code in corpus_languages(config, c))
    return list(dict.fromkeys(codes))


def route(config: dict, language: str) -> dict:
    """How `language` is translated: engine, source language and the engine's own values.

    For a neural engine with `source_code` and `target_code`, the model's names of the languages.
    """
    translator = config["catalogue"]["translators"][config["translator"]]
    return _step(translator, language, translator["routes"][language])


def steps(config: dict, language: str) -> list[str]:
    """The languages on the way from English to `language`, both included."""
    found = [language]
    while found[0] != SOURCE_LANGUAGE:
        found.insert(0, route(config, found[0])["source"])
    return found


def back_steps(config: dict, language: str) -> list[str]:
    """The languages on the way from `language` back to English, both included.

    A neural engine goes straight. Empty where the translator names no way back.
    """
    translator = config["catalogue"]["translators"][config["translator"]]
    if "codes" in translator:
        return [language, SOURCE_LANGUAGE]
    back = translator.get("back", {})
    if language not in back:
        return []
    found = [language]
    while found[-1] != SOURCE_LANGUAGE:
        found.append(back[found[-1]]["target"])
    return found


def back_route(config: dict, language: str, target: str) -> dict:
    """How texts in `language` come to `target` on their way back to English, as `route` does.

    Raises `ConfigError` where the way back does not pass `target`.
    """
    translator = config["catalogue"]["translators"][config["translator"]]
    way = back_steps(config, language)
    if target not in way[1:]:
        raise ConfigError(
            f"translator {config['translator']}: no way back from {language!r} passes {target!r}"
        )
    source = way[way.index(target) - 1]
    own = translator.get("back", {}).get(source, {})
    values = {key: value for key, value in own.items() if key != "target"}
    return _step(translator, target, {"source": source, **values})


def scored_languages(config: dict, references: str) -> list[str]:
    """The target languages that a reference set is translated into.

    Those it has, and those that no chosen set has: their failures count, though not their scores.
    """
    entries = config["catalogue"]["references"]
    chosen = {code for name in config["quality"] for code in entries[name]["languages"]}
    own = entries[references]["languages"]
    targets = [code for code in config["target_languages"] if code != SOURCE_LANGUAGE]
    return [code for code in targets if code in own or code not in chosen]


def translated_languages(config: dict, corpus: str) -> list[str]:
    """The languages a corpus is translated into: its targets and the pivots on the way.

    For a corpus that comes in several languages, those it comes in.
    """
    if "parallel" in config["catalogue"]["corpora"][corpus]:
        return corpus_languages(config, corpus)[1:]
    found: dict[str, None] = {}
    for target in corpus_languages(config, corpus)[1:]:
        language = target
        while language != SOURCE_LANGUAGE:
            found[language] = None
            language = route(config, language)["source"]
    return list(found)


def sources(config: dict) -> dict[str, dict]:
    """Every pinned file by its place `<host>/<path>`: url, sha256 and licence."""
    return {
        _place(source["base"] + file): {
            "url": source["base"] + file,
            "sha256": sha256,
            "licence": source["licence"],
        }
        for source in config["catalogue"]["sources"].values()
        for file, sha256 in source_files(source).items()
    }


def source_files(source: dict) -> dict[str, str | None]:
    """The files of a source and their hashes: those it names, and its series, numbered from 0."""
    numbered = {
        name.replace("{number}", str(number)): None
        for name, count in source.get("series", {}).items()
        for number in range(count)
    }
    return {**source.get("files", {}), **numbered}


def corpus_files(config: dict, corpus: str) -> list[str]:
    """The files of a corpus: its own `path`, or its source's downloads."""
    entry = config["catalogue"]["corpora"][corpus]
    if "path" in entry:
        return [entry["path"]]
    return [_download(config, entry["source"], file) for file in entry["files"]]


def licence(config: dict, corpus: str) -> str:
    """The corpus' licence: its own `licence`, or its source's."""
    entry = config["catalogue"]["corpora"][corpus]
    if "source" in entry:
        return config["catalogue"]["sources"][entry["source"]]["licence"]
    return entry.get("licence", _UNSTATED)


def origin(config: dict, corpus: str) -> str:
    """Where a corpus comes from: its source's URL, or the file it is."""
    entry = config["catalogue"]["corpora"][corpus]
    if "source" in entry:
        return config["catalogue"]["sources"][entry["source"]]["base"]
    return entry["path"]


def card_corpora(config: dict, system: System) -> list[dict]:
    """The corpora that a system is trained on: the values of cards.Corpus but `pairs`."""
    found = []
    for name in config["corpora"]:
        languages = system_languages(config, name, system)
        parallel = "parallel" in config["catalogue"]["corpora"][name]
        found.append(
            {
                "name": name,
                "origin": origin(config, name),
                "licence": licence(config, name),
                "languages": languages,
                "translated": [] if parallel else languages[1:],
            }
        )
    return found


def card_facts(config: dict, system: System) -> dict:
    """What a model's card says beside data and scores: the values of cards.Facts but `corpora`."""
    entry = config["catalogue"]["encoders"][system.encoder]
    base = f"None: a {entry['kind']} encoder, trained from random weights."
    if "model" in entry:
        base = f"{_pinned(entry)}; licence: {entry.get('licence', _UNSTATED)}."
    translator = config["catalogue"]["translators"][config["translator"]]
    named = _pinned(translator) if "model" in translator else config["translator"]
    translated = {c for of in card_corpora(config, system) for c in of["translated"]}
    return {
        "system": system.name,
        "sampling": system.sampling,
        "base": base,
        "hub_name": entry["model"] if "revision" in entry else None,
        "translator": f"{named}; licence: {translator.get('licence', _UNSTATED)}",
        "ways": ["-".join(steps(config, code)) for code in sorted(translated)],
        "validation": [[name, licence(config, name)] for name in config["validation"]],
        "seen": train_languages(config),
        "scale": config["scale"],
    }


def parallel_files(config: dict, corpus: str, language: str) -> list[str]:
    """The files in which a corpus comes in a language other than its own."""
    entry = config["catalogue"]["corpora"][corpus]
    return [_download(config, entry["source"], file) for file in entry["parallel"][language]]


def benchmark_file(config: dict, benchmark: str, language: str) -> str:
    """The file of one benchmark language: its own `path`, or its source's download."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    if "path" in entry:
        return entry["path"].format(language=language)
    return _download(config, entry["source"], entry["file"].format(language=language))


def has_passages(config: dict, benchmark: str) -> bool:
    """Whether a benchmark's passages are too many to rank them all, as MIRACL's are."""
    return config["catalogue"]["benchmarks"][benchmark]["reader"] in PASSAGE_READERS


def benchmark_title(config: dict, benchmark: str) -> str:
    """What heads a benchmark's table; a search of judged passages only says so."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    return entry["title"] + (", judged passages only" if entry.get("judged_only") else "")


def mean_rows(config: dict, benchmark: str) -> dict:
    """The values of a cells.Rows: over what a benchmark's mean rows are, and which pools it has."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    if not has_passages(config, benchmark):
        return {}
    pool = "judged" if entry.get("judged_only") else "all"
    averaged = entry.get("averaged", entry["languages"])
    return {"pools": [pool], "averaged": averaged, "medians": True}


def topic_files(config: dict, benchmark: str, language: str) -> dict[str, str]:
    """The files `topics` and `qrels` of a benchmark with passages."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    names = {key: entry[key].replace("{language}", language) for key in ("topics", "qrels")}
    if "source" not in entry:
        return names
    return {key: _download(config, entry["source"], name) for key, name in names.items()}


def passage_files(config: dict, benchmark: str, language: str) -> list[str]:
    """The files of passages of one language, in the order of their numbers."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    names = _passage_names(entry, language)
    if "corpus" not in entry:
        return names
    return [_download(config, entry["corpus"], name) for name in names]


def passage_parts(config: dict, benchmark: str, language: str) -> list[str]:
    """The numbers of the jobs that search a language's passages, such as `003`."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    files = 1 if entry.get("judged_only") else entry["shards"][language]
    return [f"{part:03d}" for part in range(-(-files // entry["shards_a_job"]))]


def files_of_part(config: dict, benchmark: str, language: str, part: str) -> list[str]:
    """The files of passages that one of `passage_parts` searches."""
    size = config["catalogue"]["benchmarks"][benchmark]["shards_a_job"]
    return passage_files(config, benchmark, language)[int(part) * size :][:size]


def _passage_names(entry: dict, language: str) -> list[str]:
    name = entry["passages"].replace("{language}", language)
    return [name.replace("{number}", str(i)) for i in range(entry["shards"].get(language, 0))]


def reference_file(config: dict, references: str, language: str) -> str:
    """The file of one language of a reference set: its own `path`, or its source's download."""
    entry = config["catalogue"]["references"][references]
    if "path" in entry:
        return entry["path"].format(language=language)
    return _download(config, entry["source"], entry["file"].format(language=language))


def _step(translator: dict, target: str, own: dict) -> dict:
    """The values of one step to `target`: the engine's and the step's own."""
    others = ("routes", "back", "codes", "licence")
    common = {k: v for k, v in translator.items() if k not in others}
    values = {**common, **own}
    if "codes" in translator:
        # Only the two, so that another language in the catalogue translates nothing again.
        values["source_code"] = translator["codes"][values["source"]]
        values["target_code"] = translator["codes"][target]
    return values


def _merge(config: dict, values: dict) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            _merge(config[key], value)
        else:
            config[key] = value


def _mixed(config: dict, encoder: str, alpha: float) -> System:
    """Hybrid sampling with this alpha, by the name of the sampling that it equals."""
    if alpha in (0, 1):
        return System(encoder, "x-x-mono" if alpha else "x-y")
    if alpha == config["alpha"]:
        return System(encoder, "hybrid")
    return System(encoder, "hybrid", "alpha", alpha)


def _training(config: dict, encoder: str) -> dict:
    own = config["catalogue"]["encoders"][encoder].get("training", {})
    return {**config["training"], **own}


def _pinned(entry: dict) -> str:
    """A model's name, and its revision if it is the hub's."""
    return entry["model"] + (f" at revision {entry['revision']}" if "revision" in entry else "")


def _download(config: dict, source: str, file: str) -> str:
    base = config["catalogue"]["sources"][source]["base"]
    return f"{config['pathvars']['downloads']}/{_place(base + file)}"


def _place(url: str) -> str:
    return url.split("://", 1)[1]


def _describe(error: jsonschema.ValidationError) -> Iterator[str]:
    where = ".".join(map(str, error.absolute_path))
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        for key in sorted(set(error.instance) - set(known)):
            full = f"{where}.{key}" if where else key
            yield f"{full}: no such key{_did_you_mean(key, known)}"
    elif error.validator == "required":
        yield f"{where or 'the top level'}: {error.message}"
    else:
        description = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
        hint = ""
        if error.validator == "type" and re.fullmatch(r"\d+e-?\d+", str(error.instance)):
            hint = "; YAML reads a number like 1e-5 as text, write 1.0e-5"
        yield f"{where}: {error.message}{hint}" + (f" ({description})" if description else "")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known: {', '.join(known)}"


def _wrong_names(config: dict) -> Iterator[str]:
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
                yield f"{key}: {name!r} is not in the catalogue{_did_you_mean(name, known)}"
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
        yield from _wrong_module(f"translators.{name}.engine", entry["engine"], "engines")
        yield from _wrong_codes(name, entry)
        yield from _wrong_back(name, entry.get("back", {}))
    yield from _wrong_ablations(config)
    if config["translator"] not in catalogue["translators"]:
        name, known = config["translator"], catalogue["translators"]
        yield f"translator: {name!r} is not in the catalogue{_did_you_mean(name, known)}"
        return
    routes = catalogue["translators"][config["translator"]]["routes"]
    for language in config["target_languages"]:
        seen = [language]
        while seen[-1] != SOURCE_LANGUAGE:
            if seen[-1] not in routes:
                yield (
                    f"target_languages: {config['translator']} has no route to {seen[-1]!r}"
                    f"{_did_you_mean(seen[-1], routes)}"
                )
                break
            source = routes[seen[-1]]["source"]
            if source in seen:
                yield f"translators.{config['translator']}: the route to {language!r} is a circle"
                break
            seen.append(source)
    for name, entry in catalogue["corpora"].items():
        yield from _wrong_module(f"corpora.{name}.reader", entry["reader"], "readers")
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


def _wrong_module(where: str, name: str, package: str) -> Iterator[str]:
    """A reader or engine without a module: `package` is where they lie."""
    files = (Path(__file__).parent / package).glob("[!_]*.py")
    known = [file.stem for file in files]
    if name not in known:
        yield (
            f"catalogue.{where}: {name!r} is no module of workflow/scripts/hybridbatch/{package}"
            f"{_did_you_mean(name, known)}"
        )


def _wrong_ablations(config: dict) -> Iterator[str]:
    ablations, catalogue = config["ablations"], config["catalogue"]
    any_ablation = any(ablations[name] for name in ABLATIONS)
    for key, section in (("benchmarks", "benchmarks"), ("encoders", "encoders")):
        known = catalogue[section]
        for name in ablations[key]:
            if name not in known:
                where = f"ablations.{key}: {name!r} is not in the catalogue"
                yield f"{where}{_did_you_mean(name, known)}"
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
            yield f"{where}: {config['translator']} has no route to it{_did_you_mean(code, routes)}"
        elif code in own:
            yield f"{where} is a corpus' own language, which is always trained on"
        elif code not in scored:
            yield f"{where} is in none of ablations.benchmarks, so that nothing would show"


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


def _wrong_source(name: str, entry: dict, known: dict, key: str) -> Iterator[str]:
    where = f"catalogue.{name}"
    if ("path" in entry) == ("source" in entry) or ("source" in entry) != (key in entry):
        yield f"{where}: give either `path`, or `source` and `{key}`"
    elif "source" in entry and "licence" in entry:
        yield f"{where}.licence: stands with the source; leave it out"
    elif "source" in entry and entry["source"] not in known:
        yield f"{where}.source: no such source{_did_you_mean(entry['source'], known)}"
    elif "source" in entry:
        named = (
            entry[key]
            if key == "files"
            else [entry[key].replace("{language}", language) for language in entry["languages"]]
        )
        for file in named:
            if file not in source_files(known[entry["source"]]):
                yield f"{where}.{key}: {file!r} is not among the source's files"


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
        "corpus": [file for code in languages for file in _passage_names(entry, code)],
    }
    for key, files in named.items():
        if key not in entry:
            continue
        if entry[key] not in known:
            yield f"{where}.{key}: no such source{_did_you_mean(entry[key], known)}"
            continue
        there = source_files(known[entry[key]])
        if missing := [file for file in files if file not in there]:
            more = f" nor are {len(missing) - 1} more" if missing[1:] else ""
            yield f"{where}.{key}: {missing[0]!r} is not among the source's files{more}"


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


def results(config: dict) -> str:
    """The root of the results."""
    return config["pathvars"]["results"]
