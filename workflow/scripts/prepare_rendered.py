"""The image tower that all systems of an encoder start from; its codebook is of rendered texts."""

from collections.abc import Iterator
from itertools import zip_longest

from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import renderer
from hybridbatch.encoders.rendered import prepare
from hybridbatch.runtime.errors import about
from hybridbatch.runtime.files import read_keyed, whole
from hybridbatch.runtime.gpus import hide_gpus
from hybridbatch.runtime.logs import logged

_TEXTS = 2_000  # different ones of each language, at most, for a codebook


def main(snakemake) -> None:
    params = snakemake.params
    hide_gpus()
    with (
        about(f"catalogue.encoders.{snakemake.wildcards.encoder}"),
        whole(snakemake.output[0]) as folder,
    ):
        folder.mkdir()
        prepare(params.encoder, {}, folder, _images(snakemake.input.texts, params))


def _images(paths: list[str], params) -> Iterator[bytes]:
    """Rendered questions, one of each language after another, so that all scripts are there."""
    questions: dict[str, dict[str, None]] = {}
    # Sorted by corpus and language, so that the configuration's order of lists does not matter.
    found = read_keyed(paths, ["question"])
    for keys, table in sorted(found, key=lambda item: (item[0]["corpus"], item[0]["language"])):
        of_language = questions.setdefault(keys["language"], {})
        # No more than these can be among the first of all corpora together.
        first = table["question"].unique()[:_TEXTS]
        of_language.update(dict.fromkeys(first.to_pylist()))
    drawn = []
    for language, texts in sorted(questions.items()):
        named = {f"{language}:{number}": text for number, text in enumerate(list(texts)[:_TEXTS])}
        face = face_for(params.fonts[language], language)
        drawn.append(renderer(face, language, **params.drawing)(named))
    for images in zip_longest(*drawn):
        yield from (image for _, image in filter(None, images))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake)  # noqa: F821
