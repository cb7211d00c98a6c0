"""Shared by several rule files: the configuration, wildcard constraints, code fingerprints."""

import os
import re
import shlex
import sys
from functools import cache
from pathlib import Path

WORKFLOW = Path(str(workflow.current_basedir)).parent
sys.path.insert(0, str(WORKFLOW / "scripts"))

from hybridbatch.experiment import names as constants
from hybridbatch.experiment import image_systems, inputs, lookups, outputs
from hybridbatch.experiment.load import load
from hybridbatch.experiment.options import refuse_repeated
from hybridbatch.experiment.places import path_problem
from hybridbatch.experiment import systems as variants
from hybridbatch.provenance.fingerprint import fingerprint, remember
from hybridbatch.runtime import recovery
from hybridbatch.runtime.checkpoints import remove_published
from hybridbatch.runtime.errors import ConfigError
from hybridbatch.runtime.hashes import Hashes
from hybridbatch.runtime.persistence import is_gone
from snakemake.exceptions import WorkflowError
from snakemake.pathvars import Pathvars

# Read strictly from the files themselves, since Snakemake merges `config` leniently. Its jobs have
# the same files and options on their command lines.
try:
    refuse_repeated(sys.argv[1:])
    if problem := path_problem(str(WORKFLOW)):
        raise ConfigError(f"{WORKFLOW.parent}: {problem}")
    experiment = load(
        workflow.config_settings.configfiles or ["config/config.yaml"],
        workflow.config_settings.config_args,
        catalogue="config/catalogue.yaml",
    )
except ConfigError as error:
    raise WorkflowError(str(error)) from None


def wrong_indexes():
    """The messages of indexes that FAISS cannot make; it is only loaded if there are any."""
    for key, values, dimension in lookups.indexes(experiment):
        from hybridbatch.retrieval.factory import index_problem

        given = (values["index"], values.get("index_parameters", ""))
        if problem := index_problem(*given, dimension):
            of = f" for {dimension} dimensions" if dimension else ""
            yield f"{key}: {', '.join(filter(None, given))!r}{of}: FAISS says {problem!r}"


if workflow.is_main_process and (found := list(wrong_indexes())):
    raise WorkflowError("the configuration is wrong:\n  " + "\n  ".join(found))

for name, values in variants.unreachable_points(experiment).items():
    if values and workflow.is_main_process:
        left_out = ", ".join(map(str, values))
        logger.warning(f"ablations.{name}: without {left_out}, beyond target_languages")

for name in variants.without_zero_shot(experiment):
    if workflow.is_main_process:
        logger.warning(f"samplings: no zero-shot row of {name}, which is not pretrained")

if (names := image_systems.left_out(experiment)) and workflow.is_main_process:
    logger.warning(f"image_text: without {', '.join(names)}, which the tables have no system of")

if experiment.mirror is not None:
    os.environ.update(HYBRIDBATCH_MIRROR=experiment.mirror)  # jobs inherit it

# Without superfluous slashes, and with the home folder for `~`.
workflow.pathvars.update(Pathvars.from_config({"pathvars": experiment.pathvars.plain()}))
# Snakemake puts the path of Python into shell commands without quotes.
if Path(sys.executable).exists():  # not quoted yet
    sys.executable = shlex.quote(sys.executable)

CATALOGUE = experiment.catalogue
SOURCES = lookups.sources(experiment)
TABLE_SYSTEMS = variants.systems(experiment)
SYSTEMS = TABLE_SYSTEMS | variants.ablation_systems(experiment)
# Text towers of systems that read rendered texts, after them: they may be in the tables, too.
SYSTEMS |= {n: of for n, of in variants.tower_systems(experiment).items() if n not in SYSTEMS}
# Zero-shot systems are evaluated, but never trained.
TRAINED = {name: system for name, system in SYSTEMS.items() if system.trained}
TRAINED_TABLE_SYSTEMS = {name: of for name, of in TABLE_SYSTEMS.items() if of.trained}
TABLE_ENCODERS = list(dict.fromkeys(system.encoder for system in TABLE_SYSTEMS.values()))
# Benchmarks whose texts are rendered, and encoders that learn from such images: see rendered.smk.
RENDERED = [name for name, of in CATALOGUE.benchmarks.items() if of.kind == "rendered"]
# By rendered benchmark: the one that has the same sentences as texts.
OF_TEXTS = lookups.benchmarks_of_texts(experiment)
RENDERING = [name for name, of in CATALOGUE.encoders.items() if of.renders]
ABLATIONS = [name for name in outputs.ABLATIONS if variants.ablation_points(experiment, name)]
DRAWN_ABLATIONS = [name for name in outputs.DRAWN_ABLATIONS if name in ABLATIONS]
CURVES = [name for name in outputs.CURVES if name in ABLATIONS]
# Text towers beside an image tower, and what each is trained on: see images.smk.
TOWERS = image_systems.towers(experiment)
IMAGE_SYSTEMS = image_systems.systems(experiment)
# Systems that differ in the schedule of their layers alone, by group and schedule.
SCHEDULES = variants.layer_groups(experiment)
TRAIN_LANGUAGES = lookups.train_languages(experiment)
# The keys of all train sets.
TRAIN_SETS = [
    {"corpus": corpus, "language": language}
    for corpus in experiment.corpora
    for language in lookups.corpus_languages(experiment, corpus)
]
# Of the files that no job makes.
HASHES = Hashes()
ENVIRONMENT = str(WORKFLOW.parent / "envs" / "hybridbatch.yaml")
SOURCES_LOCK = "config/sources.lock.json"
PUBLISHED = str(WORKFLOW.parent / "resources" / "published")
FORMATS = ["csv", "md", "tex"]  # of every table
# Benchmarks whose candidates are all ranked, and those with too many for that.
RANKED = lookups.multilingual_benchmarks(experiment)
RANKED_BENCHMARKS = [name for name, of in CATALOGUE.benchmarks.items() if of.ranks_all]
PASSAGE_BENCHMARKS = [name for name, of in CATALOGUE.benchmarks.items() if not of.ranks_all]
# The overviews show metrics that only ranked benchmarks have.
SCORE_TABLES = [*experiment.benchmarks, *(outputs.SCORE_TABLES if RANKED else ())]

