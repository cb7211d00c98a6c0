"""Keep the pairs of one corpus in one language that are good enough to train on."""

from collections.abc import Iterable

import pyarrow as pa

from hybridbatch.data.filtering import TRAIN_SCHEMA, FilterConfig, filter_batches
from hybridbatch.runtime.files import read_batches, read_table, table_writer, write_json
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    corpus, language = snakemake.wildcards.corpus, snakemake.wildcards.language
    files, params = snakemake.input, snakemake.params
    translated = _texts(files.translated)
    counts: dict[str, int] = {}
    kept = filter_batches(
        read_batches(files.pairs, ["id", "question_id", "passage_id", "negative_id"]),
        translated if params.same_language else _texts(files.source),
        translated,
        FilterConfig(**params.filtering),
        params.same_language,
        f"corpus {corpus}, language {language} ({files.pairs})",
        counts,
    )
    with table_writer(snakemake.output.train, TRAIN_SCHEMA, params.of) as write:
        for batch in kept:
            write(batch)
    log.info("%s, %s: %s", corpus, language, counts)
    write_json(snakemake.output.counts, params.of | counts)


def _texts(shards: Iterable[str]) -> pa.Table:
    columns = ["text_id", "text", "words", "unknown"]
    return pa.concat_tables(read_table(path, columns) for path in shards)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
