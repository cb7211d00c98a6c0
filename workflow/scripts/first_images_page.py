"""Captions with the images that stand first for them, the right one framed, as a page."""

from pathlib import Path

from hybridbatch.data.captions import read_images
from hybridbatch.data.thumbnails import thumbnail
from hybridbatch.evaluation.first_images import first_images
from hybridbatch.render.gallery import Line, Picture, gallery_page
from hybridbatch.runtime.files import checked, read_table, read_tensors, write_text
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    vectors, _ = read_tensors(files.vectors)
    ids = read_table(files.tested)["image_id"].to_pylist()
    found = first_images(
        read_table(files.captions),
        vectors[f"captions{params.seed}"],
        ids,
        vectors[f"images{params.seed}"],
        params.languages,
        params.images,
    )
    wanted = {id_ for shown in found for id_ in (shown.right, *shown.first)}
    small = {
        id_: thumbnail(image, f"{files.images}: image {id_}")
        for id_, image in read_images(checked(files.images))
        if id_ in wanted
    }
    lines = [
        Line(
            shown.right,
            shown.language,
            (shown.caption, shown.language, f"{shown.rank:,}"),
            tuple(Picture(small[id_], id_, id_ == shown.right) for id_ in shown.first),
            Picture(small[shown.right], shown.right),
        )
        for shown in found
    ]
    caption = f"{params.caption} There are {len(ids):,} images to find it among."
    style = Path(snakemake.input.style).read_text(encoding="utf-8")
    header = ["query", "language", "rank of the right image", "first five images"]
    write_text(snakemake.output[0], gallery_page(params.title, caption, header, lines, style))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
