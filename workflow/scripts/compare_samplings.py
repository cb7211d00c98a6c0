"""Differences between the samplings of one encoder on one benchmark, tested over queries."""

from itertools import product

import pyarrow as pa

from hybridbatch.evaluation.aggregate import Rows
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.significance import compare
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params = snakemake.params
    keys = product(params.samplings, params.seeds, params.languages)
    frames = {sampling: {} for sampling in params.samplings}
    for (sampling, seed, language), path in zip(keys, snakemake.input.metrics, strict=True):
        frames[sampling][language, seed] = read_table(path).to_pandas()
    statistics = StatisticsConfig(**params.statistics)
    rows = compare(
        *(frames, params.languages, params.seen, statistics, params.permutations),
        Rows(**params.of),
    )
    untested = int((rows["n_queries"] == 1).sum())
    if untested:
        log.warning("%d differences are of one query: no interval, no test", untested)
    write_table(snakemake.output[0], pa.Table.from_pandas(rows, preserve_index=False))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
