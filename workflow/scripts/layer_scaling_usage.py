"""What training used in the ablation of layers, as its jobs measured it, beside the scores."""

from pathlib import Path

import pandas as pd

from hybridbatch.render import markdown
from hybridbatch.render.write import write_tidy
from hybridbatch.runtime.files import checked, write_text
from hybridbatch.runtime.logs import logged, read_usage
from hybridbatch.tables.layer_usage import layer_usage_page, layer_usage_table


def main(snakemake) -> None:
    table = pd.read_csv(checked(snakemake.input.table), keep_default_na=False, na_values="")
    measured = [
        ({name: value for name, value in of.items() if name != "log"}, read_usage(Path(of["log"])))
        for of in snakemake.params.models
    ]
    frame = layer_usage_table(table, measured)
    write_tidy(snakemake.output.csv, frame)
    write_text(snakemake.output.markdown, markdown.render(layer_usage_page(frame)))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
