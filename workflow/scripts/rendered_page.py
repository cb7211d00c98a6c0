"""Sentences as the images that a benchmark has of them, in every script, as a page."""

from itertools import islice
from pathlib import Path

from hybridbatch.benchmarks import lareqa
from hybridbatch.data.fonts import face_for, script_of
from hybridbatch.data.rendering import Perturbation, render
from hybridbatch.render.gallery import Line, Picture, gallery_page
from hybridbatch.runtime.files import write_text
from hybridbatch.runtime.logs import logged

_LONGEST = 90  # characters of a sentence that is shown, so that its strip fits on a page


def main(snakemake) -> None:
    params = snakemake.params
    perturbation = params.reading.get("perturbation")
    values = None if perturbation is None else Perturbation(**perturbation)
    lines = []
    for language, paths in params.files.items():
        candidates = lareqa.read({"file": paths["file"]}, language).candidates
        rows = candidates.select(["candidate_id", "text"]).to_pylist()
        short = ((r["candidate_id"], r["text"]) for r in rows if len(r["text"]) <= _LONGEST)
        texts = dict(islice(short, params.sentences))
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
    style = Path(snakemake.input.style).read_text(encoding="utf-8")
    header = ["sentence", "language", "as an image"]
    page = gallery_page(params.title, params.caption, header, lines, style)
    write_text(snakemake.output[0], page)


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
