"""Pictures of emoji and their names in many languages, from installed packages."""

from hybridbatch.data.emoji import write_emoji
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    output, params = snakemake.output, snakemake.params
    write_emoji(
        output.images, output.captions, output.counts, languages=params.languages, **params.emoji
    )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
