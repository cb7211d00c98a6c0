"""How many translated pairs were kept, and why the others were not."""

import pandas as pd

from hybridbatch.data.filtering import REASONS
from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.grid import Page, of_frame
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    counts = list(map(read_json, snakemake.input.counts))
    rows = pick(list(zip(counts, counts, strict=True)), snakemake.params.train)
    frame = pd.DataFrame(rows)[["corpus", "language", "pairs", "kept", *REASONS]]
    title = "Filtering of translated pairs"
    caption = f"{title}: pairs, those kept, and those dropped by the first reason that applied."
    write(snakemake.output, frame, Page("filtering", title, [of_frame(caption, frame)]))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
