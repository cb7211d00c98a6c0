"""The model card of a system, in the Hugging Face hub's format.

Mitchell et al. (2019), "Model cards for model reporting"; the YAML on top is the hub's metadata,
https://huggingface.co/docs/hub/model-cards.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, metric_title
from hybridbatch.evaluation.settings import MEAN, MEAN_SEEN, MEAN_UNSEEN, MEDIAN
from hybridbatch.render.cards import front_matter
from hybridbatch.render.grid import Band, Cell, Grid, Row
from hybridbatch.render.markdown import escape, grid, heading, tables
from hybridbatch.runtime.errors import DataError
from hybridbatch.tables.losses import loss_in_words
from hybridbatch.tables.words import POOL_TITLES

_TRAINING = (
    "batch_size", "corpus_weighting", "max_steps", "warmup_steps", "decay_share", "learning_rate",
    "weight_decay", "temperature", "max_grad_norm", "evaluate_every", "patience",
)  # fmt: skip
# The card's words for the counts of parameters in run.json.
_PARAMETERS = {
    "all": "parameters",
    "trained": "of them trained",
    "stored": "in the saved files, zeros of narrow layers included",
}
_SAMPLINGS = {
    "en-en": "questions and passages in English only",
    "x-x": "a pair's question and passage in one language, languages mixed in a batch",
    "x-x-mono": "every batch in one language",
    "x-y": "a pair's question and passage in different languages",
    "hybrid": "a batch is in one language (x-x-mono) with probability alpha, else every pair's "
    "question and passage are in different languages (x-y)",
}
_AVERAGES = {
    MEAN: "mean",
    MEAN_SEEN: "mean of languages with training data",
    MEAN_UNSEEN: "mean of languages without",
    MEDIAN: "median",
}
# The card's words for the achieved shares in mix.json.
_SHARES = {
    "kind": "batches",
    "corpus": "corpora",
    "query_languages": "languages of questions",
    "passage_languages": "languages of passages",
}
_HUB_DATASET = re.compile(r"https://huggingface\.co/datasets/([^/]+/[^/]+)/(?:resolve|tree)/")


@dataclass(frozen=True)
class Corpus:
    """A training corpus: its origin, and the part of it that was trained on."""

    name: str
    origin: str  # URL or file
    licence: str
    languages: Sequence[str]
    translated: Sequence[str]  # the machine-translated ones among the languages
    pairs: Mapping[str, int]  # by language, after the filters


@dataclass(frozen=True)
class Facts:
    """The configuration's facts about a model."""

    system: str
    sampling: str
    base: str  # hub name with revision and licence, or a description if trained from scratch
    hub_name: str | None  # of the base model
    translator: str  # with its licence
    ways: Sequence[str]  # routes from English to each translated language
    validation: Sequence[Sequence[str]]  # corpus, licence
    seen: Sequence[str]  # training languages of the configuration
    corpora: Sequence[Corpus]
    scale: str


def model_card(
    facts: Facts,
    runs: Mapping[int, Mapping[str, Any]],
    mixes: Mapping[int, Mapping[str, Any]],
    cells: Sequence[pd.DataFrame],
    confidence: float,
    how: str | None = None,
) -> str:
    """The card as Markdown with the hub's YAML on top.

    runs, mixes: by seed, `run.json` and `mix.json` of the model folders. cells: frames of
    `aggregate.score_system`, one for each benchmark. how: Python that loads a model whose passages
    are images; None for one of texts. Raises DataError if the seeds differ in their run settings.
    """
    run = _common(facts.system, runs)
    languages = list(dict.fromkeys(c for corpus in facts.corpora for c in corpus.languages))
    blocks = [
        front_matter(_front(facts, languages)),
        heading(1, facts.system),
        f"A dual encoder for retrieval, trained in {len(languages)} "
        f"language{'s' if len(languages) > 1 else ''} by the Hybrid Batch workflow (Elmahdy, Lin "
        f"and Ahmad, arXiv 2408.10536). Scale of the run: {escape(facts.scale)}. One folder a "
        f"seed: {', '.join(f'`seed{seed}`' for seed in runs)}.",
        "## Use",
        _use(next(iter(runs)), run["encoder"]) if how is None else _use_of_images(run, how),
        "## Base",
        escape(facts.base),
        "## Training data",
        *_data(facts, languages),
        "## Training",
        *_training(facts, run["training"], runs, mixes),
        "## Scores",
        f"Over {_seeds(len(runs))}, with {100 * confidence:g}% intervals over articles "
        "and seeds. Languages with training data are the configuration's: "
        f"{', '.join(facts.seen)}.",
        *_scores(cells),
        "## Limits",
        _limits(facts, languages, run["encoder"]["max_tokens"]),
    ]
    return "\n\n".join(blocks) + "\n"