if workflow.is_main_process:
    if wrong := inputs.check(experiment, HASHES, SOURCES_LOCK):
        raise WorkflowError("inputs are wrong:\n  " + "\n  ".join(wrong))
    if gone := [path for path in inputs.downloads(experiment) if is_gone(path)]:
        logger.warning(
            f"{gone[0]}{f' and {len(gone) - 1} more' if gone[1:] else ''}: fetched before, and gone. "
            "What was made from it is made again. To keep that, first fetch it alone: snakemake -c1 "
            f"{shlex.join(gone)}"
        )


def one_of(names):
    """A regular expression for exactly these names."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


wildcard_constraints:
    source_file=one_of(SOURCES),
    corpus=one_of(CATALOGUE.corpora),
    language=r"[a-z]{2,3}",
    shard=r"\d{3}",
    encoder=one_of(CATALOGUE.encoders),
    system=one_of(SYSTEMS),
    variant=one_of(dict.fromkeys(system.variant for system in SYSTEMS.values())),
    ablation=one_of(name for name in ABLATIONS if name != constants.LAYER_SCALING),
    schedules=one_of(SCHEDULES),
    curve=one_of(CURVES),
    tower=one_of(TOWERS),
    image_system=one_of(IMAGE_SYSTEMS),
    split=r"0|[1-9]\d*",
    seed=r"0|[1-9]\d*",  # one name for each seed
    benchmark=one_of(CATALOGUE.benchmarks),
    part=r"\d\d\d+",  # Snakemake cannot read {3,} here
    score_table=one_of(SCORE_TABLES),
    translator=one_of(CATALOGUE.translators),
    references=one_of(CATALOGUE.references),
    table=r"[A-Za-z][A-Za-z0-9._-]*",
    setting=r"monolingual|multilingual|cross-lingual/[a-z]{2,3}",
    figure=r"[A-Za-z][A-Za-z0-9._/-]*",


remember()


@cache
def code(script, *kinds):
    """Fingerprints of a script with its imports, and of the kinds that it loads by name.

    kinds: their modules, such as `data/readers/squad`. Each entry is `name:fingerprint`.
    """
    files = {script: WORKFLOW / "scripts" / f"{script}.py"}
    files |= {kind: WORKFLOW / "scripts" / "hybridbatch" / f"{kind}.py" for kind in kinds}
    return [f"{name}:{fingerprint(file)}" for name, file in files.items() if file.is_file()]


def content(files_of):
    """A parameter with the hash of a job's own files, so that it runs again if they change.

    Snakemake compares only their times, which a copy may have kept. Downloads are not hashed here:
    they are pinned. files_of: a function of wildcards that returns paths of files or folders.
    """

    def of_all(wildcards):
        found = files_of(wildcards)
        paths = found.values() if isinstance(found, dict) else found
        own = [path for path in paths if not path.startswith(f"{experiment.pathvars.downloads}/")]
        return HASHES.of_all(file for path in own for file in inputs.files_in(path)) if own else ""

    return of_all


def own_model(values):
    """The model that the values of an encoder or a route name, if it is a folder here."""
    return [values["model"]] if "model" in values and Path(values["model"]).is_dir() else []


def keys(wildcards):
    """The keys of a job's output, which are stored in the output: see `files.write_table`."""
    found = {name: int(value) if name == "seed" else value for name, value in wildcards.items()}
    if "system" in found:
        system = SYSTEMS[found["system"]]
        found |= {
            "encoder": system.encoder,
            "variant": system.variant,
            "sampling": system.sampling,
        }
    return found


def files(template, keys):
    """`template` filled in for each of the keys, which the job that reads the files also gets."""
    return [template.format(**of) for of in keys]


