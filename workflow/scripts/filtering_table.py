"""How many translated pairs were kept, and why the others were not."""

from hybridbatch.evaluation.inputs import pick
from hybridbatch.render.write import write
from hybridbatch.runtime.files import read_json
from hybridbatch.runtime.logs import logged
from hybridbatch.tables.filtering import filtering_page, filtering_table


def main(snakemake) -> None:
    counts = list(map(read_json, snakemake.input.counts))
    rows = pick(list(zip(counts, counts, strict=True)), snakemake.params.train)
    frame = filtering_table(rows)
    write(snakemake.output, frame, filtering_page(frame))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