def _common(system: str, runs: Mapping[int, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Shared run settings; raises DataError if seeds disagree."""
    (first, run), *others = runs.items()
    for seed, other in others:
        for part in ("training", "encoder"):
            differing = [
                key
                for key in dict.fromkeys([*run[part], *other[part]])
                if run[part].get(key) != other[part].get(key)
            ]
            if differing:
                raise DataError(
                    f"{system}: seeds {first} and {seed} were trained with different {part} "
                    f"values ({', '.join(differing)}); one card cannot describe both. Train both "
                    "again."
                )
    return run


def _front(facts: Facts, languages: Sequence[str]) -> dict[str, Any]:
    front = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": [
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            "multilingual-retrieval",
            "hybrid-batch",
        ],
        "language": list(languages),
        # `other`, since no single licence covers all data. The card names them.
        "license": "other",
    }
    if facts.hub_name:
        front["base_model"] = facts.hub_name
    found = [_HUB_DATASET.match(corpus.origin) for corpus in facts.corpora]
    # Only data sets of the hub may stand here.
    if datasets := list(dict.fromkeys(match[1] for match in found if match)):
        front["datasets"] = datasets
    return front


def _use(seed: int, encoder: Mapping[str, Any]) -> str:
    return (
        "```python\nfrom sentence_transformers import SentenceTransformer\n\n"
        f'model = SentenceTransformer("seed{seed}")  # a path to the folder\n'
        'queries = model.encode(["..."], prompt_name="query")\n'
        'passages = model.encode(["..."], prompt_name="document")\n'
        "scores = model.similarity(queries, passages)\n```\n\n"
        f"The prompts are {_code(encoder['query_prefix'])} before queries and "
        f"{_code(encoder['passage_prefix'])} before passages. Texts are cut at "
        f"{encoder['max_tokens']} tokens; vectors have length one."
    )


def _use_of_images(run: Mapping[str, Any], how: str) -> str:
    return (
        f"```python\n{how}```\n\n"
        "Queries are texts, and passages are images of one line of text, black on white. A query "
        f"is cut at {run['encoder']['max_tokens']} tokens; vectors have length one."
    )


def _data(facts: Facts, languages: Sequence[str]) -> list[str]:
    rows = [
        [
            c.name,
            c.origin,
            c.licence,
            ", ".join(f"{code} {c.pairs[code]:,}" for code in c.languages),
        ]
        for c in facts.corpora
    ]
    blocks = [grid(["corpus", "from", "licence as its owner states it", "pairs by language"], rows)]
    translated = {code for corpus in facts.corpora for code in corpus.translated}
    if translated:
        names = [f"{c.name} ({', '.join(c.translated)})" for c in facts.corpora if c.translated]
        blocks.append(
            f"Translated by machine: {escape(', '.join(names))}. Translator: "
            f"{escape(facts.translator)}. Ways: {', '.join(facts.ways)}."
        )
    held = ", ".join(f"{name} ({licence})" for name, licence in facts.validation)
    blocks.append(
        f"Training stopped by held-out English pairs of: {escape(held)}. No texts are part of the "
        "model's folder, apart from its vocabulary."
    )
    return blocks


def _training(
    facts: Facts, training: Mapping[str, Any], runs: Mapping, mixes: Mapping
) -> list[str]:
    values = [["sampling", facts.sampling]]
    if training["alpha"] is not None:
        values.append(["alpha", f"{training['alpha']:g}"])
    if training["pairs"] < 1:
        values.append(["share of the pairs", f"{training['pairs']:g}"])
    values += [[name.replace("_", " "), _number(training[name])] for name in _TRAINING]
    parameters = next(iter(runs.values()))["parameters"]
    values += [[title, f"{parameters[name]:,}"] for name, title in _PARAMETERS.items()]
    seeds = [
        [seed, mix["steps"], runs[seed]["best_step"], f"{runs[seed]['best_validation_loss']:.4f}"]
        for seed, mix in mixes.items()
    ]
    shares = [
        [title, *(", ".join(f"{k} {v:.3f}" for k, v in mix[key].items()) for mix in mixes.values())]
        for key, title in _SHARES.items()
    ]
    return [
        f"Sampling {escape(facts.sampling)}: {_SAMPLINGS[training['sampling']]}. "
        + loss_in_words(training.get("loss") or {}),
        grid(["", "value"], values),
        grid(["seed", "steps", "best step", "its English validation loss"], seeds),
        "Achieved shares over all steps:",
        grid(["of", *(f"seed {seed}" for seed in mixes)], shares),
    ]


def _scores(cells: Sequence[pd.DataFrame]) -> list[str]:
    blocks = []
    for frame in cells:
        for (benchmark, pool), part in frame.groupby(["benchmark", "pool"], sort=False):
            rows = part[part["language"].isin(list(_AVERAGES))].itertuples()
            columns = ["metric", "over languages", "value", "queries"]
            blocks += [
                f"### {escape(benchmark)}; {POOL_TITLES[pool]}",
                *tables(Grid("", "setting", columns, [Band([_row(row) for row in rows])])),
            ]
    return blocks


def _row(row) -> Row:
    decimals = METRICS[row.metric].decimals - 1
    interval = ""
    if pd.notna(row.ci_low):
        interval = f"[{row.ci_low:.{decimals}f}, {row.ci_high:.{decimals}f}]"
    return row.setting, [
        Cell(metric_title(row.metric)),
        Cell(_AVERAGES[row.language]),
        Cell(f"{row.value:.{decimals}f}", interval),
        Cell(f"{row.n_queries:,}"),
    ]


def _limits(facts: Facts, languages: Sequence[str], max_tokens: int) -> str:
    said = [
        f"Fine-tuned on no language but {', '.join(languages)}.",
        "Scores are of the benchmarks and pools named here and say little about other texts.",
        f"What stands after {max_tokens} tokens of a text has no influence.",
    ]
    if any(corpus.translated for corpus in facts.corpora):
        said.append("Machine translations carry the translator's errors into the model.")
    if facts.scale != "paper":
        said.append(
            f"Scale {escape(facts.scale)}: data, base or both are smaller than the paper's, and so "
            "scores are no measure of the paper's."
        )
    said += [
        "Whether texts of the benchmarks stand in the training data is counted in the workflow's "
        "table `contamination`.",
        "Nothing was done against biases of the data.",
        "No one licence covers the data and the translator: whoever publishes the model has to see "
        "what the ones above allow.",
    ]
    return "\n".join(f"- {line}" for line in said)


def _code(text: str) -> str:
    """A text in quotation marks as a Markdown code span, also if it contains backticks."""
    quoted = json.dumps(text, ensure_ascii=False)
    longest = max(map(len, re.findall("`+", quoted)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence}{quoted}{fence}"


def _number(value: float | Mapping[str, float]) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    return f"{value:g}"


def _seeds(number: int) -> str:
    return f"{number} seed{'s' if number > 1 else ''}"
