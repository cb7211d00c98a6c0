"""An encoder's inputs of the passages of one corpus in one language, which are rendered."""

from pathlib import Path

from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import Rendered, renderer
from hybridbatch.encoders.rendered import inputs
from hybridbatch.encoders.rendered_passages import passage_images
from hybridbatch.runtime.files import read_batches, write_json
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import logged

_NAMED = 20  # texts that lack glyphs, of which the characters are stated


def main(snakemake) -> None:
    files, params, output = snakemake.input, snakemake.params, snakemake.output
    if not snakemake.resources.gpu:  # otherwise a frozen tower leases one
        hide_gpus()
    language, found = params.of["language"], Rendered()
    face = face_for(files.font, language)
    draw = renderer(face, language, **params.drawing, found=found)
    make = inputs(params.encoder, Path(files.encoder))
    train = read_batches(files.train, ["id", "passage", "negative"])
    images = passage_images(make, draw, train)
    images.save(output.images, params.of)
    counts = {
        "images": len(images.images),
        "with_missing_glyphs": len(found.missing),
        "clipped": len(found.clipped),
        "missing": dict(list(found.missing.items())[:_NAMED]),
    }
    write_json(output.counts, params.of | counts)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
