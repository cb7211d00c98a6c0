"""Scores of schedules of layers at two budgets, made of noise of a known size."""

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hybridbatch.evaluation.aggregate import score_system
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.claims import Margins
from hybridbatch.evaluation.layer_scaling import Compared, Point, layer_scaling_table
from hybridbatch.evaluation.settings import PARAMETERS_COLUMNS
from hybridbatch.evaluation.significance import compare
from hybridbatch.tables.published import read_published

ROOT = Path(__file__).parents[2]

LANGUAGES, SEEN = ["en", "es", "it"], ["en", "es"]
GAINS = {"rising": 0.02, "falling": -0.06, "uniform": 0.0}
STATISTICS = StatisticsConfig(confidence=0.95, resamples=100, seed=0)
MARGINS = Margins(read_published(ROOT / "resources/published/hybrid_batch.csv"))
PARAMETERS = {24: 1_000, 96: 4_000}


def metrics(gain: float, seeds: int, noise: float, salt: int) -> dict:
    """Per-query metrics of 40 questions; by language and seed."""
    of_query = np.random.default_rng(0).uniform(0.3, 0.7, 40)
    rng = np.random.default_rng(salt)
    frames = {}
    for language, seed in product(LANGUAGES, range(seeds)):
        parts = []
        for pool in (*LANGUAGES, "all", "seen"):
            values = of_query + gain + rng.normal(0, noise, 40) + rng.normal(0, noise / 4)
            names = {"query_id": [f"q{i}" for i in range(40)], "candidates": pool}
            scores = {"map": values, "recall_1": values, "rank_distance": 100 - 50 * values}
            parts.append(pd.DataFrame({**names, **scores}))
        frames[language, seed] = pd.concat(parts, ignore_index=True)
    return frames


@cache
def scored(seeds: int) -> pd.DataFrame:
    """Scores of uniform; those of the other schedules are made of them."""
    return score_system(metrics(0.0, seeds, 0.01, 0), LANGUAGES, SEEN, STATISTICS)


@cache
def compared(seeds: int, noise: float, salt: int) -> pd.DataFrame:
    frames = {
        schedule: metrics(gain, seeds, noise, salt + number)
        for number, (schedule, gain) in enumerate(GAINS.items())
    }
    return compare(frames, LANGUAGES, SEEN, 0.95)


def made(
    seeds: int = 3,
    noise: float = 0.01,
    margin: float | None = 0.01,
    benchmark: str = "quiz",
    parameters: dict = PARAMETERS,
    budgets: tuple[int, ...] = (24, 96),
) -> tuple[pd.DataFrame, list]:
    """The table of three schedules, and the comparisons that it is made of."""
    scores, comparisons = [], []
    names = {"benchmark": benchmark, "encoder": "e5-small", "sampling": "hybrid", "steps": 80.0}
    cells = scored(seeds).assign(**names)

    def with_parameters(frame: pd.DataFrame, number: int | None) -> pd.DataFrame:
        values = pd.array([number] * len(frame), "Int64")
        return frame.assign(**dict.fromkeys(PARAMETERS_COLUMNS, values))

    for budget in budgets:
        for schedule, gain in GAINS.items():
            trained = parameters.get((budget, schedule), parameters.get(budget))
            of_point = cells.assign(value=cells["value"] + gain + budget / 1e4)
            scores.append((Point("lora", budget, schedule), with_parameters(of_point, trained)))
        of = Compared(benchmark, "e5-small", "hybrid", "lora", budget)
        comparisons.append((of, compared(seeds, noise, budget)))
    reference = cells.assign(sampling="zero-shot", steps=0.0)
    scores.insert(0, (Point(), with_parameters(reference, None)))
    table = layer_scaling_table(scores, comparisons, MARGINS, {"lora": margin}, 0.95)
    return table, comparisons


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return made()[0]


def differences_of(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["versus"].notna()]


def one(table: pd.DataFrame, schedule: str, versus: str, setting: str, **others) -> pd.Series:
    where = {"schedule": schedule, "versus": versus, "setting": setting, "metric": "map"}
    where |= {"pool": "all", "language": "mean", "budget": 24} | others
    found = table
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]
