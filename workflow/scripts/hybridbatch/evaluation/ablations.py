"""Ablations: the scores at every value of one varied setting.

A row of scores is as in the papers' tables, with the value as `point`. Where several samplings were
trained at each point, rows with `versus` have the paired difference of hybrid to another sampling,
with its interval and its minimum detectable difference. They show at which values hybrid batches
help.
"""

from collections.abc import Iterable

import pandas as pd

from hybridbatch.evaluation.settings import (
    ALL,
    MEAN_SEEN,
    MEAN_UNSEEN,
    SCORE_COLUMNS,
    STEPS_COLUMN,
    SYSTEM_COLUMNS,
    ZERO_SHOT,
)

ABLATION_COLUMNS = [
    "table",
    "point",
    *SYSTEM_COLUMNS,
    "versus",
    *SCORE_COLUMNS,
    "detectable",
    "published",
    "delta",
]
# Their points differ in training languages, so that means over `seen` languages do not apply.
_OTHER_LANGUAGES = ("languages", "unseen_languages")
_HYBRID = "hybrid"


def ablation_table(
    name: str,
    parts: Iterable[tuple[str, pd.DataFrame]],
    comparisons: Iterable[tuple[str, str, str, pd.DataFrame]],
    published: pd.DataFrame,
) -> pd.DataFrame:
    """The table of one ablation, with ABLATION_COLUMNS, and STEPS_COLUMN if the scores have it.

    parts: (point, scores of one system and benchmark, with columns benchmark, encoder, sampling).
    comparisons: (point, benchmark, encoder, rows of `significance.compare`). published: LAReQA's
    scores (`tables.published.read_published`), used only in the ablation `lareqa`.
    """
    frames = [cells.assign(point=point) for point, cells in parts]
    frame = pd.concat(frames, ignore_index=True).assign(versus=None, detectable=float("nan"))
    if name in _OTHER_LANGUAGES:
        frame = frame[~frame["language"].isin([MEAN_SEEN, MEAN_UNSEEN])]
    if name == "alpha":
        # Alpha 0 and 1 too, which are systems of other samplings.
        frame["sampling"] = frame["sampling"].where(frame["sampling"] == ZERO_SHOT, _HYBRID)
    samplings = set(frame["sampling"]) - {ZERO_SHOT}
    for point, benchmark, encoder, rows in comparisons:
        names = {"point": point, "benchmark": benchmark, "encoder": encoder}
        differences = _of_hybrid(rows, samplings).assign(**names)
        frame = pd.concat([frame, differences], ignore_index=True)
    if name == "lareqa":
        keys = ["benchmark", "sampling", "setting", "metric", "language"]
        beside = published[[*keys, "published"]].assign(pool=ALL)
        frame = frame.merge(beside, on=[*keys, "pool"], how="left", validate="many_to_one")
    else:
        frame["published"] = float("nan")
    frame = frame.assign(table=name, delta=frame["value"] - frame["published"])
    counts = {"n_queries": "int64", "n_seeds": "int64"}
    more = [STEPS_COLUMN] if STEPS_COLUMN in frame else []
    return frame[[*ABLATION_COLUMNS, *more]].astype(counts)


def _of_hybrid(rows: pd.DataFrame, samplings: set[str]) -> pd.DataFrame:
    """The comparisons with hybrid, as hybrid minus the other sampling.

    samplings: those of the ablation, since the main tables may compare others.
    """
    rows = rows[rows["sampling_a"].isin(samplings) & rows["sampling_b"].isin(samplings)]
    first, second = rows["sampling_a"] == _HYBRID, rows["sampling_b"] == _HYBRID
    ends = ["ci_low", "ci_high"]
    forward = rows[first].assign(versus=lambda f: f["sampling_b"], value=lambda f: f["difference"])
    backward = rows[second].assign(
        versus=lambda f: f["sampling_a"], value=lambda f: -f["difference"]
    )
    backward[ends] = -backward[ends[::-1]].to_numpy()
    both = pd.concat([forward, backward]).sort_index()
    return both.assign(sampling=_HYBRID)[[*SCORE_COLUMNS, "detectable", "sampling", "versus"]]
