"""FAISS indexes: one for each language's candidates and one for all languages together."""

from pathlib import Path

import faiss
import numpy as np

from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import read_json, whole, write_json

MULTILINGUAL = "multilingual"
_LAYOUT = "layout.json"


def build(candidates: dict[str, np.ndarray], output: Path, factory: str = "Flat") -> None:
    """Write `<language>.faiss` for each language and `multilingual.faiss` into `output`, whole.

    candidates: unit vectors float32 [n, d] by language; the multilingual index holds them
    language after language, in the order that `layout.json` states with the sizes.
    """
    with whole(output) as temporary:
        temporary.mkdir()
        for language, vectors in candidates.items():
            _write(vectors, factory, temporary / f"{language}.faiss")
        _write(
            np.concatenate(list(candidates.values())), factory, temporary / f"{MULTILINGUAL}.faiss"
        )
        sizes = {language: len(vectors) for language, vectors in candidates.items()}
        write_json(temporary / _LAYOUT, {"languages": list(sizes), "sizes": list(sizes.values())})


def read_vectors(folder: Path, name: str = MULTILINGUAL) -> np.ndarray:
    """All vectors of an exact index, float32 [n, d], in the order in which they were added."""
    index = faiss.read_index(str(folder / f"{name}.faiss"))
    return index.reconstruct_n(0, index.ntotal)


def layout(folder: Path) -> dict[str, int]:
    """Candidates by language, in the multilingual index' order."""
    stored = read_json(folder / _LAYOUT)
    return dict(zip(stored["languages"], stored["sizes"], strict=True))


def check_layout(folder: Path, sizes: dict[str, int]) -> None:
    """Raise `DataError` unless the index holds `sizes` candidates, by language in this order."""
    if list(layout(folder).items()) != list(sizes.items()):
        raise DataError(
            f"{folder}: does not hold the benchmark's candidates; delete and rebuild it."
        )


def _write(vectors: np.ndarray, factory: str, path: Path) -> None:
    index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.train(vectors)
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    faiss.write_index(index, str(path))
