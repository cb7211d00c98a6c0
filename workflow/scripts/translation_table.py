"""Translation counts by corpus and language: texts, words, losses, failures."""

import pandas as pd
import pyarrow as pa

from hybridbatch.render.grid import Page, of_frame
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.translation.translate import summary


def main(snakemake) -> None:
    rows = []
    for of in snakemake.params.sets:
        shards = snakemake.input.get("{corpus}/{language}".format(**of))
        texts = pa.concat_tables(map(read_table, shards))
        rows += [of | row for row in summary(texts)]
    frame = pd.DataFrame(rows)
    caption = (
        "Translation: texts, words, the share of unknown ones, characters lost, retries after a "
        "failure of the engine, translations cut or repeating themselves, and texts that failed."
    )
    grid = of_frame(caption, frame, {"unknown_share": 4})
    write(snakemake.output, frame, Page("translation", "Translation", [grid]))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
