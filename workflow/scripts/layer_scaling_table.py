"""Budgets divided among the layers: scores, differences to uniform, verdicts."""

from itertools import product

from hybridbatch.evaluation.claims import Margins
from hybridbatch.evaluation.inputs import pick
from hybridbatch.evaluation.layer_scaling import Compared, Point, layer_scaling_table
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.layer_scaling import layer_scaling_page
from hybridbatch.tables.published import read_published


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    points = {
        of["system"]: Point(of["adapter"], of["budget"], of["schedule"]) for of in params.points
    }
    wanted = [
        {"benchmark": benchmark, "system": system}
        for benchmark, system in product(params.benchmarks, params.systems)
    ]
    tables = pick(read_keyed(files.scores), wanted)
    scores = [
        (points.get(of["system"], Point()), table.to_pandas())
        for of, table in zip(wanted, tables, strict=True)
    ]
    groups = {
        of["group"]: (of["encoder"], of["sampling"], of["adapter"], of["budget"])
        for of in params.points
    }
    found = {
        (keys["benchmark"], keys["schedules"]): table
        for keys, table in read_keyed(files.comparisons)
    }
    comparisons = [
        (Compared(benchmark, *of), found[benchmark, group].to_pandas())
        for benchmark, (group, of) in product(params.benchmarks, groups.items())
    ]
    margins = Margins(read_published(files.published))
    frame = layer_scaling_table(scores, comparisons, margins, params.margins, params.confidence)
    write(snakemake.output, frame, layer_scaling_page(frame, params.confidence))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
