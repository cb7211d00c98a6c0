"""The page of differences between samplings, with tests, intervals and effect sizes."""

import numpy as np
import pandas as pd

from hybridbatch.evaluation.metrics import METRICS, SETTINGS, metric_title
from hybridbatch.render.grid import Band, Cell, Grid, Page, Row
from hybridbatch.tables.words import MEAN_TITLES, POOL_TITLES

_COLUMNS = ["samplings", "difference", "p", "Holm", "d_z", "seeds"]


def significance_page(frame: pd.DataFrame, confidence: float, permutations: int) -> Page:
    """The mean rows: a section for each encoder, benchmark and pool, a table for each mean."""
    title = "Differences between samplings"
    if frame.empty:
        nothing = "Fewer than two samplings were run: nothing to compare."
        return Page("significance", title, [nothing])
    families = ", ".join(
        f"`{name}` ({part['p'].notna().sum()})"
        for name, part in frame.groupby("family", sort=False)
    )
    blocks: list[str | Grid] = [
        f"Difference: first sampling minus second, mean over seeds, with its {100 * confidence:g}% "
        "bootstrap interval over queries and seeds; for rank distance, less is better. p: paired "
        "permutation test over queries, a question in all its languages one unit, averaged over "
        f"seeds ({permutations:,} permutations, or all); it speaks of questions for these seeds. "
        "Holm: p corrected over all tests of the table that the figure stands in. d_z: mean over "
        "standard deviation of the questions' differences. Seeds: least and greatest difference "
        "of one seed, and the share of seeds whose difference has the sign of the mean. The CSV "
        "has every language.",
        f"Tests in each family: {families}.",
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
                        f"{title}: {place}, mean over {what}; n = {part['n_queries'].max():,}, "
                        f"seeds: {part['n_seeds'].max()}. First sampling minus second, with its "
                        f"{100 * confidence:g}% bootstrap interval below; p of the paired "
                        "permutation test over queries, and corrected by Holm; d_z: effect size; "
                        "least and greatest difference of one seed, and the share of seeds that "
                        "agree in sign."
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
    if row.n_queries == 1:
        nothing = [Cell() for _ in range(4)]
        return name, [
            Cell(samplings), Cell(difference, "one query: no interval, no test"), *nothing,
        ]  # fmt: skip
    return name, [
        Cell(samplings),
        Cell(difference, f"[{number(row.ci_low)}, {number(row.ci_high)}]"),
        Cell(f"{row.p:.5f}"),
        Cell(f"{row.p_holm:.4f}"),
        Cell("" if np.isnan(row.effect_size) else f"{row.effect_size:+.2f}"),
        Cell(
            f"{number(row.seed_min)} to {number(row.seed_max)}",
            f"{100 * row.seeds_same_sign:.0f}%",
        ),
    ]
