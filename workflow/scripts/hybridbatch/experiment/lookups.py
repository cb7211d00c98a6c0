"""What the configuration and its catalogue say: languages, ways of translation, files, titles.

Asked by the rules and `make plan`, and by `checks` of what it has found right. Nothing but the
standard library is imported.
"""

from hybridbatch.experiment.names import PARALLEL_READERS, PASSAGE_READERS, SOURCE_LANGUAGE
from hybridbatch.runtime.errors import ConfigError

UNSTATED = "not stated in the configuration"  # a licence


def results(config: dict) -> str:
    """The root of the results."""
    return config["pathvars"]["results"]


def multilingual_benchmarks(config: dict) -> list[str]:
    """The benchmarks whose languages are searched together: questions and answers are parallel."""
    entries = config["catalogue"]["benchmarks"]
    return [name for name in config["benchmarks"] if entries[name]["reader"] in PARALLEL_READERS]


def has_passages(config: dict, benchmark: str) -> bool:
    """Whether a benchmark's passages are too many to rank them all, as MIRACL's are."""
    return config["catalogue"]["benchmarks"][benchmark]["reader"] in PASSAGE_READERS


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


def all_languages(config: dict) -> list[str]:
    """English and the target languages, in which order the ablation of languages adds them."""
    others = [code for code in config["target_languages"] if code != SOURCE_LANGUAGE]
    return [SOURCE_LANGUAGE, *others]


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


def parallel_files(config: dict, corpus: str, language: str) -> list[str]:
    """The files in which a corpus comes in a language other than its own."""
    entry = config["catalogue"]["corpora"][corpus]
    return [_download(config, entry["source"], file) for file in entry["parallel"][language]]


def licence(config: dict, corpus: str) -> str:
    """The corpus' licence: its own `licence`, or its source's."""
    entry = config["catalogue"]["corpora"][corpus]
    if "source" in entry:
        return config["catalogue"]["sources"][entry["source"]]["licence"]
    return entry.get("licence", UNSTATED)


def origin(config: dict, corpus: str) -> str:
    """Where a corpus comes from: its source's URL, or the file it is."""
    entry = config["catalogue"]["corpora"][corpus]
    if "source" in entry:
        return config["catalogue"]["sources"][entry["source"]]["base"]
    return entry["path"]


def benchmark_files(config: dict, benchmark: str, language: str) -> dict[str, str]:
    """By name, the files that a benchmark's kind reads in one language.

    `file` of those whose candidates are all ranked; else `topics` and `qrels`, the passages being
    `passage_files`. Its own `path`, or its source's downloads.
    """
    entry = config["catalogue"]["benchmarks"][benchmark]
    if has_passages(config, benchmark):
        names = {key: entry[key].replace("{language}", language) for key in ("topics", "qrels")}
    elif "path" in entry:
        return {"file": entry["path"].format(language=language)}
    else:
        names = {"file": entry["file"].format(language=language)}
    if "source" not in entry:
        return names
    return {key: _download(config, entry["source"], name) for key, name in names.items()}


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


def passage_files(config: dict, benchmark: str, language: str) -> list[str]:
    """The files of passages of one language, in the order of their numbers."""
    entry = config["catalogue"]["benchmarks"][benchmark]
    names = passage_names(entry, language)
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


def passage_names(entry: dict, language: str) -> list[str]:
    """The names of one language's files of passages, as the benchmark's entry has them."""
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


def _download(config: dict, source: str, file: str) -> str:
    base = config["catalogue"]["sources"][source]["base"]
    return f"{config['pathvars']['downloads']}/{_place(base + file)}"


def _place(url: str) -> str:
    return url.split("://", 1)[1]
