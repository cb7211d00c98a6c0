"""Queries on a configuration: languages, translation routes, files, titles.

Used by the rules and `make plan`, and by `checks` on the parts that it has already validated.
"""

from collections.abc import Iterable, Mapping

from hybridbatch.experiment.base import MADE, OWN_NAME, File
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.engines import Translator
from hybridbatch.experiment.names import SOURCE_LANGUAGE
from hybridbatch.experiment.sources import Source
from hybridbatch.runtime.errors import ConfigError

UNSTATED = "not stated in the configuration"  # shown in place of a licence


def results(config: Experiment) -> str:
    """The root of the results."""
    return config.pathvars.results


def multilingual_benchmarks(config: Experiment) -> list[str]:
    """The parallel benchmarks, whose languages are also ranked together.

    Benchmarks with an approximate index are left out: overviews, language bias and figures need
    exact rankings.
    """
    entries = config.catalogue.benchmarks
    return [n for n in config.benchmarks if entries[n].parallel and not entries[n].approximate]


def pool_languages(config: Experiment, benchmark: str, setting: str, language: str) -> list[str]:
    """The languages of the candidates that queries of `language` are ranked against.

    setting: `monolingual`, `multilingual`, or `cross-lingual/` and the candidates' language. Raises
    `ConfigError` for a language that the benchmark does not have, and for a cross-lingual setting
    with the queries' own language.
    """
    known = config.catalogue.benchmarks[benchmark].languages
    name, _, other = setting.partition("/")
    for code in filter(None, (language, other)):
        if code not in known:
            raise ConfigError(f"{benchmark}: has no language {code!r}; it has {', '.join(known)}")
    if other == language:
        raise ConfigError(f"{setting}: candidates in the queries' language are monolingual")
    if name == "multilingual":
        return list(known)
    return [other or language]


def all_languages(config: Experiment) -> list[str]:
    """English and the target languages, in the order in which the language ablation adds them."""
    others = [code for code in config.target_languages if code != SOURCE_LANGUAGE]
    return [SOURCE_LANGUAGE, *others]


def corpus_languages(config: Experiment, corpus: str) -> list[str]:
    """The training languages of a corpus: its own, and those it is translated into.

    A corpus that is published in several languages is used in those and never translated.
    """
    entry, targets = config.catalogue.corpora[corpus], config.target_languages
    own, allowed = entry.language, set(targets)
    for narrower in (entry.languages, entry.parallel_languages):
        if narrower is not None:
            allowed &= set(narrower)
    return [own, *(code for code in targets if code != own and code in allowed)]


def train_languages(config: Experiment) -> list[str]:
    """The training languages of the configuration."""
    codes = (code for c in config.corpora for code in corpus_languages(config, c))
    return list(dict.fromkeys(codes))


def translated_languages(config: Experiment, corpus: str) -> list[str]:
    """The languages a corpus is translated into: its targets and the pivots on the routes.

    For a corpus that is published in several languages: its languages other than its own.
    """
    if config.catalogue.corpora[corpus].parallel_languages is not None:
        return corpus_languages(config, corpus)[1:]
    found: dict[str, None] = {}
    for target in corpus_languages(config, corpus)[1:]:
        language = target
        while language != SOURCE_LANGUAGE:
            found[language] = None
            language = _translator(config).routes[language].source
    return list(found)


def route(config: Experiment, language: str) -> dict:
    """The last translation step into `language`: engine, source language and the engine's values.

    For a neural engine they include `source_code` and `target_code`, the model's language codes.
    """
    return _translator(config).step(language)


def steps(config: Experiment, language: str) -> list[str]:
    """The languages on the route from English to `language`, both included."""
    found = [language]
    while found[0] != SOURCE_LANGUAGE:
        found.insert(0, _translator(config).routes[found[0]].source)
    return found


def back_steps(config: Experiment, language: str) -> list[str]:
    """The languages on the route from `language` back to English, both included.

    A neural engine translates directly. Empty where the translator has no route back.
    """
    return _translator(config).way_back(language)


