"""The images and captions of a corpus of captions, from published files or a data set."""

from hybridbatch.data.caption_corpora import write_corpus
from hybridbatch.data.download import mirror_from_environment
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    params, output = snakemake.params, snakemake.output
    with about(f"catalogue.benchmarks.{snakemake.wildcards.benchmark}"):
        write_corpus(
            params.parts,
            params.kind,
            params.languages,
            output.images,
            output.captions,
            output.counts,
            folders=params.folders,
            without=params.without,
            mirror=mirror_from_environment(),
            recorded=params.recorded,
        )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
