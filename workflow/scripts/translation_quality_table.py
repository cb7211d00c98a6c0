"""BLEU, chrF++ and round-trip chrF of the translations of every reference set."""

import pyarrow as pa

from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_table
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.translation_quality import quality_page
from hybridbatch.translation.quality import Part, quality_table


def main(snakemake) -> None:
    params = snakemake.params
    parts = [_part(snakemake.input, params.translator, **of) for of in params.sets]
    frame = quality_table(parts)
    write(snakemake.output, frame, quality_page(frame, parts, params.samples))


def _part(
    files, translator: str, references: str, language: str, route: list[str], way_back: list[str]
) -> Part:
    def texts(what: str) -> pa.Table | None:
        path = files.get(f"{what}/{references}/{language}")
        return read_table(path) if path else None

    return Part(
        translator=translator,
        references=references,
        route=route,
        source=texts("source"),
        output=texts("output"),
        reference=texts("reference"),
        returned=texts("returned"),
        way_back=way_back,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