def back_route(config: Experiment, language: str, target: str) -> dict:
    """The step into `target` on the route from `language` back to English, in the form of `route`.

    Raises `ConfigError` where the route back does not pass through `target`.
    """
    way = back_steps(config, language)
    if target not in way[1:]:
        raise ConfigError(
            f"translator {config.translator}: no way back from {language!r} passes {target!r}"
        )
    return _translator(config).step_back(way[way.index(target) - 1], target)


def scored_languages(config: Experiment, references: str) -> list[str]:
    """The target languages that a reference set is translated into.

    These are the languages it has, and those that no selected set has. The latter cannot be scored,
    but their failed translations are counted.
    """
    entries = config.catalogue.references
    chosen = {code for name in config.quality for code in entries[name].languages}
    own = entries[references].languages
    targets = [code for code in config.target_languages if code != SOURCE_LANGUAGE]
    return [code for code in targets if code in own or code not in chosen]


def sources(config: Experiment) -> dict[str, dict]:
    """URL, sha256, limit and licence of every pinned file, by its relative path `<host>/<path>`."""
    return places(config.catalogue.sources.values())


def places(of: Iterable[Source]) -> dict[str, dict]:
    """The files of some sources, in the form of `sources`."""
    return {
        _place(source.base + file): {
            "url": source.base + file,
            "sha256": sha256,
            "max_bytes": source.max_bytes,
            "licence": source.licence,
        }
        for source in of
        for file, sha256 in source.pinned().items()
    }


def corpus_files(config: Experiment, corpus: str) -> list[str]:
    """The files of a corpus: its own `path`, or the downloads of its source.

    For a data set of the hub: the manifest of the shards that its rows are streamed into.
    """
    if config.catalogue.corpora[corpus].streamed:
        return [f"{config.pathvars.downloads}/datasets/{corpus}/manifest.json"]
    return paths(config, config.catalogue.corpora[corpus].own_files())


def parallel_files(config: Experiment, corpus: str, language: str) -> list[str]:
    """The files of a corpus in one of its published languages other than its own."""
    return paths(config, config.catalogue.corpora[corpus].parallel_files(language))


def licence(config: Experiment, corpus: str) -> str:
    """The corpus' licence: its own `licence`, or its source's."""
    entry = config.catalogue.corpora[corpus]
    source = getattr(entry, "source", None)
    if source is not None:
        return config.catalogue.sources[source].licence
    return entry.licence or UNSTATED


def origin(config: Experiment, corpus: str) -> str:
    """Where a corpus comes from: the URL of its source or data set, or its local file."""
    entry = config.catalogue.corpora[corpus]
    source = getattr(entry, "source", None)
    if source is not None:
        return config.catalogue.sources[source].base
    return entry.url or entry.path


def unstated_licences(config: Experiment, corpus: str) -> list[str]:
    """Names of the corpus or translator whose licence is neither stated nor confirmed."""
    found = {corpus: licence(config, corpus)}
    parallel = config.catalogue.corpora[corpus].parallel_languages is not None
    if not parallel and corpus_languages(config, corpus)[1:]:
        found[config.translator] = _translator(config).licence or UNSTATED
    confirmed = config.exports.unstated_licences or ()
    return [
        name
        for name, text in found.items()
        if (text == UNSTATED or text.startswith("none stated")) and name not in confirmed
    ]


def benchmark_files(config: Experiment, benchmark: str, language: str) -> dict[str, str]:
    """The files of one language of a benchmark, by the names that its kind expects."""
    return named_files(config, benchmark, config.catalogue.benchmarks[benchmark].files(language))


def named_files(config: Experiment, benchmark: str, files: Mapping[str, File]) -> dict[str, str]:
    """The paths of files of a benchmark, by the same names."""
    found = paths(config, files.values())
    return dict(zip(files, (path.replace(OWN_NAME, benchmark) for path in found), strict=True))


def caption_targets(config: Experiment) -> list[str]:
    """The languages that English captions are translated into, without pivots on the way.

    Those of `image_text.languages` in which the corpus has no captions of its own, sorted: their
    order there decides nothing.
    """
    section = config.image_text
    entry = None if section is None else config.catalogue.benchmarks[section.corpus]
    if entry is None or not entry.translated:
        return []
    return sorted(set(section.languages) - set(entry.languages))


def translated_captions(config: Experiment) -> list[str]:
    """The languages that English captions are translated into, with pivots on the routes."""
    targets = caption_targets(config)
    return list(dict.fromkeys(code for of in targets for code in steps(config, of)[1:]))


