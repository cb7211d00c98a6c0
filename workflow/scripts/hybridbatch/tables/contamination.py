"""The page of contamination: counts, and the most similar pairs of texts."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from hybridbatch.data.contamination import ContaminationConfig
from hybridbatch.render.grid import Grid, Page, of_frame
from hybridbatch.render.markdown import grid


def contamination_page(
    frame: pd.DataFrame,
    pairs: Sequence[tuple[str, str, pa.Table]],
    config: ContaminationConfig,
    number: int,
) -> Page:
    """The counts, and the `number` most similar pairs of each (corpus, language, table).

    Only Markdown shows the texts of the pairs, since LaTeX cannot set every script.
    """
    what = (
        "Texts of the benchmarks that stand in the training data of their language. Exact: the "
        "same but for case, spaces and Unicode's spellings. Near: not exact, and the Jaccard index "
        f"of the sets of {config.ngram} characters in a row is at least {config.threshold:g}."
    )
    blocks: list[str | Grid] = [what, of_frame(what, frame, {"share": 4})]
    for corpus, language, table in pairs:
        if len(table):
            blocks.append(f"## {corpus}, {language}: {len(table):,} pairs, the most similar first")
            shown = ["benchmark", "side", "similarity", "benchmark_text", "train_text"]
            worst = table.slice(0, number).to_pylist()
            blocks.append(grid(shown, [[_cell(row[name]) for name in shown] for row in worst]))
    return Page("contamination", "Contamination", blocks)


def _cell(value: object) -> object:
    return f"{value:.3f}" if isinstance(value, float) else value
