"""XQuAD-R and MLQA-R as images: every candidate sentence is rendered, the questions stay texts.

Everything else, ids, judgements and order among it, is as in `lareqa`, so that scores stand beside
those of text to text on the same questions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from hybridbatch.benchmarks import lareqa
from hybridbatch.benchmarks.base import CANDIDATE_SCHEMAS, Collection
from hybridbatch.data.fonts import face_for
from hybridbatch.data.rendering import HEIGHT, Rendered, renderer


def read(
    files: Mapping[str, str | Path],
    language: str,
    height: int = HEIGHT,
    perturbation: Mapping[str, Any] | None = None,
    found: Rendered | None = None,
) -> Collection:
    """The collection of the file `file`, in the format of XQuAD-R, rendered with the font `font`.

    height: pixels of a strip. perturbation: values of rendering.Perturbation. found: told which
    sentences have glyphs that the font lacks. Raises `DataError` as `lareqa.read`, `face_for` and
    `render` do.
    """
    texts = lareqa.read(files, language)
    face = face_for(files["font"], language)
    columns = texts.candidates["candidate_id"].to_pylist(), texts.candidates["text"].to_pylist()
    draw = renderer(face, language, height, perturbation, found)
    strips = draw(dict(zip(*columns, strict=True)))
    images = [image for _, image in strips]
    candidates = pa.table([columns[0], images], schema=CANDIDATE_SCHEMAS["image"])
    return Collection(texts.queries, candidates, texts.qrels)