def merged_fonts(config: Experiment) -> dict[str, list[str]]:
    """The fonts that are merged for rendering, by the path of the merged one."""
    entries = [*config.catalogue.benchmarks.values(), *config.catalogue.encoders.values()]
    rendered = [entry for entry in entries if hasattr(entry, "merged_font")]
    return {_path(config, entry.merged_font): entry.fonts for entry in rendered}


def benchmarks_of_table(config: Experiment, benchmark: str) -> list[str]:
    """The benchmarks whose scores stand in a benchmark's table: its own, and those beside it."""
    return [benchmark, *getattr(config.catalogue.benchmarks[benchmark], "beside", ())]


def benchmarks_of_texts(config: Experiment) -> dict[str, str]:
    """By rendered benchmark, the catalogue's first one that has its files' sentences as texts."""
    known, texts = config.catalogue.benchmarks.items(), {}
    for name, entry in known:
        if entry.kind == "lareqa":
            texts.setdefault((entry.source, entry.file), name)
    return {
        name: texts[entry.source, entry.file]
        for name, entry in known
        if entry.kind == "rendered" and (entry.source, entry.file) in texts
    }


def benchmark_title(config: Experiment, benchmark: str) -> str:
    """The title of a benchmark's table; it says if only judged passages are searched."""
    return config.catalogue.benchmarks[benchmark].heading


def indexes(config: Experiment) -> list[tuple[str, dict, int | None]]:
    """The indexes that need more than their name to be known: key, values, dimension of vectors.

    The values are those of a retrieval.index.SearchConfig. The dimension is None for an encoder
    whose entry does not state it.
    """
    catalogue, ablations = config.catalogue, config.ablations
    encoders = dict.fromkeys([*config.encoders, *ablations.encoders])
    widths = dict.fromkeys(catalogue.encoders[name].width for name in encoders)
    found = []
    for name in dict.fromkeys([*config.benchmarks, *ablations.benchmarks]):
        values = catalogue.benchmarks[name].search_values
        if catalogue.benchmarks[name].approximate or values.get("index_parameters"):
            found += [(f"catalogue.benchmarks.{name}.index", values, width) for width in widths]
    return found


def mean_rows(config: Experiment, benchmark: str) -> dict:
    """The values of evaluation.aggregate.Rows: a benchmark's pools and the languages averaged."""
    return config.catalogue.benchmarks[benchmark].mean_rows


def passage_files(config: Experiment, benchmark: str, language: str) -> list[str]:
    """The files of passages of one language, in the order of their numbers."""
    return paths(config, config.catalogue.benchmarks[benchmark].passage_files(language))


def passage_parts(config: Experiment, benchmark: str, language: str) -> list[str]:
    """The numbers of the jobs that search a language's passages, such as `003`."""
    parts = config.catalogue.benchmarks[benchmark].parts(language)
    return [f"{part:03d}" for part in range(parts)]


def files_of_part(config: Experiment, benchmark: str, language: str, part: str) -> list[str]:
    """The files of passages that one of `passage_parts` searches."""
    size = config.catalogue.benchmarks[benchmark].shards_a_job
    return passage_files(config, benchmark, language)[int(part) * size :][:size]


def reference_file(config: Experiment, references: str, language: str) -> str:
    """The file of one language of a reference set: its own `path`, or its source's download."""
    (path,) = paths(config, [config.catalogue.references[references].file_in(language)])
    return path


def _translator(config: Experiment) -> Translator:
    return config.catalogue.translators[config.translator]


def place(config: Experiment, file: File) -> str:
    """The relative path `<host>/<path>` of a file of a source."""
    return _place(config.catalogue.sources[file.source].base + file.name)


def paths(config: Experiment, files: Iterable[File]) -> list[str]:
    """The paths of files: below downloads/ or results/ if fetched or made, else as configured."""
    return [_path(config, file) for file in files]


def _path(config: Experiment, file: File) -> str:
    if file.source == MADE:
        return f"{results(config)}/{file.name}"
    return f"{config.pathvars.downloads}/{place(config, file)}" if file.fetched else file.name


def _place(url: str) -> str:
    return url.split("://", 1)[1]
