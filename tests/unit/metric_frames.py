"""Per-query metrics of made-up models, as the evaluation writes them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.metrics import RANKING, of_source

METRICS = of_source(RANKING)
CONFIG = StatisticsConfig(confidence=0.95, resamples=200, seed=0)
LANGUAGES = ["zh", "ar", "en", "th", "de"]
SEEN = ["en", "zh", "xx"]  # `xx` was trained on and is not in the benchmark
Frames = dict[tuple[str, int], pd.DataFrame]


def of_pool(queries: Iterable[str], pool: str, values: np.ndarray) -> pd.DataFrame:
    """Per-query metrics against one pool, every metric another figure."""
    columns = {metric: values * (i + 1) + i for i, metric in enumerate(METRICS)}
    return pd.DataFrame({"query_id": list(queries), "candidates": pool, "relevant": 1, **columns})


def ragged(seed: int) -> Frames:
    """Not all queries in all languages, as in MLQA-R; `th` and `de` have none in common."""
    rng = np.random.default_rng(seed)
    answered = {
        f"q{i}": [c for c in LANGUAGES if rng.random() < 0.6 and c != ("th", "de")[i % 2]] or ["en"]
        for i in range(40)
    }
    frames: Frames = {}
    for language in LANGUAGES:
        own = [query for query, codes in answered.items() if language in codes]
        for model_seed in (7, 3):
            parts = []
            for pool in [*LANGUAGES, "all", "seen"]:
                inside = {"all": LANGUAGES, "seen": SEEN}.get(pool, [pool])
                queries = [q for q in own if set(answered[q]) & set(inside)]
                if queries:
                    parts.append(of_pool(queries, pool, rng.random(len(queries))))
            shuffled = pd.concat(parts).sample(frac=1, random_state=seed)
            frames[language, model_seed] = shuffled.reset_index(drop=True)
    return frames


def one_language(values: np.ndarray, language: str = "en") -> Frames:
    """Queries of one language against its own pool; values [seeds, queries]."""
    queries = [f"q{i:04d}" for i in range(values.shape[1])]
    return {(language, s): of_pool(queries, language, row) for s, row in enumerate(values)}


def cell_of(cells: pd.DataFrame, language: str = "en", metric: str = "map") -> pd.Series:
    chosen = (cells["language"] == language) & (cells["metric"] == metric)
    chosen &= (cells["setting"] == "monolingual") & (cells["pool"] == "all")
    (row,) = (row for _, row in cells[chosen].iterrows())
    return row


def width(cell: pd.Series) -> float:
    return cell["ci_high"] - cell["ci_low"]
