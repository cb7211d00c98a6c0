"""Sentences as the images that a benchmark has of them, in every script, as a page."""

from itertools import islice
from pathlib import Path

from hybridbatch.benchmarks import lareqa
from hybridbatch.data.fonts import face_for, script_of
from hybridbatch.data.rendering import Perturbation, render
from hybridbatch.render.gallery import Line, Picture, gallery_page
from hybridbatch.runtime.files import write_text
from hybridbatch.runtime.logs import logged


def main(snakemake) -> None:
    files, params = snakemake.input, snakemake.params
    perturbation = params.reading.get("perturbation")
    values = None if perturbation is None else Perturbation(**perturbation)
    lines = []
    for language, paths in params.files.items():
        candidates = lareqa.read({"file": paths["file"]}, language).candidates
        texts = dict(
            islice(
                zip(*(candidates[n].to_pylist() for n in ("candidate_id", "text")), strict=True),
                params.sentences,
            )
        )
        face = face_for(paths["font"], language)
        images = render(texts, face, language, params.reading["height"], values)
        lines += [
            Line(
                script_of(language),
                language,
                (texts[id_], language),
                (Picture(image, f"{language}, {id_}"),),
            )
            for id_, image in images
        ]
    lines.sort(key=lambda line: line.band)
    style = Path(files.style).read_text(encoding="utf-8")
    header = ["sentence", "language", "as an image"]
    page = gallery_page(params.title, params.caption, header, lines, style)
    write_text(snakemake.output[0], page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
