"""BLEU, chrF++ and round-trip chrF of the translations of every reference set."""

from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json, read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.translation_quality import quality_page
from hybridbatch.translation.quality import Part, quality_table


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    sources, outputs = iter(files.sources), iter(files.outputs)
    references, returned = iter(files.references), iter(files.returned)
    timings = iter(files.timings)
    parts = [
        Part(
            translator=params.translator,
            references=name,
            route=route,
            source=read_table(next(sources)),
            output=read_table(next(outputs)),
            reference=read_table(next(references)) if has_reference else None,
            returned=read_table(next(returned)) if way_back else None,
            way_back=way_back,
            seconds=sum(read_json(next(timings))["s"] for _ in route[1:]),
        )
        for name, route, has_reference, way_back in params.parts
    ]
    frame = quality_table(parts)
    write(snakemake.output, frame, quality_page(frame, parts, params.samples))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
