"""Read a corpus into pairs and hold out its validation paragraphs."""

from collections import Counter
from itertools import chain

from hybridbatch.corpora import READERS, pairs_table, split_validation
from hybridbatch.errors import ConfigError
from hybridbatch.files import write_json, write_table
from hybridbatch.logs import log, logged


def main(snakemake) -> None:
    entry, paths = snakemake.params.entry, snakemake.input.files
    if entry["reader"] not in READERS:
        raise ConfigError(
            f"corpus {snakemake.wildcards.corpus}: the reader {entry['reader']!r} is not there "
            f"yet; there are {', '.join(READERS)}."
        )
    counts = Counter()
    reader = READERS[entry["reader"]]
    read = chain.from_iterable(reader(path, entry["language"], counts) for path in paths)
    pairs = pairs_table(read, counts, snakemake.wildcards.corpus)
    train, validation = split_validation(pairs, entry["holdout"])
    counts |= {"train": len(train), "validation": len(validation)}
    log.info("%s", dict(counts))
    write_table(snakemake.output.train, train)
    write_table(snakemake.output.validation, validation)
    write_json(snakemake.output.counts, dict(counts))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