def scored(benchmarks, systems=TABLE_SYSTEMS):
    """The keys of the scores of every benchmark and system."""
    return [{"benchmark": b, "system": system} for b in benchmarks for system in systems]


def compared(benchmarks=experiment.benchmarks):
    """The keys of the comparisons of every encoder and benchmark that the tables have."""
    return [{"encoder": e, "benchmark": b} for e in TABLE_ENCODERS for b in benchmarks]


def with_tokenizer(encoder):
    """The encoder whose tokenizer the texts of an encoder pass through."""
    entry = CATALOGUE.encoders[encoder]
    return entry.base if entry.renders else encoder


def corpus_entry(wildcards):
    return CATALOGUE.corpora[wildcards.corpus]


def benchmark_entry(wildcards):
    return CATALOGUE.benchmarks[wildcards.benchmark]


def benchmark_module(wildcards):
    return f"benchmarks/{benchmark_entry(wildcards).kind}"


def search_values(wildcards):
    """The values of a retrieval.index.SearchConfig."""
    return benchmark_entry(wildcards).search_values


def shards(corpus):
    return [f"{number:03d}" for number in range(CATALOGUE.corpora[corpus].shards)]


def route(wildcards):
    return lookups.route(experiment, wildcards.language)


def texts_of(corpus, language):
    """All shards of a corpus' texts in one language: its own, or a translation."""
    own = CATALOGUE.corpora[corpus].language == language
    root = "texts/{corpus}" if own else "translations/{translator}/{corpus}/{language}"
    return expand(
        f"<results>/{root}/{{shard}}.parquet",
        translator=experiment.translator,
        corpus=corpus,
        language=language,
        shard=shards(corpus),
    )


def model_of(wildcards):
    """The folder of a system's model: a fine-tuned one, or the prepared encoder itself."""
    return model_folder(SYSTEMS[wildcards.system], wildcards.seed)


def model_folder(system, seed):
    if system.trained:
        return f"<results>/models/{system.name}/seed{seed}"
    return f"<results>/encoders/{system.encoder}"


def encoder_entry(wildcards):
    name = wildcards.encoder if "encoder" in wildcards.keys() else SYSTEMS[wildcards.system].encoder
    return CATALOGUE.encoders[name]


def encoder_of(wildcards):
    return f"<results>/encoders/{SYSTEMS[wildcards.system].encoder}"


def encoding_values(wildcards):
    return encoder_entry(wildcards).encoding_values()


def encoder_module(wildcards):
    return f"encoders/{encoder_entry(wildcards).kind}"


def checkpoints(wildcards, output):
    """The checkpoint folder of an output. No rule declares it, so Snakemake does not delete it."""
    results = lookups.results(experiment)
    return f"{results}/checkpoints/{Path(output[0]).relative_to(results)}"


def benchmark_languages(wildcards):
    return list(benchmark_entry(wildcards).languages)


def seen_languages(wildcards):
    """The benchmark's languages that are training languages of the configuration.

    This also holds for ablations that train on fewer, so that all are scored in the same pools.
    """
    return [code for code in benchmark_languages(wildcards) if code in TRAIN_LANGUAGES]


def by_language(template, languages=benchmark_languages):
    """An input function: `template` for every language of the wildcard's benchmark.

    languages: a function that gives others for the wildcards.
    """
    return lambda wildcards: files(
        template,
        [{**dict(wildcards.items()), "language": code} for code in languages(wildcards)],
    )


def seeds(wildcards):
    """The seeds of the system in the wildcards."""
    return variants.runs_of(experiment, SYSTEMS[wildcards.system])


def files_of_tables(names):
    """Tables in all formats, with their provenance records."""
    return expand(
        "<results>/tables/{name}.{format}", name=names, format=[*FORMATS, "provenance.json"]
    )


def table_names():
    """The papers' tables and those of the statistics."""
    counts = outputs.COUNT_TABLES if TRAINED_TABLE_SYSTEMS else outputs.COUNTS_WITHOUT_TRAINING
    names = [*SCORE_TABLES, *counts, *outputs.STATISTICS_TABLES]
    names += [*outputs.BIAS_TABLES] * bool(RANKED)
    return names + [*outputs.IMAGE_TABLES] * bool(IMAGE_SYSTEMS)


def figure_names():
    """Every figure of the configuration: KIND, ENCODER/KIND or ENCODER/BENCHMARK/KIND."""
    names = ["reproduction", *DRAWN_ABLATIONS] + ["image_text"] * bool(IMAGE_SYSTEMS)
    trained = {system.encoder for system in TRAINED_TABLE_SYSTEMS.values()}
    for encoder in TABLE_ENCODERS:
        kinds = ["heatmap"]
        if encoder in trained:
            names += [f"{encoder}/{kind}" for kind in ("training", "translation_quality")]
            kinds += ["rank_distance", "language_share"]
        names += [f"{encoder}/{benchmark}/{kind}" for kind in kinds for benchmark in RANKED]
    return names
