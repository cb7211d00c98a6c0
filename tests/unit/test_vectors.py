"""Indexes: their files, order and vectors, and that a failure leaves nothing half done."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from hybridbatch.retrieval import index as indexes
from hybridbatch.retrieval.index import build, layout, read_vectors

pytestmark = pytest.mark.filterwarnings("error")


def _vectors(seed: int = 0) -> dict[str, np.ndarray]:
    """Unit vectors by language, the languages not in alphabetical order."""
    rng = np.random.default_rng(seed)
    drawn = {code: rng.normal(size=(n, 8)) for code, n in (("zh", 5), ("ar", 3), ("en", 7))}
    return {
        code: (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        for code, rows in drawn.items()
    }


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_there_is_an_index_for_each_language_and_one_for_all(tmp_path):
    build(_vectors(), tmp_path / "index")
    expected = ["ar.faiss", "en.faiss", "layout.json", "multilingual.faiss", "zh.faiss"]
    assert _names(tmp_path / "index") == expected


def test_layout_states_the_sizes_in_the_order_of_the_multilingual_index(tmp_path):
    build(_vectors(), tmp_path / "index")
    assert list(layout(tmp_path / "index").items()) == [("zh", 5), ("ar", 3), ("en", 7)]


def test_vectors_come_back_as_they_were_given(tmp_path):
    vectors = _vectors()
    build(vectors, tmp_path / "index")
    for language, expected in vectors.items():
        assert np.array_equal(read_vectors(tmp_path / "index", language), expected)
    together = read_vectors(tmp_path / "index")
    assert together.dtype == np.float32
    assert np.array_equal(together, np.concatenate(list(vectors.values())))


def test_indexes_score_by_inner_product(tmp_path):
    build(_vectors(), tmp_path / "index")
    index = faiss.read_index(str(tmp_path / "index" / "multilingual.faiss"))
    assert index.metric_type == faiss.METRIC_INNER_PRODUCT
    assert index.ntotal == 15


def test_vectors_that_are_not_contiguous_are_taken(tmp_path):
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    build({"en": wide[:, ::2]}, tmp_path / "index")
    assert np.array_equal(read_vectors(tmp_path / "index"), wide[:, ::2])


def test_index_that_needs_training_is_trained(tmp_path):
    rng = np.random.default_rng(0)
    build({"en": rng.normal(size=(200, 8)).astype(np.float32)}, tmp_path / "index", "IVF2,Flat")
    index = faiss.read_index(str(tmp_path / "index" / "en.faiss"))
    assert index.is_trained
    assert index.ntotal == 200


def test_failure_leaves_nothing_behind(tmp_path):
    vectors = {**_vectors(), "es": np.zeros((2, 9), dtype=np.float32)}  # of another dimension
    with pytest.raises(ValueError, match="dimension"):
        build(vectors, tmp_path / "index")
    assert _names(tmp_path) == []


def test_failure_keeps_the_older_index(tmp_path, monkeypatch):
    build(_vectors(1), tmp_path / "index")

    def fail(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(indexes, "write_json", fail)
    with pytest.raises(OSError, match="disk is full"):
        build(_vectors(2), tmp_path / "index")
    assert _names(tmp_path) == ["index"]
    expected = np.concatenate(list(_vectors(1).values()))
    assert np.array_equal(read_vectors(tmp_path / "index"), expected)


def test_rebuilding_replaces_all_files(tmp_path):
    build(_vectors(), tmp_path / "index")
    build({"en": np.ones((2, 8), dtype=np.float32)}, tmp_path / "index")
    assert _names(tmp_path / "index") == ["en.faiss", "layout.json", "multilingual.faiss"]
    assert layout(tmp_path / "index") == {"en": 2}
