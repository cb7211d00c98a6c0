"""Translate one shard into one language by the route's engine."""

from hybridbatch.engines import translator
from hybridbatch.files import read_table, write_table
from hybridbatch.logs import log, logged
from hybridbatch.translation import translate_table


def main(snakemake) -> None:
    texts = read_table(snakemake.input.texts)
    result = translate_table(texts, translator(snakemake.params.route))
    log.info("%d texts, %d failed", len(result), result["error"].is_valid().to_pylist().count(True))
    write_table(snakemake.output[0], result)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
