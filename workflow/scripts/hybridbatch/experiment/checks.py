"""Checks across keys of the configuration that types cannot express, above all of names.

Each check yields error messages: the key, what is wrong with it, and what to do.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

from hybridbatch.experiment import outputs
from hybridbatch.experiment.base import File
from hybridbatch.experiment.benchmarks import Benchmark
from hybridbatch.experiment.clashes import clashing_names
from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.engines import Translator
from hybridbatch.experiment.image_systems import wrong_image_text
from hybridbatch.experiment.layer_scaling import UNIFORM, schedule_name
from hybridbatch.experiment.lookups import corpus_languages
from hybridbatch.experiment.names import SOURCE_LANGUAGE, ZERO_SHOT
from hybridbatch.experiment.problems import did_you_mean, not_in_catalogue, path_of_value
from hybridbatch.experiment.rendered_systems import wrong_rendered
from hybridbatch.experiment.samplings import KINDS as SAMPLING_KINDS
from hybridbatch.experiment.sources import FileByLanguage, Source
from hybridbatch.runtime.errors import nearest


def wrong_names(experiment: Experiment) -> Iterator[str]:
    """The messages of all checks for a configuration that has passed type validation."""
    catalogue = experiment.catalogue
    yield from _not_in_catalogue(experiment)
    known = {*catalogue.corpora, *catalogue.translators}
    for name in experiment.exports.unstated_licences or ():
        if name not in known:
            where = f"exports.unstated_licences: {name!r} is not in catalogue.corpora"
            yield f"{where} or catalogue.translators{did_you_mean(name, known)}"
    for name, encoder in catalogue.encoders.items():
        yield from (f"catalogue.encoders.{name}.{problem}" for problem in encoder.problems())
    yield from _wrong_trainable(experiment)
    yield from _wrong_checkpointing(experiment)
    yield from _wrong_samplings(experiment)
    yield from _wrong_references(experiment)
    for name, translator in catalogue.translators.items():
        yield from _wrong_codes(name, translator)
        yield from _wrong_back(name, getattr(translator, "back", None) or {})
    yield from _wrong_files(experiment)
    yield from _wrong_corpora(experiment)
    yield from _wrong_ablations(experiment)
    yield from _wrong_layer_scaling(experiment)
    if experiment.translator in catalogue.translators:
        yield from _wrong_routes(experiment)
    yield from _wrong_modalities(experiment)
    yield from wrong_rendered(experiment)
    yield from wrong_image_text(experiment)
    yield from clashing_names(experiment)


def _not_in_catalogue(experiment: Experiment) -> Iterator[str]:
    """Selected names that the catalogue does not have."""
    catalogue, ablations = experiment.catalogue, experiment.ablations
    for section, key, names in (
        ("corpora", "corpora", experiment.corpora),
        ("corpora", "validation", experiment.validation),
        ("encoders", "encoders", experiment.encoders),
        ("samplings", "samplings", experiment.samplings),
        ("benchmarks", "benchmarks", experiment.benchmarks),
        ("references", "quality", experiment.quality),
        ("translators", "translator", [experiment.translator]),
        ("benchmarks", "ablations.benchmarks", ablations.benchmarks),
        ("encoders", "ablations.encoders", ablations.encoders),
        ("samplings", "ablations.samplings", ablations.samplings),
        ("samplings", "ablations.lareqa", ablations.lareqa),
    ):
        yield from not_in_catalogue(section, getattr(catalogue, section), key, names)


def _wrong_trainable(experiment: Experiment) -> Iterator[str]:
    """Encoders that cannot train the parameters they are to, and lists that miss their budget."""
    encoders = experiment.catalogue.encoders
    for name in dict.fromkeys([*experiment.encoders, *experiment.ablations.encoders]):
        if name not in encoders:
            continue
        encoder = encoders[name]
        own = encoder.training.trainable if encoder.training else None
        where = f"catalogue.encoders.{name}.training.trainable" if own else "training.trainable"
        wanted = own or experiment.training.trainable
        if wanted is None:
            continue
        if wanted.kind not in encoder.trainable:
            yield (
                f"{where}.kind: {wanted.kind!r}, and {name}, of kind {encoder.kind}, can only do "
                f"{', '.join(encoder.trainable)}"
            )
        elif not encoder.pretrained and not getattr(wanted, "token_embeddings", True):
            yield (
                f"{where}.token_embeddings: false, and {name}, of kind {encoder.kind}, starts from "
                "random ones, which have to be trained"
            )
        schedule = getattr(wanted, "schedule", None)
        if isinstance(schedule, list) and sum(schedule) != wanted.budget:
            yield f"{where}.schedule: adds up to {sum(schedule)}, and budget is {wanted.budget}"


def _wrong_checkpointing(experiment: Experiment) -> Iterator[str]:
    """Encoders without layers, of which none can be computed again."""
    encoders = experiment.catalogue.encoders
    for name in dict.fromkeys([*experiment.encoders, *experiment.ablations.encoders]):
        if name not in encoders or encoders[name].layered:
            continue
        own = encoders[name].training and encoders[name].training.gradient_checkpointing
        if own if own is not None else experiment.training.gradient_checkpointing:
            where = f"catalogue.encoders.{name}." if own else ""
            yield (
                f"{where}training.gradient_checkpointing: true, and {name}, of kind "
                f"{encoders[name].kind}, has no layers; set it to false for this encoder"
            )


def _wrong_samplings(experiment: Experiment) -> Iterator[str]:
    """Samplings whose kind is fixed to another name."""
    for name, sampling in experiment.catalogue.samplings.items():
        if (sampling.kind == ZERO_SHOT) != (name == ZERO_SHOT):
            yield f"catalogue.samplings.{name}: the name {ZERO_SHOT!r} and the kind go together"
        if name in SAMPLING_KINDS and sampling.kind != name:
            yield (
                f"catalogue.samplings.{name}.kind: {sampling.kind!r}, and the name is that of "
                "another kind; choose another name"
            )
    for name in SAMPLING_KINDS:
        if name not in experiment.catalogue.samplings:
            yield f"catalogue.samplings.{name}: is missing; config/catalogue.yaml has it"


def _wrong_references(experiment: Experiment) -> Iterator[str]:
    """Zero-shot systems where none can be, and nothing to train on where something trains."""
    catalogue, ablations = experiment.catalogue, experiment.ablations
    for key in ("samplings", "lareqa"):
        if ZERO_SHOT in getattr(ablations, key):
            yield (
                f"ablations.{key}: {ZERO_SHOT!r} trains nothing; with it in `samplings`, the "
                "tables of ablations have it, too"
            )
    known = [catalogue.encoders[e] for e in experiment.encoders if e in catalogue.encoders]
    alone = set(experiment.samplings) == {ZERO_SHOT}
    if alone and known and not any(encoder.pretrained for encoder in known):
        yield (
            f"samplings: {ZERO_SHOT!r} alone, and none of the encoders is pretrained, so that "
            "there is nothing to evaluate"
        )
    trains = not alone or outputs.varied(experiment)
    for key in ("corpora", "validation"):
        if trains and not getattr(experiment, key):
            yield f"{key}: [] must not be empty; only {ZERO_SHOT} systems need none"


def _wrong_routes(experiment: Experiment) -> Iterator[str]:
    """Target languages without a translation route from English."""
    name = experiment.translator
    routes = experiment.catalogue.translators[name].routes
    for language in experiment.target_languages:
        seen = [language]
        while seen[-1] != SOURCE_LANGUAGE:
            if seen[-1] not in routes:
                where = "target_languages"
                if seen[1:]:
                    where = f"catalogue.translators.{name}.routes.{seen[-2]}.source"
                hint = did_you_mean(seen[-1], routes)
                yield f"{where}: {name} has no route to {seen[-1]!r}{hint}"
                break
            source = routes[seen[-1]].source
            if source in seen:
                yield f"catalogue.translators.{name}.routes: the route to {language!r} is a circle"
                break
            seen.append(source)


def _wrong_codes(name: str, translator: Translator) -> Iterator[str]:
    """Routes of a neural translator with a language that has no model code."""
    codes = getattr(translator, "codes", None)
    if codes is None:
        return
    routes = translator.routes
    for language in dict.fromkeys([*routes, *(route.source for route in routes.values())]):
        if language not in codes:
            yield (
                f"catalogue.translators.{name}.codes: a route needs the model's own code of "
                f"{language!r}"
            )


def _wrong_back(name: str, back: Mapping) -> Iterator[str]:
    """Routes back that do not end at English."""
    where = f"catalogue.translators.{name}.back"
    for language in back:
        seen = [language]
        if language == SOURCE_LANGUAGE:
            yield f"{where}.{language}: {language!r} is where a way back ends; leave it out"
            continue
        while seen[-1] in back and seen[-1] != SOURCE_LANGUAGE:
            seen.append(back[seen[-1]].target)
            if seen[-1] in seen[:-1]:
                yield f"{where}.{language}: the way back is a circle, {'-'.join(seen)}"
                break
        else:
            if seen[-1] != SOURCE_LANGUAGE:
                yield (
                    f"{where}.{language}: the way back ends at {seen[-1]!r}, not at "
                    f"{SOURCE_LANGUAGE!r}; add {where}.{seen[-1]}"
                )


def _wrong_files(experiment: Experiment) -> Iterator[str]:
    """Entries that do not resolve to a file."""
    catalogue = experiment.catalogue
    for name, source in catalogue.sources.items():
        if source.files is None and source.series is None:
            yield f"catalogue.sources.{name}: give `files` or `series`, or both"
    for name, corpus in catalogue.corpora.items():
        if hasattr(corpus, "source"):
            yield from _wrong_source(
                f"corpora.{name}", corpus, "files", corpus.own_files, catalogue.sources
            )
            yield from _wrong_parallel(name, corpus, catalogue.sources)
    for name, benchmark in catalogue.benchmarks.items():
        where = f"benchmarks.{name}"
        if isinstance(benchmark, FileByLanguage):
            yield from _wrong_by_language(where, benchmark, benchmark.languages, catalogue.sources)
        elif not benchmark.ranks_all:
            yield from _wrong_passages(where, benchmark, catalogue.sources)
        else:
            yield from _wrong_pins(where, benchmark, catalogue.sources)
    for name, references in catalogue.references.items():
        where = f"references.{name}"
        yield from _wrong_by_language(where, references, references.languages, catalogue.sources)
        if SOURCE_LANGUAGE not in references.languages:
            yield f"catalogue.{where}.languages: {SOURCE_LANGUAGE!r} is translated from"


def _wrong_by_language(
    name: str, entry: FileByLanguage, languages: Iterable[str], known: Mapping[str, Source]
) -> Iterator[str]:
    def files() -> list[File]:
        return [entry.file_in(language) for language in languages]

    yield from _wrong_source(name, entry, "file", files, known)


def _wrong_source(name: str, entry, key: str, files, known: Mapping[str, Source]) -> Iterator[str]:
    """An entry whose file is neither a local file nor one of a source.

    key: the entry's key that names files of the source. files: returns the files of a valid entry.
    """
    where, has_source = f"catalogue.{name}", entry.source is not None
    if (entry.path is not None) == has_source or has_source != (getattr(entry, key) is not None):
        yield f"{where}: give either `path`, or `source` and `{key}`"
    elif has_source and getattr(entry, "licence", None) is not None:
        yield f"{where}.licence: stands with the source; leave it out"
    elif has_source and entry.source not in known:
        yield from not_in_catalogue("sources", known, f"{where}.source", [entry.source])
    elif has_source:
        there = known[entry.source].pinned()
        for file in files():
            if file.name not in there:
                hint = nearest(file.name, there)
                yield f"{where}.{key}: {file.name!r} is not among the source's files{hint}"


def _wrong_parallel(name: str, corpus, known: Mapping[str, Source]) -> Iterator[str]:
    where, parallel = f"catalogue.corpora.{name}", corpus.parallel or {}
    if parallel and corpus.source is None:
        yield f"{where}.parallel: names files of a `source`, and the corpus has none"
    for language, files in parallel.items():
        if language == corpus.language:
            yield f"{where}.parallel: {language!r} is the corpus' own language; leave it out"
        for file in files:
            there = known[corpus.source].pinned() if corpus.source in known else [file]
            if file not in there:
                yield (
                    f"{where}.parallel.{language}: {file!r} is not among the source's files"
                    f"{nearest(file, there)}"
                )
    for language in corpus.languages or ():
        if parallel and language not in parallel:
            hint = did_you_mean(language, parallel)
            yield f"{where}.languages: {language!r} is not among the languages of `parallel`{hint}"


def _wrong_passages(name: str, entry, known: Mapping[str, Source]) -> Iterator[str]:
    """A benchmark with passages whose languages, shards and files are inconsistent."""
    where = f"catalogue.{name}"
    for key in ("averaged", "shards"):
        for language in getattr(entry, key) or ():
            if language not in entry.languages:
                hint = did_you_mean(language, entry.languages)
                yield f"{where}.{key}: {language!r} is not among the benchmark's languages{hint}"
    for language in entry.languages:
        if language not in entry.shards:
            yield f"{where}.shards: says nothing of {language!r}"
    read_from = {
        "source": lambda language: entry.files(language).values(),
        "corpus": entry.passage_files,
    }
    for key, files_in in read_from.items():
        source = getattr(entry, key)
        if source is None:
            continue
        if source not in known:
            yield from not_in_catalogue("sources", known, f"{where}.{key}", [source])
            continue
        there = known[source].pinned()
        files = [file for language in entry.languages for file in files_in(language)]
        if missing := [file.name for file in files if file.name not in there]:
            more = f" nor are {len(missing) - 1} more" if missing[1:] else ""
            more += nearest(missing[0], there)
            yield f"{where}.{key}: {missing[0]!r} is not among the source's files{more}"


def _wrong_pins(name: str, entry: Benchmark, known: Mapping[str, Source]) -> Iterator[str]:
    """Files of a benchmark that are of an unknown source, or not among its files."""
    files = [file for language in entry.languages for file in entry.files(language).values()]
    where = f"catalogue.{name}"
    for file in dict.fromkeys([*files, *entry.other_files]):
        if not file.fetched:
            continue
        if file.source not in known:
            key = where + path_of_value(entry.plain(), file.source, "source")
            yield from not_in_catalogue("sources", known, key, [file.source])
        elif file.name not in (there := known[file.source].pinned()):
            key, hint = where + path_of_value(entry.plain(), file.name), nearest(file.name, there)
            yield f"{key}: {file.name!r} is not among the files of {file.source!r}{hint}"


def _wrong_corpora(experiment: Experiment) -> Iterator[str]:
    """Corpora that cannot be trained on, or that have no validation data."""
    known = experiment.catalogue.corpora
    for name in experiment.validation:
        if name in known and not known[name].holdout:
            yield f"validation: corpus {name!r} has holdout 0: nothing is held out of it"
        if name in known and known[name].language != SOURCE_LANGUAGE:
            yield (
                f"validation: corpus {name!r} is in {known[name].language!r}; validation is in "
                "English"
            )
    for name in experiment.corpora:
        if name not in known:
            continue
        corpus = known[name]
        if corpus.holdout == 1:
            yield f"corpora: corpus {name!r} has holdout 1: nothing is left of it to train on"
        translated = corpus.language != SOURCE_LANGUAGE and corpus.parallel_languages is None
        if translated and corpus_languages(experiment, name)[1:]:
            yield (
                f"corpora: corpus {name!r} is in {corpus.language!r}, and translation starts "
                "from English: give the corpus `languages: []`"
            )


def _wrong_ablations(experiment: Experiment) -> Iterator[str]:
    ablations, catalogue = experiment.ablations, experiment.catalogue
    if outputs.varied(experiment):
        for name in ablations.benchmarks:
            if name in catalogue.benchmarks and not catalogue.benchmarks[name].ranks_all:
                yield (
                    f"ablations.benchmarks: {name!r} has shards of passages; sharded benchmarks "
                    "are too expensive for ablations"
                )
    for name in ("alpha", "data_size", "temperature", "corpus_weighting"):
        printed = [f"{value:g}" for value in getattr(ablations, name)]
        for twice in {value for value in printed if printed.count(value) > 1}:
            yield f"ablations.{name}: two values print as {twice}"
    scored = {
        code
        for name in ablations.benchmarks
        if name in catalogue.benchmarks
        for code in catalogue.benchmarks[name].languages
    }
    own = {catalogue.corpora[c].language for c in experiment.corpora if c in catalogue.corpora}
    translator = catalogue.translators.get(experiment.translator)
    for code in ablations.unseen_languages:
        where = f"ablations.unseen_languages: {code!r}"
        if translator is not None and code not in translator.routes:
            name, routes = experiment.translator, translator.routes
            yield f"{where}: {name} has no route to it{did_you_mean(code, routes)}"
        elif code in own:
            yield f"{where} is a corpus' own language, which is always trained on"
        elif code not in scored:
            yield f"{where} is in none of ablations.benchmarks, so that nothing would show"


def _wrong_layer_scaling(experiment: Experiment) -> Iterator[str]:
    """Adapters that an encoder cannot have, and schedules that cannot be compared or told apart."""
    encoders, seen = experiment.catalogue.encoders, set()
    for number, scaling in enumerate(experiment.ablations.layer_scaling):
        where = f"ablations.layer_scaling.{number}"
        if scaling.adapter in seen:
            yield (
                f"{where}.adapter: {scaling.adapter!r} stands twice; give all of its budgets and "
                "schedules in one entry"
            )
        seen.add(scaling.adapter)
        if scaling.adapter == "lora" and scaling.scale is None:
            yield f"{where}.scale: is missing (alpha over rank, the same in every layer)"
        for key in ("scale", "modules"):
            if scaling.adapter != "lora" and getattr(scaling, key) is not None:
                yield f"{where}.{key}: is only of lora, and the adapter is {scaling.adapter}"
        names = [schedule_name(schedule) for schedule in scaling.schedules]
        if UNIFORM not in names:
            yield f"{where}.schedules: {UNIFORM!r} is missing; the others are compared with it"
        for twice in {name for name in names if names.count(name) > 1}:
            yield f"{where}.schedules: two of them are named {twice}"
        for name in experiment.encoders:
            if name in encoders and scaling.adapter not in encoders[name].trainable:
                yield (
                    f"{where}.adapter: {scaling.adapter!r}, and {name}, of kind "
                    f"{encoders[name].kind}, can only do {', '.join(encoders[name].trainable)}"
                )


def _wrong_modalities(experiment: Experiment) -> Iterator[str]:
    """Encoders that cannot embed the corpora's passages, or a benchmark's candidates."""
    catalogue, ablations = experiment.catalogue, experiment.ablations
    named = {"encoders": experiment.encoders, "ablations.encoders": ablations.encoders}
    for key, names in named.items():
        for name in names:
            if name not in catalogue.encoders or catalogue.encoders[name].renders:
                continue
            taken = catalogue.encoders[name].modalities
            if "text" not in taken["candidate"]:
                yield (
                    f"{key}: {name!r} embeds {', '.join(taken['candidate'])} as candidates, and "
                    "the passages of corpora are texts; take it out"
                )
    own = experiment.encoders if set(outputs.varied(experiment)) - {"encoders"} else []
    pairs = [
        *product(experiment.encoders, experiment.benchmarks),
        *product([*own, *ablations.encoders], ablations.benchmarks),
    ]
    for name, benchmark in dict.fromkeys(pairs):
        if name not in catalogue.encoders or benchmark not in catalogue.benchmarks:
            continue
        wanted = catalogue.benchmarks[benchmark].modality
        taken = catalogue.encoders[name].modalities["candidate"]
        if wanted not in taken:
            yield (
                f"benchmarks: the candidates of {benchmark!r} are of modality {wanted}, and the "
                f"encoder {name!r} embeds {', '.join(taken)}; take one of them out"
            )
