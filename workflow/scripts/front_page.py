"""The results on the report's first page."""

from hybridbatch.render.front import front_page
from hybridbatch.runtime.files import checked, read_text, write_text
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.summary import verdicts


def main(snakemake) -> None:
    files = snakemake.input
    found = verdicts(files.claims)
    part = front_page(
        read_text(files.table),
        found.places,
        found.verdicts,
        found.counts,
        found.images,
        read_text(files.caption),
        checked(files.svg).read_bytes(),
        read_text(files.style),
    )
    write_text(snakemake.output[0], part)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
