"""A budget divided among the layers of a transformer: exactly, and by a named schedule."""

from collections.abc import Mapping, Sequence

import numpy as np

from hybridbatch.runtime.errors import ConfigError

# The smallest and the largest share of a layer, in shares of the mean.
_LOW, _HIGH = 0.25, 1.75


Schedule = str | Mapping[str, Mapping[str, float]] | Sequence[int]


def divided(
    budget: int, schedule: Schedule, layers: int, where: str = "training.trainable.schedule"
) -> list[int]:
    """The budget of each layer, the layer at the input first; they add up to `budget`.

    budget: ranks or units of all layers together. schedule: a list of the layers' own budgets; or
    weights, which `uniform` has all alike, `rising` linearly from 0.25 to 1.75 of the mean,
    `falling` the other way round, `middle` highest in the middle, `ends` at both ends, and
    `{linear: {from, to}}` linearly between two numbers. Weights are rounded by the largest
    remainder; of equal remainders the lower layer's comes first. where: the schedule's key, for
    errors.

    Raises ConfigError for a budget of less than one a layer, and for a list that has not one
    number for each layer or does not add up to the budget.
    """
    if budget < layers:
        raise ConfigError(
            f"training.trainable.budget: {budget} is less than one for each of {layers} layers: "
            f"raise it to {layers} or more."
        )
    if not isinstance(schedule, str | Mapping):
        if len(schedule) != layers:
            raise ConfigError(
                f"{where}: has {len(schedule)} numbers, and the encoder has {layers} layers."
            )
        if sum(schedule) != budget:
            raise ConfigError(f"{where}: adds up to {sum(schedule)}, and the budget is {budget}.")
        return list(schedule)
    return largest_remainder(_weights(schedule, layers, where), budget)


def largest_remainder(weights: np.ndarray, total: int) -> list[int]:
    """Whole numbers in proportion to `weights` that add up to `total` (Hamilton's method)."""
    quotas = weights / weights.sum() * total
    # Rounded, so that the same remainder is the same number in every layer.
    whole = np.floor(np.round(quotas, 9)).astype(int)
    remainders = np.round(quotas - whole, 9)
    more = np.argsort(-remainders, kind="stable")[: total - whole.sum()]
    whole[more] += 1
    return whole.tolist()


def _weights(
    schedule: str | Mapping[str, Mapping[str, float]], layers: int, where: str
) -> np.ndarray:
    if not isinstance(schedule, str):
        ends = schedule["linear"]
        weights = np.linspace(ends["from"], ends["to"], layers)
        if not weights.sum():
            raise ConfigError(f"{where}: both ends of `linear` are 0.")
        return weights
    rising = np.linspace(_LOW, _HIGH, layers) if layers > 1 else np.ones(1)
    # 0 in the middle of the layers, 1 at both ends.
    away = np.abs(np.linspace(-1, 1, layers)) if layers > 1 else np.zeros(1)
    return {
        "uniform": np.ones(layers),
        "rising": rising,
        "falling": rising[::-1],
        "middle": _HIGH - (_HIGH - _LOW) * away,
        "ends": _LOW + (_HIGH - _LOW) * away,
    }[schedule]
