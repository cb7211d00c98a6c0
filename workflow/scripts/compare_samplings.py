"""Differences between systems of one encoder on one benchmark, and their tests."""

import pyarrow as pa

from hybridbatch.evaluation.aggregate import Rows
from hybridbatch.evaluation.inputs import common
from hybridbatch.evaluation.significance import UNEQUAL, compare
from hybridbatch.runtime.files import read_keyed, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params = snakemake.params
    found = read_keyed(snakemake.input.metrics)
    # By sampling or schedule, in the order of the differences.
    frames = {name: {} for name in params.compared.values()}
    for keys, table in found:
        of_system = frames[params.compared[keys["system"]]]
        of_system[keys["language"], keys["seed"]] = table.to_pandas()
    rows = compare(frames, params.languages, params.seen, params.confidence, Rows(**params.rows))
    untested = int(rows["p"].isna().sum())
    if untested:
        log.warning("%d differences were not tested: one seed, one cluster or no spread", untested)
    unequal = int((rows["seed_sd_p"] < UNEQUAL).sum())
    if unequal:
        log.warning(
            "in %d of %d differences the variances between seeds differ (Bartlett's p below %g), "
            "and a pooled one fits none of them",
            *(unequal, len(rows), UNEQUAL),
        )
    keys = {**params.of, **common(found, params.shared)}
    write_table(snakemake.output[0], pa.Table.from_pandas(rows, preserve_index=False), keys)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
