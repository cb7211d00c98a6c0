"""Frames that figures are drawn of, and what is read from a drawn figure."""

from collections.abc import Sequence
from itertools import product

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

THREE = ("x-x-mono", "x-y", "hybrid")


def lines(axes: Axes, sampling: str) -> list[tuple[list[float], list[float]]]:
    """x and y of the lines of a sampling."""
    return [
        (list(line.get_xdata()), list(line.get_ydata()))
        for line in axes.get_lines()
        if line.get_label() == sampling
    ]


def words_in(figure: Figure) -> str:
    """All text of a figure."""
    return "\n".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


def scores(seeds: Sequence[int] = (0, 1)) -> pd.DataFrame:
    """x-y: .2 more than x-x-mono; seed 1: .1 more than seed 0; en for en: .4 more."""
    return pd.DataFrame(
        [
            {
                "sampling": sampling,
                "seed": seed,
                "language": language,
                "candidates": candidates,
                "map": 0.1 + 0.2 * (sampling == "x-y") + 0.1 * seed
                + 0.4 * (language == candidates == "en"),
                "n_queries": 7 + (language == "es"),
            }
            for sampling, seed, language, candidates in product(
                ("x-x-mono", "x-y"), seeds, ("en", "es"), ("en", "es")
            )
        ]
    )  # fmt: skip


def distances() -> pd.DataFrame:
    """en: 30 queries at 0; es: 1 at 0 and 9 at 100, in `all`; half of it in `seen`."""
    rows = [
        ("hybrid", 0, language, pool, value * share)
        for pool, share in (("all", 1), ("seen", 0.5))
        for language, number, value in (("en", 30, 0), ("es", 1, 0), ("es", 9, 100))
        for _ in range(number)
    ]
    columns = ["sampling", "seed", "language", "candidates", "rank_distance"]
    return pd.DataFrame(rows, columns=columns)


def bias() -> pd.DataFrame:
    rows = []
    for pool, members in (("all", ("en", "es", "it")), ("seen", ("en", "es"))):
        for k, sampling, query, candidate in product((10, 100), THREE, members, members):
            value = 0.2 if query != candidate else 0.3 + 0.1 * THREE.index(sampling) + k / 1000
            rows.append((sampling, pool, "share_at_k", query, candidate, k, value))
        for k, sampling in product((10, 100), THREE):
            value = 0.3 + 0.1 * THREE.index(sampling) + k / 1000
            rows.append((sampling, pool, "share_at_k", "mean", "same", k, value))
            rows.append((sampling, pool, "share_at_k", "mean", "en", k, 0.9))
    rows.append(("hybrid", "all", "mean_rank", "en", "en", np.nan, 9.0))
    columns = ["sampling", "pool", "measure", "query_language", "candidate_language", "k", "value"]
    frame = pd.DataFrame(rows, columns=columns)
    fair = np.where(frame["pool"] == "all", 1 / 3, 1 / 2)
    return frame.assign(
        fair=fair, ci_low=frame["value"] - 0.1, ci_high=frame["value"] + 0.1, n_queries=5, n_seeds=2
    )


def ablation(points: Sequence[str], samplings: Sequence[str] = THREE) -> pd.DataFrame:
    """Pool `seen` is .1 above `all`; a sampling .05 above the one before; all rise with x."""
    rows = []
    for pool, language, point, sampling in product(
        ("all", "seen"), ("mean", "en"), points, samplings
    ):
        for setting, metric in (
            ("multilingual", "rank_distance"),
            ("monolingual", "map"),
            ("cross-lingual", "map"),
            ("multilingual", "map"),
            ("monolingual", "recall_1"),
        ):
            value = float(point) / 10 + 0.05 * samplings.index(sampling) + 0.1 * (pool == "seen")
            value *= 1000 if metric == "rank_distance" else 1
            rows.append((point, sampling, pool, language, setting, metric, value))
    columns = ["point", "sampling", "pool", "language", "setting", "metric", "value"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(
        benchmark="quiz", encoder="static", n_queries=9, n_seeds=3, versus=np.nan,
        ci_low=frame["value"] * 0.9, ci_high=frame["value"] * 1.1,
    )  # fmt: skip


def runs(steps: int = 41) -> tuple[pd.DataFrame, pd.DataFrame]:
    training = pd.DataFrame(
        [
            (sampling, seed, step, 1 + seed + (step == 20))
            for sampling, seed, step in product(("x-y", "hybrid"), (0, 1), range(steps))
        ],
        columns=["sampling", "seed", "step", "loss"],
    )
    validation = pd.DataFrame(
        [
            (sampling, seed, step, abs(step - 20) / 10 + 0.5 + seed)
            for sampling, seed, step in product(("x-y", "hybrid"), (0, 1), (10, 20, 30))
        ],
        columns=training.columns,
    )
    return training, validation


def quality(sets: Sequence[str] = ("human",)) -> pd.DataFrame:
    rows = [
        (name, texts, language, chrf)
        for name, texts in product(sets, ("questions", "sentences"))
        for language, chrf in (("es", 60.0), ("gl", 50.0), ("ast", np.nan), ("pt", 55.0))
    ]
    frame = pd.DataFrame(rows, columns=["references", "texts", "language", "chrf++"])
    return frame.assign(**{"chrf++": frame["chrf++"] + (frame["texts"] == "questions")})


def table() -> pd.DataFrame:
    rows = [
        (setting, metric, pool, language, sampling, 0.5 + 0.01 * len(sampling))
        for setting, metric, pool, language, sampling in product(
            ("monolingual", "multilingual"), ("map", "recall_1"), ("all", "seen"),
            ("en", "es", "gl", "ast", "mean"), ("x-y", "hybrid"),
        )
    ]  # fmt: skip
    columns = ["setting", "metric", "pool", "language", "sampling", "value"]
    return pd.DataFrame(rows, columns=columns).assign(
        benchmark="quiz", ci_low=0.4, ci_high=0.6, n_queries=8, n_seeds=1
    )
