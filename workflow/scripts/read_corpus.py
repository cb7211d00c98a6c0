"""Read a corpus into pairs and hold out its validation paragraphs."""

from collections import Counter

from hybridbatch.corpora import pairs_table, split_validation
from hybridbatch.files import write_json, write_table
from hybridbatch.logs import log, logged
from hybridbatch.readers import read


def main(snakemake) -> None:
    params, counts = snakemake.params, Counter()
    found = read(params.reader, list(snakemake.input.files), params.language, counts)
    pairs = pairs_table(found, counts, f"corpus {snakemake.wildcards.corpus}")
    train, validation = split_validation(pairs, params.holdout)
    counts = dict(counts) | {"train": len(train), "validation": len(validation)}
    log.info("%s", counts)
    write_table(snakemake.output.train, train)
    write_table(snakemake.output.validation, validation)
    write_json(snakemake.output.counts, counts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
