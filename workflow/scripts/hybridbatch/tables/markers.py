"""Markers for the best and second sampling, and for those not significantly worse than the best."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.settings import ZERO_SHOT
from hybridbatch.render.grid import BOLD, DAGGER, UNDERLINED

# The columns that define a comparison: samplings are compared within each group.
GROUP = ["benchmark", "encoder", "setting", "metric", "pool", "language"]

_REFERENCE = (
    f"{ZERO_SHOT}: the pretrained encoder without training, once; a reference, which is not marked."
)


def marked(frame: pd.DataFrame, tests: pd.DataFrame | None, confidence: float) -> pd.DataFrame:
    """`frame` with columns emphasis, mark, behind and p_best.

    frame: tidy rows of scores, at most one for each sampling and GROUP. tests: rows of
    `families.significance_table`, or None if nothing was tested.

    emphasis: BOLD for the best and UNDERLINED for the second, by unrounded values; equal values
    share it. behind: whether it is not the best. p_best: p_holm of the difference to the best (the
    first of equal ones), NaN without a test. mark: DAGGER where p_best is above 1 - confidence. A
    sampling that is alone in its group gets neither emphasis nor mark. Zero-shot rows are a
    reference, and are neither compared nor marked.
    """
    p_of = {} if tests is None else dict(_p_of_pairs(tests))
    emphasis = pd.Series("", frame.index)
    behind = pd.Series(False, frame.index)
    p_best = pd.Series(np.nan, frame.index)
    for key, part in frame[frame["sampling"] != ZERO_SHOT].groupby(GROUP, sort=False):
        if len(part) < 2:
            continue
        less = METRICS[key[GROUP.index("metric")]].less_is_better
        rank = part["value"].rank(method="dense", ascending=less)
        emphasis[part.index] = rank.map({1: BOLD, 2: UNDERLINED}).fillna("")
        behind[part.index] = rank > 1
        best = part.loc[rank.idxmin(), "sampling"]
        for index, sampling in part.loc[rank > 1, "sampling"].items():
            p_best[index] = p_of.get((*key, frozenset((best, sampling))), np.nan)
    mark = np.where(p_best > 1 - confidence, DAGGER, "")
    return frame.assign(emphasis=emphasis, mark=mark, behind=behind, p_best=p_best)


def legend(frame: pd.DataFrame, confidence: float) -> str:
    """The legend of a `marked` frame; empty if there is nothing to explain."""
    reference = _REFERENCE if (frame["sampling"] == ZERO_SHOT).any() else ""
    return " ".join(filter(None, [reference, _compared(frame, confidence)]))


def _compared(frame: pd.DataFrame, confidence: float) -> str:
    """What the marks mean; empty if no samplings were compared."""
    behind = frame[frame["behind"]]
    if behind.empty:
        return ""
    text = "Of an encoder's samplings the best is bold and the second underlined"
    if all(METRICS[metric].less_is_better for metric in frame["metric"].unique()):
        text += " (less is better)"
    tested = behind["p_best"].notna()
    if not tested.any():
        return f"{text}; their differences were not tested."
    text += (
        f"; {DAGGER}: the difference to the best is not significant (seeds and articles random, "
        f"Holm-corrected p above {1 - confidence:.2g})."
    )
    if not tested.all():
        text += " What was not tested (one seed, a single article, a median) carries no mark."
    return text


def _p_of_pairs(tests: pd.DataFrame) -> Iterator[tuple[tuple, float]]:
    columns = [*GROUP, "sampling_a", "sampling_b", "p_holm"]
    for *key, a, b, p in tests[columns].itertuples(index=False, name=None):
        yield (*key, frozenset((a, b))), p
