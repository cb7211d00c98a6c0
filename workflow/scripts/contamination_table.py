"""Duplicates between every corpus and every benchmark: counts, and the most similar pairs."""

from hybridbatch.data.contamination import SIDES, ContaminationConfig, contamination_table
from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json, read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.contamination import contamination_page


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    counts = pick([(of, of["counts"]) for of in map(read_json, files.counts)], params.train)
    found = pick(read_keyed(files.pairs), params.train)
    sides, names = list(SIDES), params.benchmarks

    def order(row: dict) -> tuple[int, int]:
        return sides.index(row["side"]), names.index(row["benchmark"])

    rows = [
        of | row
        for of, rows in zip(params.train, counts, strict=True)
        for row in sorted(rows, key=order)
    ]
    pairs = [
        (of["corpus"], of["language"], table) for of, table in zip(params.train, found, strict=True)
    ]
    frame = contamination_table(rows)
    config = ContaminationConfig(**params.contamination)
    write(snakemake.output, frame, contamination_page(frame, pairs, config, params.worst))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
