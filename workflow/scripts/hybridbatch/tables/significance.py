"""The page of differences between samplings, with tests, intervals and effect sizes."""

import numpy as np
import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, SETTINGS, metric_title
from hybridbatch.evaluation.significance import UNEQUAL
from hybridbatch.render.grid import Band, Cell, Grid, Page, Row
from hybridbatch.tables.families import distinct
from hybridbatch.tables.markers import GROUP
from hybridbatch.tables.words import MEAN_TITLES, POOL_TITLES, no_test

_COLUMNS = ["samplings", "difference", "p", "Holm", "detectable", "d_z", "seeds"]


def significance_page(frame: pd.DataFrame, confidence: float) -> Page:
    """The mean rows: a section for each encoder, benchmark and pool, a table for each mean."""
    title = "Differences between samplings"
    if frame.empty:
        nothing = "Fewer than two samplings were run: nothing to compare."
        return Page("significance", title, [nothing])
    families = ", ".join(
        f"`{name}` ({part['p'].notna().sum()})"
        for name, part in distinct(frame).groupby("family", sort=False)
    )
    interval = f"{100 * confidence:g}% interval"
    blocks: list[str | Grid] = [
        f"Difference: first sampling minus second, mean over seeds, with its {interval}; for rank "
        "distance, less is better. Interval and p are of one model, in which seeds and articles "
        "(paragraphs or questions, where no article is known) are random: they speak of other "
        f"seeds and other articles, and p is below {1 - confidence:.2g} exactly where the interval "
        "leaves out 0. Holm: p corrected over all distinct tests of the table that the figure "
        "stands in. Detectable: the true difference that such a test would find in 80% of cases, "
        "at .05 and uncorrected. d_z: mean over standard deviation of the questions' differences. "
        "Seeds: least and greatest difference of one seed; below, standard deviation between "
        "seeds of the first and the second sampling. The CSV has every language.",
        f"Distinct tests in each family: {families}.",
        *_seed_notes(frame),
    ]
    means = frame[frame["language"].isin(MEAN_TITLES)]
    for (encoder, benchmark), of_pair in means.groupby(["encoder", "benchmark"], sort=False):
        for pool, of_pool in of_pair.groupby("pool", sort=False):
            place = f"{encoder}, {benchmark}, {POOL_TITLES[pool]}"
            blocks.append(f"## {place}")
            for mean, what in MEAN_TITLES.items():
                part = of_pool[of_pool["language"] == mean]
                if len(part):
                    cells = part.groupby(["setting", "metric"], sort=False)
                    rows = [
                        _row(row)
                        for setting, metrics in SETTINGS.items()
                        for metric in metrics
                        if (setting, metric) in cells.groups
                        for row in cells.get_group((setting, metric)).itertuples()
                    ]
                    caption = (
                        f"{title}: {place}, mean over {what}; n = {part['n_queries'].max():,} in "
                        f"{part['n_clusters'].max():,} clusters, seeds: {part['n_seeds'].max()}"
                        f"{_pooled(part)}. First sampling minus second, with its {interval} below; "
                        "p, and corrected by Holm; detectable: minimum detectable difference; d_z: "
                        "effect size; least and greatest difference of one seed, below them both "
                        "samplings' standard deviations between seeds."
                    )
                    grid = Grid(caption, "setting, metric", _COLUMNS, [Band(rows)])
                    blocks += [f"### Mean over {what}", grid]
    return Page("significance", title, blocks)


def _row(row) -> Row:
    decimals = METRICS[row.metric].decimals

    def number(value: float) -> str:
        return f"{value:+.{decimals}f}"

    name = f"{row.setting}, {metric_title(row.metric)}"
    samplings, difference = f"{row.sampling_a} − {row.sampling_b}", number(row.difference)
    effect = "" if np.isnan(row.effect_size) else f"{row.effect_size:+.2f}"
    if np.isnan(row.p):
        return name, [
            Cell(samplings), Cell(difference, no_test(row)), Cell(), Cell(), Cell(), Cell(effect),
            Cell(),
        ]  # fmt: skip
    spreads = [
        "not trained" if np.isnan(sd) else f"{sd:.{decimals}f}"
        for sd in (row.seed_sd_a, row.seed_sd_b)
    ]
    unequal = "; differ" if row.seed_sd_p < UNEQUAL else ""
    return name, [
        Cell(samplings),
        Cell(difference, f"[{number(row.ci_low)}, {number(row.ci_high)}]"),
        Cell(f"{row.p:.5f}"),
        Cell(f"{row.p_holm:.4f}"),
        Cell(f"{row.detectable:.{decimals}f}"),
        Cell(effect),
        Cell(
            f"{number(row.seed_min)} to {number(row.seed_max)}",
            f"SD {spreads[0]}, {spreads[1]}{unequal}",
        ),
    ]


def _pooled(part: pd.DataFrame) -> str:
    """The degrees of freedom of the pooled seed variance, in brackets."""
    found = sorted(part.loc[part["p"].notna(), "seed_df"].unique())
    if not found:
        return ""
    return f" (seed variance pooled over samplings, df {' or '.join(map(str, found))})"


def _seed_notes(frame: pd.DataFrame) -> list[str]:
    """Notes on the variance between seeds."""
    notes = []
    if (frame["n_seeds"] == 1).any():
        notes.append(
            "Where one seed was run, nothing is tested: a difference is of this seed only, and "
            "another seed may turn it round."
        )
    tested = distinct(frame[frame["p"].notna()])
    if tested.empty:
        return notes
    found = sorted(tested["seed_df"].unique())
    notes.append(
        "The variance between seeds is pooled over an encoder's trained samplings: "
        f"{' or '.join(map(str, found))} degrees of freedom."
    )
    cells = tested.drop_duplicates(GROUP)
    told = cells[cells["seed_sd_p"].notna()]
    unequal = told[told["seed_sd_p"] < UNEQUAL]
    if len(unequal):
        notes.append(
            f"**Warning:** in {len(unequal)} of {len(told)} cells the samplings' standard "
            f"deviations between seeds differ (Bartlett's test, p below {UNEQUAL:g}; about "
            f"{UNEQUAL:.0%} would by chance). There the pooled variance is too small for "
            "differences to the sampling that varies most, and too large for others. The CSV has "
            "both (`seed_sd_a`, `seed_sd_b`) and p (`seed_sd_p`)."
        )
    return notes
