"""Language bias in detail: shares of the top, mean ranks and rank correlations."""

from hybridbatch.evaluation.bias_summary import bias_cells, bias_detail
from hybridbatch.evaluation.inputs import common
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.bias_detail import bias_page


def main(snakemake) -> None:
    params = snakemake.params
    asked = [(keys, table.to_pandas()) for keys, table in read_keyed(snakemake.input.queries)]
    found = read_keyed(snakemake.input.measures)
    parts = []
    for of in params.scored:
        own = [(keys, table) for keys, table in found if of.items() <= keys.items()]
        tables = {keys["seed"]: table for keys, table in own}
        benchmark = of["benchmark"]
        queries = [(k["language"], frame) for k, frame in asked if k["benchmark"] == benchmark]
        cells = bias_cells(tables, params.languages[benchmark], queries, params.confidence)
        parts.append(cells.assign(**common(own, ("benchmark", "encoder", "sampling"))))
    frame = bias_detail(parts)
    write(snakemake.output, frame, bias_page(frame, params.confidence))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
