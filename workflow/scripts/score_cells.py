"""All table cells of one system on one benchmark, with intervals."""

from itertools import product

import pyarrow as pa

from hybridbatch.evaluation.aggregate import Rows, score_cells, with_pool_sizes
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.runtime.files import read_json, read_table, write_table
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params = snakemake.params
    keys = product(params.seeds, params.languages)
    frames = {
        (language, seed): read_table(path).to_pandas()
        for (seed, language), path in zip(keys, snakemake.input.metrics, strict=True)
    }
    statistics = StatisticsConfig(**params.statistics)
    cells = score_cells(frames, params.languages, params.seen, statistics, Rows(**params.of))
    if snakemake.input.counts:
        counts = map(read_json, snakemake.input.counts)
        cells = with_pool_sizes(cells, dict(zip(params.languages, counts, strict=True)))
    names = dict(zip(("benchmark", "encoder", "sampling"), params.key, strict=True))
    cells = cells.assign(**names)
    write_table(snakemake.output[0], pa.Table.from_pandas(cells, preserve_index=False))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
