"""What came out, for the report's first page."""

from pathlib import Path

from hybridbatch.render.front import front_page
from hybridbatch.runtime.files import write_text
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.summary import verdicts


def main(snakemake) -> None:
    files = snakemake.input
    found = verdicts(files.claims)
    part = front_page(
        Path(files.table).read_text(encoding="utf-8"),
        found.places,
        found.verdicts,
        found.counts,
        Path(files.caption).read_text(encoding="utf-8"),
        Path(files.svg).read_bytes(),
        Path(files.style).read_text(encoding="utf-8"),
    )
    write_text(snakemake.output[0], part)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
