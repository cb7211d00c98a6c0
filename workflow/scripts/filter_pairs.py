"""Keep the pairs of one corpus in one language that are good enough to train on."""

import pyarrow as pa

from hybridbatch.files import read_table, write_json, write_table
from hybridbatch.filtering import FilterConfig, filter_pairs
from hybridbatch.logs import log, logged


def main(snakemake) -> None:
    corpus, language = snakemake.wildcards.corpus, snakemake.wildcards.language
    pairs, counts = filter_pairs(
        read_table(snakemake.input.pairs),
        pa.concat_tables(read_table(path) for path in snakemake.input.source),
        pa.concat_tables(read_table(path) for path in snakemake.input.translated),
        FilterConfig(**snakemake.params.filtering),
        snakemake.params.same_language,
        f"corpus {corpus}, language {language}",
    )
    log.info("%s, %s: %s", corpus, language, counts)
    write_table(snakemake.output.train, pairs)
    write_json(snakemake.output.counts, counts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
