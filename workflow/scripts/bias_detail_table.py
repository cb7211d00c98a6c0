"""Language bias in detail: shares of the top, mean ranks and rank correlations."""

from hybridbatch.evaluation.bias_summary import bias_cells, bias_detail
from hybridbatch.evaluation.bootstrap import StatisticsConfig
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.bias_detail import bias_page


def main(snakemake) -> None:
    params = snakemake.params
    statistics = StatisticsConfig(**params.statistics)
    measures = iter(snakemake.input.measures)
    parts = []
    for benchmark, encoder, sampling, seeds in params.parts:
        tables = {seed: read_table(next(measures)) for seed in seeds}
        cells = bias_cells(tables, params.languages[benchmark], statistics)
        parts.append(cells.assign(benchmark=benchmark, encoder=encoder, sampling=sampling))
    frame = bias_detail(parts)
    write(snakemake.output, frame, bias_page(frame, statistics.confidence))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
