"""The page of the paper's statements, and those on images and texts, with the verdicts on them."""

import pandas as pd

from hybridbatch.evaluation.claims import CANNOT_SAY, NO_MARGIN, NOT_RUN, VERDICTS, verdict_kind
from hybridbatch.evaluation.metrics import METRICS
from hybridbatch.evaluation.settings import ALL, SEEN
from hybridbatch.render.grid import BOLD, Band, Cell, Grid, Page, pivot, plain
from hybridbatch.tables.image_words import MEAN_TITLES
from hybridbatch.tables.words import POOL_TITLES


def claims_page(frame: pd.DataFrame, confidence: float, scale: str) -> Page:
    """Totals, then a section for each encoder and benchmark: claims as rows, pools as columns.

    frame: of `claims_table`, and of `image_claims` where there are images.
    """
    of_images = frame[frame["captions"].notna()]
    frame = frame[frame["captions"].isna()]
    kinds = frame["verdict"].map(verdict_kind)
    totals = ["statements", *((kinds == v).sum() for v in VERDICTS)]
    title = "What the paper states, tested on our scores"
    blocks: list[str | Grid] = [
        f"Scale: `{scale}`.",
        plain(f"{title}: verdicts at the scale {scale}.", ["", *VERDICTS], [totals]),
        f"Each with the difference and its {100 * confidence:g}% interval over seeds and articles, "
        "and the minimum detectable difference (MDD: 80% power, two-sided .05, uncorrected). "
        '`holds`: the whole interval is on the statement\'s side (for "not below" and "not '
        'above", with the margin allowed); `does not`: all of it is on the other; `undecided`: '
        f"it reaches both; `{CANNOT_SAY} with n seeds`: the MDD exceeds the margin, or nothing was "
        f"tested; `{NO_MARGIN}`: the paper prints no difference to take it from; `not run`: no "
        "such cell. The margin is half of what the paper prints between x-x-mono and x-y. Means "
        "over all query languages of the pool.",
    ]
    for (encoder, benchmark), part in frame.groupby(["encoder", "benchmark"], sort=False):
        pools = [pool for pool in (ALL, SEEN) if (part["pool"] == pool).any()]
        rows = pivot(part["statement"], part["pool"], map(_cell, part.itertuples()), pools)
        where = "; ".join(POOL_TITLES[pool] for pool in pools)
        caption = (
            f"{title}: {encoder} on {benchmark}, scale {scale}. {where}. Below "
            f"each verdict the difference (and its share of what is compared with), its "
            f"{100 * confidence:g}% interval over seeds and articles, the margin allowed, and the "
            "minimum detectable difference (MDD)."
        )
        blocks += [
            f"## {encoder}, {benchmark}",
            "\n".join(f"- {POOL_TITLES[pool]}" for pool in pools),
            Grid(caption, "statement", pools, [Band(rows)]),
        ]
    return Page("claims", title, blocks + _images(of_images, confidence))


def _images(frame: pd.DataFrame, confidence: float) -> list[str | Grid]:
    """A section for each benchmark of images: statements as rows, means as columns."""
    blocks: list[str | Grid] = []
    for (encoder, benchmark), part in frame.groupby(["encoder", "benchmark"], sort=False):
        means = [name for name in MEAN_TITLES if (part["pool"] == name).any()]
        statements = part["statement"] + ", " + part["captions"] + " captions"
        rows = pivot(statements, part["pool"], map(_cell, part.itertuples()), means)
        caption = (
            f"Statements on text towers beside an image tower: {encoder} on {benchmark}. Below "
            f"each verdict the difference, its {100 * confidence:g}% interval over seeds and "
            "groups of images, the margin allowed, and the minimum detectable difference (MDD)."
        )
        blocks += [
            f"## {encoder}, {benchmark}",
            "The paper does not state this; it is its question, asked of captions and images.",
            Grid(caption, "statement", [MEAN_TITLES[name] for name in means], [Band(rows)]),
        ]
    return blocks


def _cell(row) -> Cell:
    if row.verdict == NOT_RUN:
        return Cell(NOT_RUN)
    decimals = METRICS[row.metric].decimals
    aside = f"{row.difference:+.{decimals}f}"
    if pd.notna(row.share):
        aside += f" ({100 * row.share:+.0f}%)"
    if pd.isna(row.ci_low):
        aside += ", no test"
    else:
        aside += f" [{row.ci_low:+.{decimals}f}, {row.ci_high:+.{decimals}f}]"
        aside += f", margin {row.margin:.{decimals}f}" if pd.notna(row.margin) else ""
        aside += f", MDD {row.detectable:.{decimals}f}"
    return Cell(row.verdict, aside, BOLD)
