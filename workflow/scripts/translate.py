"""Translate one shard into one language by the route's engine."""

import shutil
from pathlib import Path

from hybridbatch.runtime.files import read_table, write_table
from hybridbatch.runtime.logs import log, logged
from hybridbatch.translation.engines import translator
from hybridbatch.translation.translate import journal_folder, translate_table


def main(snakemake) -> None:
    texts = read_table(snakemake.input.texts)
    route, checkpoints = snakemake.params.route, Path(snakemake.params.checkpoints)
    engine, journal = translator(route), None
    if hasattr(engine, "block_lines"):
        journal = journal_folder(checkpoints, [route, list(snakemake.params.code)], texts)
    result = translate_table(texts, engine, journal)
    log.info("%d texts, %d failed", len(result), result["error"].is_valid().to_pylist().count(True))
    write_table(snakemake.output[0], result)
    shutil.rmtree(checkpoints, ignore_errors=True)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
