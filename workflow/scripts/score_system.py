"""All scores of one system on one benchmark, with intervals."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from hybridbatch.evaluation.aggregate import Rows, score_system, with_pool_sizes
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.inputs import common
from hybridbatch.evaluation.settings import PARAMETERS_COLUMNS, STEPS_COLUMN
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import read_json, read_keyed, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    found = read_keyed(snakemake.input.metrics)
    frames = {(keys["language"], keys["seed"]): table.to_pandas() for keys, table in found}
    statistics = StatisticsConfig(**params.statistics)
    cells = score_system(frames, params.languages, params.seen, statistics, Rows(**params.rows))
    if snakemake.input.counts:
        counts = map(read_json, snakemake.input.counts)
        cells = with_pool_sizes(cells, {of["language"]: of for of in counts})
    runs = {str(model): read_json(Path(model) / "run.json") for model in snakemake.input.models}
    steps = [run["best_step"] for run in runs.values()]
    cells = cells.assign(
        **common(found, ("benchmark", "encoder", "sampling")),
        **{STEPS_COLUMN: sum(steps) / len(steps) if steps else 0.0},
        **_parameters(runs, len(cells)),
    )
    keys = common(found, ("benchmark", "encoder", "variant", "sampling", "system"))
    write_table(snakemake.output[0], pa.Table.from_pandas(cells, preserve_index=False), keys)


def _parameters(runs: Mapping[str, dict], rows: int) -> dict[str, Any]:
    """PARAMETERS_COLUMNS of the models' records; raises DataError if the seeds differ in them."""
    found = {(run["parameters"]["trained"], run["parameters"]["all"]) for run in runs.values()}
    if len(found) > 1:
        raise DataError(f"{', '.join(runs)}: have different numbers of parameters; train again.")
    values = found.pop() if found else (None, None)
    return {
        name: pd.array([value] * rows, dtype="Int64")
        for name, value in zip(PARAMETERS_COLUMNS, values, strict=True)
    }


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
