"""Texts of the benchmarks that stand in a corpus' train set of their language, or nearly."""

from hybridbatch.data.contamination import SIDES, ContaminationConfig, duplicates
from hybridbatch.runtime.files import read_table, write_json, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    benchmarks = {
        name: {side: read_table(files[side][i]) for side in SIDES}
        for i, name in enumerate(params.benchmarks)
    }
    config = ContaminationConfig(**params.contamination)
    train = read_table(files.train, columns=list(SIDES.values()))
    pairs, counts = duplicates(train, benchmarks, config)
    log.info("%d pairs", len(pairs))
    write_table(snakemake.output.pairs, pairs)
    write_json(snakemake.output.counts, counts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
