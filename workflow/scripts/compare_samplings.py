"""Differences between the samplings of one encoder on one benchmark, tested over queries."""

import pyarrow as pa

from hybridbatch.evaluation.aggregate import Rows
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.evaluation.inputs import common
from hybridbatch.evaluation.significance import compare
from hybridbatch.runtime.files import read_keyed, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params = snakemake.params
    found = read_keyed(snakemake.input.metrics)
    frames = {sampling: {} for sampling in params.samplings}
    for keys, table in found:
        frames[keys["sampling"]][keys["language"], keys["seed"]] = table.to_pandas()
    statistics = StatisticsConfig(**params.statistics)
    rows = compare(
        *(frames, params.languages, params.seen, statistics, params.permutations),
        Rows(**params.rows),
    )
    untested = int((rows["n_queries"] == 1).sum())
    if untested:
        log.warning("%d differences are of one query: no interval, no test", untested)
    keys = common(found, ("benchmark", "encoder", "variant"))
    write_table(snakemake.output[0], pa.Table.from_pandas(rows, preserve_index=False), keys)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
