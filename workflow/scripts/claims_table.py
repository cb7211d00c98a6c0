"""The paper's statements, judged on our own scores."""

import pandas as pd

from hybridbatch.evaluation.claims import Margins, claims_table, image_claims
from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import checked, read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.claims import claims_page
from hybridbatch.tables.published import read_published


def main(snakemake) -> None:
    params = snakemake.params
    found = pick(read_keyed(snakemake.input.comparisons), params.compared)
    comparisons = [
        (of["benchmark"], of["encoder"], table.to_pandas())
        for of, table in zip(params.compared, found, strict=True)
    ]
    margins = Margins(read_published(snakemake.input.published), params.of_texts)
    frame = claims_table(comparisons, margins, params.scale, params.confidence)
    for path in snakemake.input.images:
        table = pd.read_csv(checked(path), keep_default_na=False, na_values="")
        of_images = image_claims(table, params.image_encoder, params.scale)
        frame = pd.concat([frame, of_images], ignore_index=True)
    write(snakemake.output, frame, claims_page(frame, params.confidence, params.scale))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
