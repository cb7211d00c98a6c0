"""Which section of the report each table and figure stands in, and by what name it is listed.

Snakemake's report sorts sections by name and puts labels into an inline script unescaped, so
`numbered` sections begin with a number and labels hold no characters but those of `label`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hybridbatch.runtime.errors import HybridBatchError

SCORES = "Retrieval scores"
DIFFERENCES = "Differences and claims"
BIAS = "Language bias"
DATA = "Data, translation, training"
CONTAMINATION = "Contamination"
ABLATIONS = "Ablations"
# In the report's order. Ablations come last: with or without them the others keep their numbers.
SECTIONS = (SCORES, DIFFERENCES, BIAS, DATA, CONTAMINATION, ABLATIONS)
_BENCHMARK = "benchmark"  # the caption that the tables of all benchmarks have

_TABLES = {
    "main": (SCORES, "Table 1, mAP of every system"),
    "significance": (DIFFERENCES, "Differences between samplings, tested"),
    "claims": (DIFFERENCES, "What the paper states, judged on our scores"),
    "reproduction": (DIFFERENCES, "Every cell that the paper prints, beside ours"),
    "language_bias": (BIAS, "Table 2, rank distance"),
    "rank_distance": (BIAS, "Tables 7 and 8, rank distance per language"),
    "bias_detail": (BIAS, "Shares of the top, mean ranks, rank correlations"),
    "alpha": (ABLATIONS, "Share of monolingual batches (alpha)"),
    "data_size": (ABLATIONS, "Share of the training pairs"),
    "languages": (ABLATIONS, "Number of training languages"),
    "unseen_languages": (ABLATIONS, "Training without one language"),
    "temperature": (ABLATIONS, "Temperature of the loss"),
    "encoders": (ABLATIONS, "Encoders trained by one recipe"),
    "lareqa": (ABLATIONS, "All samplings beside the figures of LAReQA"),
    "training_data": (DATA, "Table 9, training pairs"),
    "evaluation_data": (DATA, "Tables 10 and 11, queries and candidates"),
    "translation": (DATA, "Translation, unknown words and failures"),
    "translation_quality": (DATA, "Translation quality, BLEU, chrF++ and round trips"),
    "filtering": (DATA, "Filtering of translated pairs"),
    "contamination": (CONTAMINATION, "Benchmark texts in the training data"),
}
# By kind; a figure's name is {kind}, {kind}_{encoder} or {kind}_{encoder}_{benchmark}.
_FIGURES = {
    "heatmap": (SCORES, "Query against candidate language"),
    "reproduction": (DIFFERENCES, "Published against reproduced"),
    "rank_distance": (BIAS, "Rank distances, distribution"),
    "language_share": (BIAS, "Share of the own language in the top"),
    "alpha": (ABLATIONS, "Scores against alpha"),
    "data_size": (ABLATIONS, "Scores against the share of pairs"),
    "languages": (ABLATIONS, "Scores against the number of languages"),
    "temperature": (ABLATIONS, "Scores against the temperature"),
    "training": (DATA, "Losses in training"),
    "translation_quality": (DATA, "Translation quality against scores"),
}


@dataclass(frozen=True)
class Entry:
    """Where something stands, its name there, and its caption's file in workflow/report."""

    section: str
    label: str
    caption: str


def numbered(there: Iterable[str]) -> dict[str, str]:
    """The sections that are there, each with its number: from 1, in their order, without a gap."""
    there = set(there)
    shown = [section for section in SECTIONS if section in there]
    return {section: f"{number} {section}" for number, section in enumerate(shown, 1)}


def label(text: str) -> str:
    """`text` with a space for every character that could end the script it is put into."""
    return " ".join(re.sub(r"[^A-Za-z0-9 .,@_+()-]", " ", text).split())


def table_entry(name: str, benchmarks: Mapping[str, str]) -> Entry:
    """The entry of a table; benchmarks: titles by name."""
    if name in _TABLES:
        section, text = _TABLES[name]
        return Entry(section, label(text), f"tables/{name}")
    if name in benchmarks:
        text = label(f"{benchmarks[name]}, scores per language")
        return Entry(SCORES, text, f"tables/{_BENCHMARK}")
    raise _no_place("table", name)


def figure_entry(name: str, benchmarks: Mapping[str, str]) -> Entry:
    """The entry of a figure; benchmarks: titles by name."""
    for kind, (section, text) in _FIGURES.items():
        if name != kind and not name.startswith(f"{kind}_"):
            continue
        of = name[len(kind) + 1 :]
        for benchmark, title in benchmarks.items():
            if of.endswith(f"_{benchmark}"):
                of = f"{of.removesuffix(f'_{benchmark}')}, {title}"
                break
        return Entry(section, label(f"{text}, {of}" if of else text), f"figures/{kind}")
    raise _no_place("figure", name)


def _no_place(kind: str, name: str) -> HybridBatchError:
    return HybridBatchError(
        f"The {kind} {name!r} has no place in the report: give it one in sections.py and a "
        f"caption in workflow/report/{kind}s/."
    )
