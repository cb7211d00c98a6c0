"""The captions and images of a benchmark that one split tests, in all languages."""

from hybridbatch.benchmarks._joined import joined
from hybridbatch.benchmarks._reading import read_collection
from hybridbatch.runtime.files import write_table
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    captions, images = joined(
        params.files,
        lambda of: read_collection(params.kind, params.files[of], of, params.reading),
    )
    log.info("%d captions of %d images", len(captions), len(images))
    write_table(output.captions, captions, params.of)
    write_table(output.images, images, params.of)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
