"""The paper's claims, tested on our own scores, at any scale.

A claim is about one difference between samplings, in the mean over all query languages. The verdict
reads the difference, its standard error and its degrees of freedom, as interval and p do:

- *better*: `holds` if the whole interval is better than zero, `does not` if all of it is worse.
- *not worse*: `holds` if the whole interval is better than minus a margin (non-inferiority),
  `does not` if all of it is worse than that.
- `undecided` in between.
- `cannot say with n seeds` where a *not worse* has a minimum detectable difference above its
  margin, since too few seeds or questions cannot tell such a loss from none; and where nothing was
  tested, as with one seed.
- `no margin` where a *not worse* has none; `not run` where a sampling was not run, or the pool has
  no such score.

The margin is half of what the paper prints as the difference between x-x-mono and x-y, for the
metric, encoder and benchmark: half of what is to be gained by the choice of the sampling. An
encoder that the paper does not have takes the mean of its two, and a benchmark whose sentences are
images takes that of the same sentences as texts. There is no margin where the paper prints no
difference, one of the other sign, or no such benchmark. Verdicts are not corrected for multiple
testing.

Piaggio et al. (2012), "Reporting of noninferiority and equivalence randomized trials", on verdicts
by interval; Berger (1982), "Multiparameter hypothesis testing and acceptance sampling", on a
claim about the better of two: not worse than the better one means not worse than either.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from hybridbatch.evaluation.estimates import Estimate
from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.settings import ALL, MEAN, MONOLINGUAL, SEEN

HOLDS, DOES_NOT, UNDECIDED, CANNOT_SAY, NO_MARGIN, NOT_RUN = VERDICTS = (
    "holds",
    "does not",
    "undecided",
    "cannot say",  # followed by the number of seeds: see `verdict_kind`
    "no margin",
    "not run",
)
# The claim on the text tower of hybrid batches beside an image tower: see `image_text`.
HYBRID_TRANSFERS = "hybrid_transfers"
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
    "standard_error",
    "df",
    "ci_low",
    "ci_high",
    "margin",
    "detectable",
    "share",
    "verdict",
    "n_queries",
    "n_seeds",
    "captions",  # of claims on images and texts
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


# (benchmark, encoder, setting, metric) of a mean
Place = tuple[str, str, str, str]


class Margins:
    """Non-inferiority margins, in the metrics' units, from the paper's printed means."""

    def __init__(self, published: pd.DataFrame, of_texts: Mapping[str, str] | None = None) -> None:
        """published: of `tables.published.read_published`.

        of_texts: for a benchmark of images, the one that has their sentences as texts, whose
        margins it takes.
        """
        self._of_texts = of_texts or {}
        means = published[published["language"] == MEAN].sort_values("table", kind="stable")
        keys = ["benchmark", "encoder", "setting", "metric", "sampling"]
        # A mean stands in an overview and, with more digits, in a later table.
        by_sampling = (
            means.drop_duplicates(keys, keep="last").set_index(keys)["published"].unstack()
        )
        gain = by_sampling["x-y"] - by_sampling["x-x-mono"]
        self._gains: Mapping[Place, float] = {
            place: value * _expected_sign(place[2], place[3])
            for place, value in gain.dropna().items()
        }

    def margin(self, benchmark: str, encoder: str, setting: str, metric: str) -> float | None:
        """Half of the published difference in the direction that the paper states, or None."""
        benchmark = self._of_texts.get(benchmark, benchmark)
        gain = self._gains.get((benchmark, encoder, setting, metric))
        if gain is None and not any(of == encoder for _, of, _, _ in self._gains):
            others = [
                value
                for (b, _, s, m), value in self._gains.items()
                if (b, s, m) == (benchmark, setting, metric)
            ]
            gain = float(np.mean(others)) if others else None
        return gain / 2 if gain is not None and gain > 0 else None


def _expected_sign(setting: str, metric: str) -> int:
    """1 if the paper states that x-y has the greater value of the two, else -1."""
    return -1 if (setting == MONOLINGUAL) != METRICS[metric].less_is_better else 1


@dataclass(frozen=True)
class _Gain:
    """By how much a sampling is better than another: positive is better."""

    estimate: Estimate  # of one cell
    other: float
    n_queries: int
    n_seeds: int


def claims_table(
    comparisons: Iterable[tuple[str, str, pd.DataFrame]],
    margins: Margins,
    scale: str,
    confidence: float,
) -> pd.DataFrame:
    """A row for each statement, encoder, benchmark and pool; columns CLAIM_COLUMNS.

    comparisons: (benchmark, encoder, rows of `significance.compare`). `difference` is the value of
    the sampling minus that of the (better) other one; for rank distance, negative is better.
    `share` is the difference divided by the other's value. `margin` and `detectable`, the minimum
    detectable difference, are in the metric's unit.
    """
    rows = []
    for benchmark, encoder, frame in comparisons:
        for pool in (ALL, SEEN):
            means = frame[(frame["pool"] == pool) & (frame["language"] == MEAN)]
            for claim in CLAIMS:
                margin = None
                if not claim.better:
                    margin = margins.margin(benchmark, encoder, claim.setting, claim.metric)
                row = {"scale": scale, "benchmark": benchmark, "encoder": encoder, "pool": pool}
                rows.append(row | judge(claim, means, margin, confidence))
    counts = {"n_queries": "Int64", "n_seeds": "Int64"}
    return pd.DataFrame(rows, columns=CLAIM_COLUMNS).astype(counts)


def image_claims(image_text: pd.DataFrame, encoder: str, scale: str) -> pd.DataFrame:
    """The statements of the table of images and texts, with the columns CLAIM_COLUMNS.

    image_text: of `image_text.image_text_table`. encoder: the one of images and texts. `pool` is
    the mean over languages that a statement is about, `setting` the direction, `captions` those
    that the models were trained on.
    """
    rows = image_text[image_text["statement"].notna()].rename(
        columns={"language": "pool", "value": "difference"}
    )
    named = rows.assign(scale=scale, encoder=encoder, claim=HYBRID_TRANSFERS)
    return named.reindex(columns=CLAIM_COLUMNS).astype({"n_queries": "Int64", "n_seeds": "Int64"})


def verdict(low: float, high: float, margin: float) -> str:
    """The verdict on a gain with this interval; positive is better, margin 0 tests `better`."""
    if low > -margin:
        return HOLDS
    return DOES_NOT if high < -margin else UNDECIDED


def verdict_kind(text: str) -> str:
    """The one of VERDICTS that a verdict is, without a number of seeds."""
    return CANNOT_SAY if text.startswith(CANNOT_SAY) else text


def judge(claim: Claim, means: pd.DataFrame, margin: float | None, confidence: float) -> dict:
    """The columns of CLAIM_COLUMNS that are about one claim.

    means: rows of `significance.compare` of one mean and pool. margin: of a *not worse*, in the
    metric's unit; None if there is none.
    """
    row = {
        "claim": claim.name,
        "statement": claim.statement,
        "setting": claim.setting,
        "metric": claim.metric,
        "verdict": NOT_RUN,
    }
    chosen = means[(means["setting"] == claim.setting) & (means["metric"] == claim.metric)]
    found = [_gain(claim, chosen, other) for other in claim.others]
    if not found or None in found:
        return row
    # The better of two others is the one with the smaller gain. Each end is the worst of both.
    least = min(found, key=lambda gain: gain.estimate.value[0])
    intervals = np.array([gain.estimate.interval(confidence) for gain in found])[:, :, 0]
    low, high = intervals.min(0)
    detectable = max(gain.estimate.detectable()[0] for gain in found)
    if not claim.better and margin is None:
        judged = NO_MARGIN
    elif np.isnan(intervals).any() or not (claim.better or detectable <= margin):
        judged = f"{CANNOT_SAY} with {least.n_seeds} seed{'s' * (least.n_seeds != 1)}"
    else:
        judged = verdict(low, high, margin or 0.0)
    sign = -1 if METRICS[claim.metric].less_is_better else 1
    value = float(least.estimate.value[0])
    ends = (low, high) if sign == 1 else (-high, -low)
    return {
        **row,
        "difference": sign * value,
        "standard_error": least.estimate.standard_error[0],
        "df": least.estimate.df[0],
        "ci_low": ends[0],
        "ci_high": ends[1],
        "margin": np.nan if margin is None else margin,
        "detectable": detectable,
        "share": sign * value / least.other if least.other else np.nan,
        "verdict": judged,
        "n_queries": least.n_queries,
        "n_seeds": least.n_seeds,
    }


def _gain(claim: Claim, rows: pd.DataFrame, other: str) -> _Gain | None:
    """The gain of the claim's sampling over another one; None if the two were not compared."""
    for row in rows.itertuples():
        if {row.sampling_a, row.sampling_b} != {claim.sampling, other}:
            continue
        first = row.sampling_a == claim.sampling
        sign = 1 if first == (not METRICS[claim.metric].less_is_better) else -1
        return _Gain(
            Estimate(*(np.array([v]) for v in (sign * row.difference, row.standard_error, row.df))),
            row.value_b if first else row.value_a,
            row.n_queries,
            row.n_seeds,
        )
    return None
