"""False positives, coverage and width of the intervals of a paired difference, by simulation.

    nice .venv/bin/python benchmarks/calibration.py > calibration.csv

Three samplings of an encoder that do not differ are trained with several seeds each and compared by
evaluation/estimates.py, as a table does it. What is drawn at random, in a cell of the grid:

- 240 questions in 48 clusters of 2 to 8, such that clusters multiply the variance of a mean by the
  design effect;
- a seed's effect on all questions, whose standard deviation in the paired difference is given in
  cluster-robust standard errors of that difference;
- with interaction 1, a seed's effect on each question, as large as a sampling's, with the same
  design effect.

Scores are normal; heavy-tailed, of Student's t with 3 degrees of freedom; or binary, a normal score
above a threshold that 31% exceed, most of it shared by all samplings, so that most differences are
0. Seeds' effects are normal.

Columns: the cell; `false_positives`, p below .05 though there is no difference; `coverage` of the
95% interval; `width`, its median half-width over that of the interval which knows the variance;
`score_coverage`, of the interval of one sampling's score by its own seeds alone. Cells that differ
in seeds or seed SD only share their draws. The last ones have one sampling whose seeds differ three
times as much as the others', against the assumption.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from itertools import product
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from hybridbatch.evaluation.estimates import Sample, estimate, sample

SIZES = np.resize([2, 4, 5, 6, 8], 48)  # questions of each cluster
CLUSTERS = np.repeat(np.arange(len(SIZES)), SIZES)
NORMAL, BINARY, HEAVY = SCORES = ("normal", "binary", "heavy-tailed")
SEED_SDS, INTERACTIONS, DESIGN_EFFECTS = (0, 0.5, 1, 2, 4), (0, 1), (1, 1.4, 1.9, 3.3)
SEEDS = (2, 3, 5, 10)
_THRESHOLD, _SHARED = 0.5, 0.6
_AT_ONCE = 100  # draws


@dataclass(frozen=True)
class World:
    """What cells of the grid have in common."""

    scores: str
    design_effect: float
    interaction: float
    noisier: float = 1.0  # factor of the first sampling's seed SD


@dataclass(frozen=True)
class Calibration:
    """What came out in a world."""

    seeds: int
    seed_sd: float  # of the paired difference, in its cluster-robust standard errors
    false_positives: float
    coverage: float
    width: float
    score_coverage: float


WORLDS = [World(*of) for of in product(SCORES, DESIGN_EFFECTS, INTERACTIONS)]
WORLDS += [World(NORMAL, 1.4, 0, noisier=3.0)]


def simulate(
    world: World, seeds: Sequence[int], seed_sds: Sequence[float], draws: int, seed: int = 0
) -> list[Calibration]:
    """The calibration at all numbers of seeds and all seed SDs, which share their draws."""
    numbers = [SCORES.index(world.scores), world.design_effect, world.interaction, world.noisier]
    rng = np.random.default_rng([seed, *(int(10 * number) for number in numbers)])
    unit = _unit_spread(world, rng)
    found = defaultdict(list)
    for start in range(0, draws, _AT_ONCE):
        n = min(_AT_ONCE, draws - start)
        latent, effects = draw(world, max(seeds), n, rng)
        weights = np.eye(n)
        still = [sample(one, weights, CLUSTERS) for one in latent]
        for sd in seed_sds:
            shifts = [sd * unit * one for one in effects]
            if world.scores == BINARY:
                scores = [z + shift > _THRESHOLD for z, shift in zip(latent, shifts, strict=True)]
                samples = [sample(one.astype(float), weights, CLUSTERS) for one in scores]
            else:  # a seed's effect moves means and nothing else
                samples = [
                    replace(one, means=one.means + shift[:, :, 0])
                    for one, shift in zip(still, shifts, strict=True)
                ]
            truth = _true_score(world, sd * unit * world.noisier)
            for number in seeds:
                first = [_first_seeds(one, number) for one in samples]
                found[number, sd].append(_outcomes(first, truth))
    return [
        Calibration(*key, *_summary(np.concatenate(parts, axis=1))) for key, parts in found.items()
    ]


def draw(
    world: World, seeds: int, draws: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of each sampling, scores without seeds' effects on all questions, and these.

    Scores are [draws, seeds, questions]; those of binary scores are the normal ones behind them.
    Effects are [draws, seeds, 1], of variance 1, times `noisier`.
    """
    binary = world.scores == BINARY
    own = np.sqrt(1 - _SHARED) if binary else 1.0
    shared = np.sqrt(_SHARED) * _questions(world, (draws, 1), rng) if binary else 0.0
    latent, effects = [], []
    for factor in (world.noisier, 1.0, 1.0):
        scores = np.repeat(shared + own * _questions(world, (draws, 1), rng), seeds, axis=1)
        if world.interaction:
            scores += world.interaction * own * _questions(world, (draws, seeds), rng)
        latent.append(scores)
        effects.append(factor * rng.standard_normal((draws, seeds, 1)))
    return latent, effects


