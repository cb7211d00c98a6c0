"""Translation counts by corpus and language: texts, words, losses, failures."""

import pandas as pd
import pyarrow as pa

from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.translation import translation_page
from hybridbatch.translation.translate import summary


def main(snakemake) -> None:
    rows = []
    for of in snakemake.params.sets:
        shards = snakemake.input.get("{corpus}/{language}".format(**of))
        texts = pa.concat_tables(map(read_table, shards))
        rows += [of | row for row in summary(texts)]
    frame = pd.DataFrame(rows)
    write(snakemake.output, frame, translation_page(frame))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
