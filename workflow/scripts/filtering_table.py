"""How many translated pairs were kept, and why the others were not."""

import pandas as pd

from hybridbatch.files import read_json, write_text
from hybridbatch.filtering import REASONS
from hybridbatch.logs import logged


def main(snakemake) -> None:
    rows = []
    for (corpus, language), path in zip(
        snakemake.params.parts, snakemake.input.counts, strict=True
    ):
        rows.append({"corpus": corpus, "language": language, **read_json(path)})
    frame = pd.DataFrame(rows)[["corpus", "language", "pairs", "kept", *REASONS]]
    write_text(snakemake.output.csv, frame.to_csv(index=False, lineterminator="\n"))
    text = frame.to_markdown(index=False, tablefmt="github", intfmt=",")
    write_text(snakemake.output.markdown, f"# Filtering of translated pairs\n\n{text}\n")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
