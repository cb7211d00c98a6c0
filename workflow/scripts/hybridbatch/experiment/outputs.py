"""Every table and figure: its place in the report, and the part of the configuration it depends on.

Snakemake's report sorts sections by name, so `numbered` begins each with a number. It also puts
labels unescaped into an inline script, so `label` replaces all characters that could end it.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hybridbatch.experiment.configuration import Experiment
from hybridbatch.experiment.lookups import (
    back_steps,
    benchmarks_of_table,
    caption_targets,
    steps,
)
from hybridbatch.experiment.names import (
    ALL_MONOLINGUAL,
    HYBRID,
    LAYER_SCALING,
    NO_MONOLINGUAL,
)
from hybridbatch.runtime.errors import HybridBatchError

SCORES = "Retrieval scores"
DIFFERENCES = "Differences and claims"
BIAS = "Language bias"
IMAGES = "Images and texts"
OF_ABLATIONS = "Ablations"
DATA = "Data, translation, training"
CONTAMINATION = "Contamination"
# In the report's order. Ablations come last, so that the other numbers do not depend on them.
SECTIONS = (SCORES, DIFFERENCES, BIAS, IMAGES, DATA, CONTAMINATION, OF_ABLATIONS)

_CORPORA = ("corpora", "target_languages", "translator")
# Keys that concern the machine, or only one table. Tables do not depend on them by default.
_ELSEWHERE = ("mirror", "quality", "contamination", "ablations", "image_text", "exports")


@dataclass(frozen=True)
class Output:
    """A table or a figure.

    group: for tables, `scores`, `counts`, `statistics`, `bias` (made if a benchmark ranks several
    languages in one pool), `images` (made if `image_text` has a text tower) or `ablation` (a list
    of the configuration's `ablations`). keys: the keys
    of the configuration that a table depends on; None: all except those in _ELSEWHERE. caption: its
    file in workflow/report. also: keys in _ELSEWHERE that it depends on beside the others.
    """

    section: str
    label: str
    group: str = ""
    keys: tuple[str, ...] | None = None
    caption: str = ""
    also: tuple[str, ...] = ()


TABLES = {
    "main": Output(SCORES, "Table 1, mAP of every system", "scores"),
    "significance": Output(DIFFERENCES, "Differences between samplings, tested", "statistics"),
    "claims": Output(
        DIFFERENCES,
        "What the paper states, judged on our scores",
        "statistics",
        also=("image_text",),
    ),
    "reproduction": Output(
        DIFFERENCES, "Every cell that the paper prints, beside ours", "statistics"
    ),
    "language_bias": Output(BIAS, "Table 2, rank distance", "scores"),
    "rank_distance": Output(BIAS, "Tables 7 and 8, rank distance per language", "scores"),
    "bias_detail": Output(BIAS, "Shares of the top, mean ranks, rank correlations", "bias"),
    "image_text": Output(
        IMAGES,
        "Retrieval between captions and images",
        "images",
        (
            *(*_CORPORA, "validation", "filtering", "encoders", "samplings", "seeds", "training"),
            *("statistics", "image_text"),
        ),
    ),
    "alpha": Output(OF_ABLATIONS, "Share of monolingual batches (alpha)", "ablation"),
    "data_size": Output(OF_ABLATIONS, "Share of the training pairs", "ablation"),
    "languages": Output(OF_ABLATIONS, "Number of training languages", "ablation"),
    "unseen_languages": Output(OF_ABLATIONS, "Training without one language", "ablation"),
    "temperature": Output(OF_ABLATIONS, "Temperature of the loss", "ablation"),
    "batch_size": Output(OF_ABLATIONS, "Pairs in a batch", "ablation"),
    "steps": Output(OF_ABLATIONS, "Equal numbers of steps", "ablation"),
    "corpus_weighting": Output(OF_ABLATIONS, "Weights of the corpora", "ablation"),
    "encoders": Output(OF_ABLATIONS, "Encoders trained by one recipe", "ablation"),
    LAYER_SCALING: Output(OF_ABLATIONS, "Budgets divided among the layers", "ablation"),
    "lareqa": Output(OF_ABLATIONS, "All samplings beside the figures of LAReQA", "ablation"),
    "training_data": Output(
        DATA,
        "Table 9, training pairs",
        "counts",
        (*_CORPORA, "filtering", "encoders", "samplings", "training"),
    ),
    "evaluation_data": Output(
        DATA, "Tables 10 and 11, queries and candidates", "counts", ("benchmarks",)
    ),
    "translation": Output(DATA, "Translation, unknown words and failures", "counts", _CORPORA),
    "translation_quality": Output(
        DATA,
        "Translation quality, BLEU, chrF++ and round trips",
        "counts",
        ("quality", "target_languages", "translator"),
    ),
    "filtering": Output(DATA, "Filtering of translated pairs", "counts", (*_CORPORA, "filtering")),
    "tokens": Output(
        DATA,
        "What tokenizers make of the texts",
        "counts",
        (*_CORPORA, "filtering", "encoders", "samplings", "benchmarks"),
    ),
    "contamination": Output(
        CONTAMINATION,
        "Benchmark texts in the training data",
        "counts",
        (*_CORPORA, "filtering", "benchmarks", "contamination"),
    ),
}
# The table of one benchmark, whose name it has; {}: the benchmark's title.
_OF_BENCHMARK = Output(SCORES, "{}, scores per language", "scores", caption="tables/benchmark")
# Figures and pages of images by kind. The name is KIND, ENCODER/KIND or ENCODER/BENCHMARK/KIND.
FIGURES = {
    "heatmap": Output(SCORES, "Query against candidate language"),
    "reproduction": Output(DIFFERENCES, "Published against reproduced"),
    "rank_distance": Output(BIAS, "Rank distances, distribution"),
    "language_share": Output(BIAS, "Share of the own language in the top"),
    "alpha": Output(OF_ABLATIONS, "Scores against alpha"),
    "data_size": Output(OF_ABLATIONS, "Scores against the share of pairs"),
    "languages": Output(OF_ABLATIONS, "Scores against the number of languages"),
    "temperature": Output(OF_ABLATIONS, "Scores against the temperature"),
    "batch_size": Output(OF_ABLATIONS, "Scores against the size of batches"),
    "steps": Output(OF_ABLATIONS, "Scores against the number of steps"),
    LAYER_SCALING: Output(OF_ABLATIONS, "Scores against the budget of the layers"),
    "image_text": Output(IMAGES, "R@10 by language family"),
    "first_images": Output(IMAGES, "Captions and the images that stand first"),
    "rendered": Output(IMAGES, "Rendered sentences in every script"),
    "training": Output(DATA, "Losses in training"),
    "translation_quality": Output(DATA, "Translation quality against scores"),
}


def _group(name: str) -> tuple[str, ...]:
    return tuple(table for table, output in TABLES.items() if output.group == name)


# Tables of scores besides those of the single benchmarks.
SCORE_TABLES = _group("scores")
COUNT_TABLES = _group("counts")
# Those that are made where nothing is trained, too.
COUNTS_WITHOUT_TRAINING = ("evaluation_data", "tokens")
STATISTICS_TABLES = _group("statistics")
BIAS_TABLES = _group("bias")
IMAGE_TABLES = _group("images")
ABLATIONS = _group("ablation")
# Ablations that have a figure of the same name.
DRAWN_ABLATIONS = tuple(name for name in ABLATIONS if name in FIGURES)
# Those of them that vary a number, with a line for each sampling.
CURVES = tuple(name for name in DRAWN_ABLATIONS if name != LAYER_SCALING)


def varied(config: Experiment) -> list[str]:
    """The ablations that the configuration gives values to, whether or not they can be reached."""
    return [name for name in ABLATIONS if getattr(config.ablations, name)]


def numbered(there: Iterable[str]) -> dict[str, str]:
    """The sections that have entries, each with its number: from 1, in order, without gaps."""
    there = set(there)
    shown = [section for section in SECTIONS if section in there]
    return {section: f"{number} {section}" for number, section in enumerate(shown, 1)}


def label(text: str) -> str:
    """`text` with spaces for the characters that could end the inline script of the report."""
    return " ".join(re.sub(r"[^A-Za-z0-9 .,@_+()-]", " ", text).split())


def table_entry(name: str, benchmarks: Mapping[str, str]) -> Output:
    """The Output of a table; benchmarks: titles by name."""
    if name in TABLES:
        return _listed(TABLES[name], TABLES[name].label, f"tables/{name}")
    if name in benchmarks:
        text = _OF_BENCHMARK.label.format(benchmarks[name])
        return _listed(_OF_BENCHMARK, text, _OF_BENCHMARK.caption)
    raise _no_place("table", name)


def figure_entry(name: str, benchmarks: Mapping[str, str]) -> Output:
    """The Output of a figure; benchmarks: titles by name."""
    *of, kind = name.split("/")
    if kind in FIGURES:
        of[1:] = [benchmarks.get(benchmark, benchmark) for benchmark in of[1:]]
        text = ", ".join([FIGURES[kind].label, *of])
        return _listed(FIGURES[kind], text, f"figures/{kind}")
    raise _no_place("figure", name)


def part_for(config: Experiment, table: str) -> dict:
    """The part of the configuration that a table depends on, as plain types with sorted keys.

    It has only those catalogue entries that are selected, so that adding an entry changes no part.
    To make the table again, merge the part into any complete configuration.
    """
    plain = config.plain()
    keys = TABLES[table].keys if table in TABLES else None
    if keys is None:
        also = TABLES[table].also if table in TABLES else ()
        keys = tuple(key for key in plain if key in also or key not in _ELSEWHERE)
    part = {key: plain[key] for key in ("pathvars", *keys) if key in plain}
    if table in config.benchmarks:
        part["benchmarks"] = [table]
    if table in ABLATIONS:
        kept = ("benchmarks", "samplings", "seeds", table)
        part["ablations"] = {key: plain["ablations"][key] for key in kept}
    part["catalogue"] = _chosen(config, plain, part)
    return json.loads(json.dumps(part, sort_keys=True))


def part_hash(part: dict) -> str:
    """sha256 of a configuration; it does not depend on the order of keys or on layout."""
    text = json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _listed(output: Output, text: str, caption: str) -> Output:
    return replace(output, label=label(text), caption=caption)


def _no_place(kind: str, name: str) -> HybridBatchError:
    return HybridBatchError(
        f"The {kind} {name!r} has no place in the report: give it one in "
        f"experiment/outputs.py and a caption in workflow/report/{kind}s/."
    )


def _chosen(config: Experiment, plain: dict, part: dict) -> dict:
    """The catalogue entries that `part` names, and the files of sources that these entries name."""
    catalogue, chosen = plain["catalogue"], {}
    ablations = part.get("ablations", {})
    images = part.get("image_text", {})
    mixed = (HYBRID, ALL_MONOLINGUAL, NO_MONOLINGUAL) if ablations.get("alpha") else ()
    sections = {
        "corpora": [*part.get("corpora", ()), *part.get("validation", ())],
        "benchmarks": [
            *(n for of in part.get("benchmarks", ()) for n in benchmarks_of_table(config, of)),
            *ablations.get("benchmarks", ()),
            *([images["corpus"], *images["benchmarks"]] if images else ()),
        ],
        "references": part.get("quality", ()),
        "encoders": [
            *part.get("encoders", ()),
            *ablations.get("encoders", ()),
            *([images["encoder"]] if images else ()),
        ],
        "samplings": [
            *part.get("samplings", ()),
            *ablations.get("samplings", ()),
            *ablations.get("lareqa", ()),
            *images.get("text_towers", ()),
            *images.get("captions", ()),
            *mixed,
        ],
    }
    for section, names in sections.items():
        if section == "encoders":  # text towers, too
            bases = (config.catalogue.encoders[name].base for name in names)
            names = [*names, *filter(None, bases)]
        chosen[section] = {name: catalogue[section][name] for name in dict.fromkeys(names)}
    if "translator" in part:
        entry = catalogue["translators"][config.translator]
        captions = caption_targets(config) if images else []
        narrowed = _translator(config, entry, captions, back="quality" in part)
        chosen["translators"] = {config.translator: narrowed}
    named = [
        entry
        for section in ("corpora", "benchmarks", "references")
        for entry in chosen[section].values()
    ]
    chosen["sources"] = _sources(catalogue["sources"], named)
    return {section: entries for section, entries in chosen.items() if entries}


def _translator(config: Experiment, entry: dict, captions: list[str], back: bool) -> dict:
    """The translator with its routes to the target languages and pivots; with `back` if asked.

    captions: the languages that captions are translated into.
    """
    targets = [*config.target_languages, *captions]
    languages = {code for target in targets for code in steps(config, target)}
    if back:
        languages |= {c for target in config.target_languages for c in back_steps(config, target)}
    kept = {**entry}
    for key in ("routes", "back", "codes"):
        if key in entry:
            kept[key] = {code: v for code, v in entry[key].items() if code in languages}
    if not back:
        kept.pop("back", None)
    return kept


def _sources(sources: dict, entries: list[dict]) -> dict:
    """The sources that entries name, restricted to the files that any key of the entries names.

    A numbered series of files is kept whole.
    """
    kept: dict[str, dict] = defaultdict(lambda: {"files": {}, "series": {}})
    for entry in entries:
        texts = set(_texts(entry, entry.get("languages") or ()))
        texts |= {t.replace("{part}", p) for t in texts for p in entry.get("parts", {}).values()}
        for name in texts & set(sources):
            for key, chosen in kept[name].items():
                files = sources[name].get(key, {})
                chosen |= {file: files[file] for file in texts & set(files)}
    return {
        name: {
            **{key: value for key, value in sources[name].items() if key not in of_source},
            **{key: files for key, files in of_source.items() if files},
        }
        for name, of_source in kept.items()
        if any(of_source.values())
    }


def _texts(value: Any, languages: Iterable[str]) -> Iterator[str]:
    """Every text in a catalogue entry, with `{language}` filled in for every language."""
    if isinstance(value, str):
        yield from (value.replace("{language}", code) for code in languages)
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item, languages)
