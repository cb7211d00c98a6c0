"""Translate one shard into one language by the route's engine."""

from pathlib import Path

from hybridbatch.runtime.checkpoints import working
from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import log, logged
from hybridbatch.translation.engines import translator
from hybridbatch.translation.translate import key_of_translation, translate_table


def main(snakemake) -> None:
    texts = read_table(snakemake.input.texts)
    params, output = snakemake.params, Path(snakemake.output[0])
    key = key_of_translation([params.route, list(params.code)], texts)
    with working(Path(params.checkpoints), key, output) as work:
        if work.is_published():
            return
        result = translate_table(texts, translator(params.route), work.state)
        failed = result["error"].is_valid().to_pylist().count(True)
        log.info("%d texts, %d failed", len(result), failed)
        with work.publish() as temporary:
            write_table(temporary, result)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
