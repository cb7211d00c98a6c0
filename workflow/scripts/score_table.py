"""One of the papers' tables of scores, with marks of best, second and not significant."""

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json, read_keyed
from hybridbatch.runtime.logs import logged
from hybridbatch.tables import layouts
from hybridbatch.tables import scores as tables
from hybridbatch.tables.families import significance_table
from hybridbatch.tables.glyphs import glyph_notes
from hybridbatch.tables.published import read_published


def main(snakemake) -> None:
    params = snakemake.params
    spec = tables.SPECS.get(params.name) or tables.benchmark_spec(params.title)
    cells = pick(read_keyed(snakemake.input.scores), params.scored)
    published = read_published(snakemake.input.published)
    frame = tables.tidy(params.name, spec, [table.to_pandas() for table in cells], published)
    comparisons = pick(read_keyed(snakemake.input.comparisons), params.compared)
    tests = significance_table(
        table.to_pandas().assign(benchmark=of["benchmark"], encoder=of["encoder"])
        for of, table in zip(params.compared, comparisons, strict=True)
    )
    shown = (params.name, spec.title, frame, tests, params.confidence)
    if spec.means_only:
        page = layouts.overview_page(*shown)
    else:
        notes = glyph_notes(map(read_json, snakemake.input.glyphs))
        page = layouts.benchmark_page(*shown, params.averaged, notes)
    write(snakemake.output, frame, page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
