"""Read a corpus into pairs and hold out its validation paragraphs."""

from collections import Counter

from hybridbatch.corpora import READERS, pairs_table, split_validation
from hybridbatch.errors import ConfigError
from hybridbatch.files import write_json, write_table
from hybridbatch.logs import log, logged


def main(snakemake) -> None:
    entry, path = snakemake.params.entry, snakemake.input.file
    if entry["reader"] not in READERS:
        raise ConfigError(
            f"corpus {snakemake.wildcards.corpus}: the reader {entry['reader']!r} is not there "
            f"yet; there are {', '.join(READERS)}."
        )
    counts = Counter()
    reader = READERS[entry["reader"]]
    pairs = pairs_table(reader(path, entry["language"], counts), counts, path)
    train, validation = split_validation(pairs, entry["holdout"])
    counts |= {"train": len(train), "validation": len(validation)}
    log.info("%s: %s", path, dict(counts))
    write_table(snakemake.output.train, train)
    write_table(snakemake.output.validation, validation)
    write_json(snakemake.output.counts, dict(counts))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
