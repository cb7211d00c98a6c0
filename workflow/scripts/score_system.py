"""All scores of one system on one benchmark, with intervals."""

from pathlib import Path

import pyarrow as pa

from hybridbatch.evaluation.aggregate import Rows, score_system, with_pool_sizes
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.inputs import common
from hybridbatch.evaluation.settings import STEPS_COLUMN
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
    steps = [read_json(Path(model) / "run.json")["best_step"] for model in snakemake.input.models]
    cells = cells.assign(
        **common(found, ("benchmark", "encoder", "sampling")),
        **{STEPS_COLUMN: sum(steps) / len(steps) if steps else 0.0},
    )
    keys = common(found, ("benchmark", "encoder", "variant", "sampling", "system"))
    write_table(snakemake.output[0], pa.Table.from_pandas(cells, preserve_index=False), keys)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