def _first_seeds(one: Sample, number: int) -> Sample:
    return replace(one, means=one.means[:, :number], deviations=one.deviations[:, :number])


def _outcomes(samples: Sequence[Sample], truth: float) -> np.ndarray:
    """Of each draw; [5, draws]."""
    difference, score = estimate(samples[0], samples[1], samples), estimate(samples[0])
    low, high = difference.interval(0.95)
    score_low, score_high = score.interval(0.95)
    return np.stack(
        [
            difference.value,
            difference.p() < 0.05,
            (low <= 0) & (high >= 0),
            (high - low) / 2,
            (score_low <= truth) & (score_high >= truth),
        ]
    )


def _summary(outcomes: np.ndarray) -> list[float]:
    value, positive, covered, half, score_covered = outcomes
    known = stats.norm.ppf(0.975) * value.std()
    figures = (positive.mean(), covered.mean(), np.median(half) / known, score_covered.mean())
    return [float(figure) for figure in figures]


def _questions(world: World, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Effects of mean 0 and variance 1, alike within clusters; [*shape, questions]."""
    # The design effect is 1 + (sum of squared sizes / sum of sizes - 1) * within.
    within = (world.design_effect - 1) / ((SIZES**2).sum() / SIZES.sum() - 1)
    effects = np.sqrt(1 - within) * _draws(world, (*shape, len(CLUSTERS)), rng)
    if within:
        effects += np.sqrt(within) * _draws(world, (*shape, len(SIZES)), rng)[..., CLUSTERS]
    return effects


def _draws(world: World, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Independent draws of mean 0 and variance 1."""
    if world.scores == HEAVY:
        return rng.standard_t(3, shape) / np.sqrt(3)
    return rng.standard_normal(shape)


def _unit_spread(world: World, rng: np.random.Generator) -> float:
    """The SD of a seed's effect on scores at a seed SD of one standard error of a difference."""
    if world.scores != BINARY:
        return np.sqrt(world.design_effect / len(CLUSTERS))
    latent, _ = draw(World(BINARY, world.design_effect, 0), 1, 4000, rng)
    first, second, _ = ((z > _THRESHOLD).mean((1, 2)) for z in latent)
    # By how much the share above the threshold moves with a seed's effect.
    slope = stats.norm.pdf(_THRESHOLD / _scale(world)) / _scale(world)
    return (first - second).std() / np.sqrt(2) / slope


def _scale(world: World, spread: float = 0.0) -> float:
    """The standard deviation of a normal score behind a binary one."""
    return np.sqrt(1 + world.interaction**2 * (1 - _SHARED) + spread**2)


def _true_score(world: World, spread: float) -> float:
    return stats.norm.sf(_THRESHOLD / _scale(world, spread)) if world.scores == BINARY else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=10_000, help="in each cell of the grid")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    names = [field.name for of in (World, Calibration) for field in fields(of)]
    writer = csv.DictWriter(sys.stdout, names, lineterminator="\n")
    writer.writeheader()
    for world in WORLDS:
        for found in simulate(world, SEEDS, SEED_SDS, arguments.draws, arguments.seed):
            writer.writerow(asdict(world) | asdict(found))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
