"""Benchmark texts with exact or near duplicates in a corpus' train set of their language."""

from hybridbatch.data.contamination import SIDES, ContaminationConfig, duplicates
from hybridbatch.runtime.files import read_keyed, read_table, write_json, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    texts = {side: {k["benchmark"]: t for k, t in read_keyed(files[side])} for side in SIDES}
    benchmarks = {name: {side: texts[side][name] for side in SIDES} for name in params.benchmarks}
    config = ContaminationConfig(**params.contamination)
    train = read_table(files.train, columns=list(SIDES.values()))
    pairs, counts = duplicates(train, benchmarks, config)
    log.info("%d pairs", len(pairs))
    write_table(snakemake.output.pairs, pairs, params.of)
    write_json(snakemake.output.counts, params.of | {"counts": counts})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
