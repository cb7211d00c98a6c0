"""The paper's claims, tested on our own scores, at any scale.

A claim is about one difference between samplings, in the mean over all query languages. Only the
interval of the difference decides the verdict:

- *better*: `holds` if the whole interval is better than zero, `does not` if all of it is worse.
- *not worse*: `holds` if the whole interval is better than minus a margin (non-inferiority),
  `does not` if all of it is worse than that.
- `undecided` in between, and where a single query gives no interval; `not run` where a sampling was
  not run, or the pool has no such score.

The size of the difference in the paper is not a threshold, since it varies between encoders. The
relative difference is reported beside the verdict. Verdicts are not corrected for multiple testing.

Piaggio et al. (2012), "Reporting of noninferiority and equivalence randomized trials", on verdicts
by interval; Berger (1982), "Multiparameter hypothesis testing and acceptance sampling", on a
claim about the better of two: not worse than the better one means not worse than either.
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
    """`sampling` compared with the better one of `others` in one mean score."""

    name: str
    statement: str
    setting: str
    metric: str
    sampling: str
    others: tuple[str, ...]
    better: bool  # the claim is `better`; else `not worse`


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
    """Non-inferiority margins."""

    margin: float  # in mAP, absolute
    rank_distance_margin: float  # as a fraction of the other sampling's rank distance


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

    comparisons: (benchmark, encoder, rows of `significance.compare`). `difference` is the value of
    the sampling minus that of the (better) other one; for rank distance, negative is better.
    `share` is the difference divided by the other's value; `margin` is absolute.
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
    """The verdict on a gain with this interval; positive is better, margin 0 tests `better`."""
    if low > -margin:
        return HOLDS
    return DOES_NOT if high < -margin else UNDECIDED  # NaN (no interval) compares False in both


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
    # The better of two others is the one with the smaller gain. Each end is the worst of both.
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
    """The gain of the claim's sampling over another one; None if the two were not compared."""
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
