"""The captions of one split in all languages: published ones, and translations that pass."""

import pyarrow as pa

from hybridbatch.data.caption_splits import draw, filtered, ids_by_part, with_translations
from hybridbatch.data.filtering import FilterConfig
from hybridbatch.runtime.files import read_table, write_json, write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    own = read_table(files.captions)
    split = draw(ids_by_part(own), **params.drawing)[params.split]
    config = FilterConfig(**params.filtering)
    found = {}
    for language in params.translated:
        # Inputs have names of their own, so that nothing relies on their order.
        source, translated = (
            pa.concat_tables([read_table(path) for path in files[name]])
            for name in ("source", f"translated_{language}")
        )
        found[language] = filtered(own, source, translated, config, language)
        log.info("%s: %s", language, found[language].counts)
    table = with_translations(own, split, found)
    keys = {"benchmark": params.benchmark, "split": params.split}
    write_table(output.captions, table, keys)
    write_json(output.counts, {language: of.counts for language, of in found.items()})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
