"""A card beside each model, as the Hugging Face hub has them: what it is, of what, how good.

Mitchell et al. (2019), "Model cards for model reporting".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import yaml

from hybridbatch.cells import MEAN
from hybridbatch.grids import Band, Cell, Grid, Row
from hybridbatch.markdown import escape, grid, tables
from hybridbatch.tables import METRIC_TITLES, POOL_TITLES

_TRAINING = (
    "batch_size", "max_steps", "learning_rate", "warmup_share", "weight_decay", "temperature",
    "max_grad_norm", "evaluate_every", "patience",
)  # fmt: skip


@dataclass(frozen=True)
class Corpus:
    """A training corpus: its licence and the languages that it was trained on in."""

    name: str
    licence: str
    languages: Sequence[str]
    pairs: Mapping[str, int]  # by language, after the filters


@dataclass(frozen=True)
class Facts:
    """What the configuration says of a model."""

    system: str
    sampling: str
    base: str  # hub name with revision, or what was trained from scratch
    hub_name: str | None  # of the base model
    translator: str
    corpora: Sequence[Corpus]
    scale: str


def model_card(
    facts: Facts,
    runs: Mapping[int, Mapping[str, Any]],
    mixes: Mapping[int, Mapping[str, Any]],
    cells: Sequence[pd.DataFrame],
    confidence: float,
) -> str:
    """Markdown with the hub's YAML on top.

    runs, mixes: by seed, `run.json` and `mix.json` of the model folders; cells: of
    `cells.score_cells`, one frame a benchmark.
    """
    languages = list(dict.fromkeys(c for corpus in facts.corpora for c in corpus.languages))
    front = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "tags": ["sentence-transformers", "multilingual-retrieval", "hybrid-batch"],
        "language": languages,
        # The data's licences stand in the card; none of them covers all of it.
        "license": "other",
    }
    if facts.hub_name:
        front["base_model"] = facts.hub_name
    run = next(iter(runs.values()))
    blocks = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        f"# {escape(facts.system)}",
        f"A dual encoder for retrieval in {len(languages)} languages, fine-tuned on "
        f"`{facts.sampling}` batches by the Hybrid Batch workflow (Elmahdy, Lin and Ahmad, "
        f"arXiv 2408.10536). Scale of the run: `{facts.scale}`. One folder a seed: "
        + ", ".join(f"`seed{seed}`" for seed in runs)
        + ".",
        "## Use",
        "```python\nfrom sentence_transformers import SentenceTransformer\n\n"
        f'model = SentenceTransformer("seed{next(iter(runs))}")\n'
        'queries = model.encode(["..."], prompt_name="query")\n'
        'passages = model.encode(["..."], prompt_name="document")\n'
        "scores = model.similarity(queries, passages)\n```",
        f"Prompts: `{run['encoder']['query_prefix']}` before queries, "
        f"`{run['encoder']['passage_prefix']}` before passages. Texts are cut at "
        f"{run['encoder']['max_tokens']} tokens; vectors have length one.",
        "## Base",
        escape(facts.base),
        "## Training data",
        grid(
            ["corpus", "licence as its owner states it", "pairs by language"],
            [[c.name, c.licence, _pairs(c)] for c in facts.corpora],
        ),
        "English questions and passages; the other languages "
        f"{escape(facts.translator)}. The texts themselves are not part of the model's folder.",
        "## Training",
        _training(facts, run, runs, mixes),
        "## Scores",
        f"Means over query languages, over {_seeds(list(runs))}, with {100 * confidence:g}% "
        "bootstrap intervals over queries and seeds.",
        *_scores(cells),
        "## Limits",
        "Languages that are not named above were not trained on. Scores are of the benchmarks "
        "named here, whose passages are sentences of Wikipedia; machine translations that were "
        "trained on carry the translator's errors. Nothing was done against biases of the data.",
    ]
    return "\n\n".join(blocks) + "\n"


def _pairs(corpus: Corpus) -> str:
    return ", ".join(f"{code} {corpus.pairs[code]:,}" for code in corpus.languages)


def _training(facts: Facts, run: Mapping, runs: Mapping, mixes: Mapping) -> str:
    values = [["sampling", facts.sampling]]
    if facts.sampling == "hybrid":
        values.append(["alpha", f"{run['training']['alpha']:g}"])
    if run["training"]["pairs"] < 1:
        values.append(["share of the pairs", f"{run['training']['pairs']:g}"])
    values += [[name.replace("_", " "), f"{run['training'][name]:g}"] for name in _TRAINING]
    for seed, mix in mixes.items():
        kinds = ", ".join(f"{kind} {share:.3f}" for kind, share in mix["kind"].items())
        values.append([f"seed {seed}: steps, best step", f"{mix['steps']}, {_best(runs[seed])}"])
        values.append([f"seed {seed}: batches", kinds])
    return grid(["", "value"], values)


def _best(run: Mapping[str, Any]) -> str:
    return f"{run['best_step']} (validation loss {run['best_validation_loss']:.4f})"


def _scores(cells: Sequence[pd.DataFrame]) -> list[str]:
    blocks = []
    for frame in cells:
        for (benchmark, pool), part in frame.groupby(["benchmark", "pool"], sort=False):
            rows = [_row(row) for row in part[part["language"] == MEAN].itertuples()]
            blocks += [
                f"### {escape(benchmark)}; {POOL_TITLES[pool]}",
                *tables(Grid("", "setting", ["metric", "mean"], [Band(rows)])),
            ]
    return blocks


def _row(row) -> Row:
    decimals = 0 if row.metric == "rank_distance" else 3
    interval = ""
    if pd.notna(row.ci_low):
        interval = f"[{row.ci_low:.{decimals}f}, {row.ci_high:.{decimals}f}]"
    mean = Cell(f"{row.value:.{decimals}f}", interval)
    return row.setting, [Cell(METRIC_TITLES[row.metric]), mean]


def _seeds(seeds: Sequence[int]) -> str:
    return f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}"
