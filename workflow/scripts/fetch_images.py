"""The images of XTD10: fetched, checked against their recorded sha256, packed into one table."""

from hybridbatch.benchmarks.xtd10 import image_urls
from hybridbatch.data.download import mirror_from_environment
from hybridbatch.data.image_files import fetch_images, pack_images
from hybridbatch.runtime.logs import log, logged


def main(snakemake) -> None:
    params = snakemake.params
    urls = image_urls(snakemake.input.names)
    found = fetch_images(
        list(urls.values()), params.folder, params.recorded, mirror_from_environment()
    )
    log.info("%d images fetched, %d were there", found.fetched, found.there)
    pack_images({id_: found.paths[url] for id_, url in urls.items()}, snakemake.output[0])


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
