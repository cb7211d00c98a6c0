"""The paper's statements as tests over our own scores, at whatever scale was run.

A statement is about one difference between samplings, in the mean over all query languages, and is
judged by the difference's interval alone:

- *better*: `holds` if the whole interval is better than zero, `does not` if all of it is worse.
- *not worse*: `holds` if the whole interval is better than minus a margin (non-inferiority),
  `does not` if all of it is worse than that.
- `undecided` in between, and where one query gives no interval; `not run` where a sampling was not
  run, or the pool has no such cell.

The paper's own size of a difference is no threshold: it is another one for each of its encoders.
The difference as a share of what it is compared with stands beside the verdict. Verdicts are not
corrected for their number.

Piaggio et al. (2012), "Reporting of noninferiority and equivalence randomized trials", on verdicts
by interval; Berger (1982), "Multiparameter hypothesis testing and acceptance sampling", on a
statement about the better of two: not worse than it is not worse than both.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, RANKS
from hybridbatch.evaluation.settings import ALL, MEAN, SEEN

HOLDS, DOES_NOT, UNDECIDED, NOT_RUN = VERDICTS = ("holds", "does not", "undecided", "not run")
CLAIM_COLUMNS = [
    "scale",
    "benchmark",
    "encoder",
    "pool",
    "claim",
    "statement",
    "setting",
    "metric",
    "difference",
    "ci_low",
    "ci_high",
    "margin",
    "share",
    "verdict",
    "n_queries",
    "n_seeds",
]


@dataclass(frozen=True)
class Claim:
    """`sampling` compared with `others` (with the better of them) in one mean cell."""

    name: str
    statement: str
    setting: str
    metric: str
    sampling: str
    others: tuple[str, ...]
    better: bool  # or else: not worse


CLAIMS = (
    Claim(
        "hybrid_monolingual",
        "hybrid's monolingual mAP is not below x-x-mono's",
        *("monolingual", "map", "hybrid", ("x-x-mono",), False),
    ),
    Claim(
        "hybrid_cross_lingual",
        "hybrid's cross-lingual mAP is not below x-y's",
        *("cross-lingual", "map", "hybrid", ("x-y",), False),
    ),
    Claim(
        "hybrid_multilingual",
        "hybrid's multilingual mAP is not below the better of x-x-mono's and x-y's",
        *("multilingual", "map", "hybrid", ("x-x-mono", "x-y"), False),
    ),
    Claim(
        "x_x_mono_monolingual",
        "x-x-mono beats x-y in monolingual mAP",
        *("monolingual", "map", "x-x-mono", ("x-y",), True),
    ),
    Claim(
        "x_y_cross_lingual",
        "x-y beats x-x-mono in cross-lingual mAP",
        *("cross-lingual", "map", "x-y", ("x-x-mono",), True),
    ),
    Claim(
        "x_y_multilingual",
        "x-y beats x-x-mono in multilingual mAP",
        *("multilingual", "map", "x-y", ("x-x-mono",), True),
    ),
    Claim(
        "hybrid_bias_below_x_x_mono",
        "hybrid's rank distance is below x-x-mono's",
        *("multilingual", "rank_distance", "hybrid", ("x-x-mono",), True),
    ),
    Claim(
        "hybrid_bias_not_above_x_y",
        "hybrid's rank distance is not above x-y's",
        *("multilingual", "rank_distance", "hybrid", ("x-y",), False),
    ),
)


@dataclass(frozen=True)
class Margins:
    """How much worse is still not worse."""

    margin: float  # of mAP
    rank_distance_margin: float  # share of the other sampling's rank distance


@dataclass(frozen=True)
class _Gain:
    """By how much a sampling is better than another: positive is better."""

    gain: float
    low: float
    high: float
    margin: float
    other: float
    n_queries: int
    n_seeds: int


def claims_table(
    comparisons: Iterable[tuple[str, str, pd.DataFrame]], margins: Margins, scale: str
) -> pd.DataFrame:
    """A row for each statement, encoder, benchmark and pool; columns CLAIM_COLUMNS.

    comparisons: (benchmark, encoder, rows of `significance.compare`). `difference` is the
    sampling's value minus the other's (the better one's), as measured: for rank distance negative
    is better. `share` is the difference over the other's value; `margin` is absolute.
    """
    rows = [
        {
            **{"scale": scale, "benchmark": benchmark, "encoder": encoder, "pool": pool},
            **_judged(claim, frame[(frame["pool"] == pool) & (frame["language"] == MEAN)], margins),
        }
        for benchmark, encoder, frame in comparisons
        for pool in (ALL, SEEN)
        for claim in CLAIMS
    ]
    counts = {"n_queries": "Int64", "n_seeds": "Int64"}
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS).astype(counts)


def verdict(low: float, high: float, margin: float) -> str:
    """The verdict on a gain (positive is better) with this interval; margin 0: better than."""
    if low > -margin:
        return HOLDS
    return DOES_NOT if high < -margin else UNDECIDED  # NaN, no interval, is in neither


def _judged(claim: Claim, means: pd.DataFrame, margins: Margins) -> dict:
    row = {
        "claim": claim.name,
        "statement": claim.statement,
        "setting": claim.setting,
        "metric": claim.metric,
        "verdict": NOT_RUN,
    }
    chosen = means[(means["setting"] == claim.setting) & (means["metric"] == claim.metric)]
    found = [_gain(claim, chosen, other, margins) for other in claim.others]
    if not found or None in found:
        return row
    # The better of two is the one that is gained on least; every end of the interval is its worst.
    least = min(found, key=lambda gain: gain.gain)
    low, high = min(g.low for g in found), min(g.high for g in found)
    sign = -1 if METRICS[claim.metric].less_is_better else 1
    ends = sorted((sign * low, sign * high))
    return {
        **row,
        "difference": sign * least.gain,
        "ci_low": ends[0],
        "ci_high": ends[1],
        "margin": least.margin,
        "share": sign * least.gain / least.other if least.other else np.nan,
        "verdict": verdict(low, high, least.margin),
        "n_queries": least.n_queries,
        "n_seeds": least.n_seeds,
    }


def _gain(claim: Claim, rows: pd.DataFrame, other: str, margins: Margins) -> _Gain | None:
    """What the claim's sampling gains on another one; None if the two were not compared."""
    metric = METRICS[claim.metric]
    for row in rows.itertuples():
        if {row.sampling_a, row.sampling_b} != {claim.sampling, other}:
            continue
        first = row.sampling_a == claim.sampling
        sign = 1 if first == (not metric.less_is_better) else -1
        ends = (sign * row.ci_low, sign * row.ci_high)
        value = row.value_b if first else row.value_a
        in_ranks = metric.unit == RANKS
        margin = margins.rank_distance_margin * value if in_ranks else margins.margin
        return _Gain(
            sign * row.difference,
            *(ends if sign == 1 else ends[::-1]),
            0.0 if claim.better else margin,
            value,
            row.n_queries,
            row.n_seeds,
        )
    return None
