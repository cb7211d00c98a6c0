"""The data card of a folder of train sets, in the Hugging Face hub's format.

The YAML on top is the hub's metadata, https://huggingface.co/docs/hub/datasets-cards. Its `configs`
allow `datasets.load_dataset` to open the folder, with one configuration for each language.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hybridbatch.render.cards import as_yaml, front_matter
from hybridbatch.render.grid import Page, plain
from hybridbatch.render.markdown import escape, fenced, render

COLUMNS = {
    "id": "the pair's, the same in every language",
    "question": "the question",
    "passage": "a text that answers it",
    "negative": "a text that looks like the passage and does not answer; null where there is none",
    "language": "of the three texts, an ISO 639 code",
}
# The card's words for what filter_pairs counts.
_COUNTS = {
    "pairs": "read",
    "kept": "kept",
    "failed": "translation failed",
    "empty": "empty",
    "unknown_words": "unknown words",
    "unchanged": "unchanged",
    "length_ratio": "length",
    "duplicate": "repeated",
}
_WIDTH = 100  # of lines of YAML


@dataclass(frozen=True)
class Facts:
    """The configuration's facts about a corpus and its translations."""

    name: str
    origin: str  # URL or file
    licence: str
    languages: Sequence[str]  # the corpus' own is the first
    translated: Sequence[str]  # the machine-translated ones among the languages
    translator: str  # with its licence
    ways: Sequence[str]  # routes from English to each translated language
    filtering: Mapping[str, float]


@dataclass(frozen=True)
class Making:
    """The code and configuration that made the train sets."""

    code: Mapping[str, Any]  # of provenance.record.checkout
    configuration: Mapping[str, Any]
    configuration_sha256: str


def data_card(facts: Facts, counts: Mapping[str, Mapping[str, int]], making: Making) -> str:
    """The card as Markdown with the hub's YAML on top.

    counts: by language, the counts of filter_pairs: `pairs`, `kept` and one for each reason.
    """
    number = len(facts.languages)
    table = [[code, *(f"{counts[code][key]:,}" for key in _COUNTS)] for code in facts.languages]
    page = Page(
        facts.name,
        facts.name,
        [
            f"Questions and passages that answer them, in {number} "
            f"language{'s' if number > 1 else ''}, to train dense retrieval on. Made by the Hybrid "
            "Batch workflow (Elmahdy, Lin and Ahmad, arXiv 2408.10536).",
            "## Use",
            "```python\nimport datasets\n\n"
            f'pairs = datasets.load_dataset("FOLDER", "{facts.languages[0]}", split="train")\n```',
            "Each language is a configuration with one split, `train`. Pairs that are held out for "
            "validation are in none.",
            plain("", ["column", "what"], COLUMNS.items()),
            "## Source",
            plain(
                "",
                ["corpus", "from", "licence as its owner states it"],
                [[facts.name, facts.origin, facts.licence]],
            ),
            "## Translation",
            _translation(facts),
            "## Pairs",
            plain("", ["language", *_COUNTS.values()], table),
            _filters(facts),
            "## Made by",
            _commit(making.code),
            f"Configuration (sha256 `{making.configuration_sha256}`); laid over any whole "
            "configuration it makes the train sets again:",
            fenced(as_yaml(making.configuration, _WIDTH), "yaml"),
            "## What it may not be used for",
            _limits(facts),
        ],
    )
    return f"{front_matter(_front(facts), _WIDTH)}\n\n{render(page)}"


def _front(facts: Facts) -> dict[str, Any]:
    several = len(facts.languages) > 1
    return {
        "pretty_name": facts.name,
        "language": list(facts.languages),
        # `other`, since no single licence covers corpus and translator. The card names both.
        "license": "other",
        "multilinguality": ["multilingual" if several else "monolingual"],
        "task_categories": ["text-retrieval"],
        "tags": ["multilingual-retrieval", "hybrid-batch"],
        "configs": [
            {
                "config_name": code,
                "data_files": [{"split": "train", "path": f"{code}.parquet"}],
                **({"default": True} if code == facts.languages[0] else {}),
            }
            for code in facts.languages
        ],
    }


def _translation(facts: Facts) -> str:
    own, *others = facts.languages
    if not others:
        return f"None: the texts are in their own language, {own}."
    if not facts.translated:
        return f"None by this workflow: the publisher gives the texts in {', '.join(others)}."
    return (
        f"The texts in {', '.join(facts.translated)} are translations by machine of those in "
        f"{own}. Translator: {escape(facts.translator)}. Routes: {', '.join(facts.ways)}."
    )


def _filters(facts: Facts) -> str:
    limits = facts.filtering
    return (
        "A pair is kept if both its texts are, and is counted under the first reason that holds. "
        f"Unknown words: more than {limits['max_unknown_share']:g} of the words of a translation "
        "are not known to the translator. Unchanged: the translation is its source. Length: the "
        "translation's characters over its source's, divided by the language's median of that "
        f"ratio, are below {limits['min_length_ratio']:g} or above {limits['max_length_ratio']:g}. "
        f"In {facts.languages[0]}, which is not translated, only empty and repeated pairs are left "
        "out."
    )


def _commit(code: Mapping[str, Any]) -> str:
    if code["commit"] is None:
        return f"Code: commit unknown, {code['reason']}."
    number = len(code["changed"])
    changed = f", changed in {number} file{'s' if number > 1 else ''}" if number else ""
    return f"Code: commit `{code['commit']}`{changed}."


def _limits(facts: Facts) -> str:
    said = [
        "Nothing that the licences above do not allow, the corpus' and the translator's: this card "
        "grants none, and an unstated licence is not a permission.",
        "Not to evaluate: these are training pairs, and a passage that answers a question is not "
        "the only one that does.",
    ]
    if facts.translated:
        said.append(
            "Not as reference translations, nor as text that people wrote: machine translations "
            "carry the translator's errors, and nobody has read them."
        )
    said += [
        "Not to compare models on a benchmark before you know which of its texts are in here: the "
        "workflow's table `contamination` counts them.",
        "Not for decisions about people: personal data, errors of fact and biases of the corpus "
        "were neither looked for nor removed.",
    ]
    return "\n".join(f"- {line}" for line in said)
