"""Read a corpus into pairs and hold out its validation paragraphs."""

from collections import Counter

from hybridbatch.data.pairs import PAIR_SCHEMA, pair_batches, refuse_empty_parts, split_validation
from hybridbatch.data.readers import read
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.files import table_writer, write_json
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    counts, parts = Counter(), Counter()
    files = list(snakemake.input.files)
    name = f"corpus {snakemake.wildcards.corpus} ({', '.join(map(str, files))})"
    found = read(params.reader, files, params.language, counts)
    with (
        about(f"catalogue.corpora.{snakemake.wildcards.corpus}"),
        table_writer(output.train, PAIR_SCHEMA) as write_train,
        table_writer(output.validation, PAIR_SCHEMA) as write_validation,
    ):
        for pairs in pair_batches(found, counts, name):
            train, validation = split_validation(pairs, params.holdout)
            write_train(train)
            write_validation(validation)
            parts.update(train=len(train), validation=len(validation))
        sizes = {part: parts[part] for part in ("train", "validation")}
        refuse_empty_parts(sizes, params.holdout, name)
    log.info("%s", dict(counts) | sizes)
    keys = {"corpus": snakemake.wildcards.corpus, "language": params.language}
    write_json(output.counts, keys | dict(counts) | sizes)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
