"""What translation did to each corpus and language: texts, words, unknown words, failures."""

import pandas as pd
import pyarrow as pa

from hybridbatch.files import read_table, write_text
from hybridbatch.logs import logged
from hybridbatch.translation import summary


def main(snakemake) -> None:
    paths = iter(snakemake.input.shards)
    rows = []
    for corpus, language, shards in snakemake.params.parts:
        texts = pa.concat_tables(read_table(next(paths)) for _ in range(shards))
        rows += [{"corpus": corpus, "language": language, **row} for row in summary(texts)]
    frame = pd.DataFrame(rows)
    write_text(snakemake.output.csv, frame.to_csv(index=False, lineterminator="\n"))
    text = frame.to_markdown(index=False, tablefmt="github", intfmt=",")
    write_text(snakemake.output.markdown, f"# Translation\n\n{text}\n")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
