"""A benchmark's vectors as one pool: in the order asked for, complete, and of one dimension."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hybridbatch.retrieval.vectors import check_answers, check_queries, read_pool
from hybridbatch.runtime.errors import DataError
from hybridbatch.runtime.files import write_table, write_tensors

pytestmark = pytest.mark.filterwarnings("error")

SIZES = {"zh": 5, "ar": 3, "en": 7}  # candidates; not in alphabetical order


def _vectors(n: int, seed: int, d: int = 8) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def _ids(language: str) -> list[str]:
    return [f"{language}:{i}" for i in range(SIZES[language])]


def _tensors(language: str, **changes: np.ndarray) -> dict[str, np.ndarray]:
    seed = list(SIZES).index(language)
    found = {"queries": _vectors(2, 10 + seed), "candidates": _vectors(SIZES[language], seed)}
    return found | changes


def _paths(folder: Path) -> tuple[list[Path], list[Path]]:
    """Files of candidates and embeddings, whose names say nothing."""
    candidates, embeddings = [], []
    for number, language in enumerate(sorted(SIZES)):
        of = {"benchmark": "quiz", "language": language}
        candidates.append(folder / f"{number}.parquet")
        write_table(
            candidates[-1], pa.table({"candidate_id": _ids(language), "text": _ids(language)}), of
        )
        embeddings.append(folder / f"{number}.safetensors")
        write_tensors(embeddings[-1], _tensors(language), of)
    return candidates, embeddings


def _write(folder: Path, language: str, **changes: np.ndarray) -> None:
    """Spoil the embeddings of a language."""
    path = folder / f"{sorted(SIZES).index(language)}.safetensors"
    write_tensors(path, _tensors(language, **changes), {"language": language})


@pytest.mark.parametrize(
    "languages", [["zh", "ar", "en"], ["en", "zh", "ar"], ["ar"]], ids="-".join
)
@pytest.mark.parametrize("backwards", [False, True])
def test_languages_stand_in_the_order_asked_for_whatever_the_order_of_files(
    tmp_path, languages, backwards
):
    candidates, embeddings = _paths(tmp_path)
    if backwards:
        candidates = candidates[::-1]
    pool = read_pool(languages, candidates, embeddings)
    assert list(pool.candidate_ids) == list(pool.queries) == languages
    assert pool.candidate_ids == {language: _ids(language) for language in languages}
    expected = np.concatenate([_tensors(language)["candidates"] for language in languages])
    assert pool.candidates.dtype == np.float32
    assert np.array_equal(pool.candidates, expected)
    for language in languages:
        assert np.array_equal(pool.queries[language], _tensors(language)["queries"])
        assert np.array_equal(pool.of_language(language), _tensors(language)["candidates"])


def test_a_language_that_the_pool_lacks_has_no_candidates(tmp_path):
    pool = read_pool(["en"], *_paths(tmp_path))
    with pytest.raises(KeyError, match="zh"):
        pool.of_language("zh")


@pytest.mark.parametrize(("side", "what"), [(0, "candidates"), (1, "vectors")])
def test_a_language_without_a_file_is_named(tmp_path, side, what):
    files = _paths(tmp_path)
    files[side].pop(sorted(SIZES).index("en"))
    with pytest.raises(DataError, match=f"no file has the {what} in 'en'; run again"):
        read_pool(list(SIZES), *files)
    assert list(read_pool(["zh", "ar"], *files).queries) == ["zh", "ar"]


def test_vectors_that_are_not_as_many_as_the_candidates_are_refused(tmp_path):
    files = _paths(tmp_path)
    _write(tmp_path, "en", candidates=_vectors(6, 0))
    with pytest.raises(DataError, match=r"1.safetensors: has vectors of 6 candidates.*has 7; del"):
        read_pool(list(SIZES), *files)


@pytest.mark.parametrize("side", ["queries", "candidates"])
def test_vectors_of_another_dimension_are_refused(tmp_path, side):
    files = _paths(tmp_path)
    _write(tmp_path, "en", **{side: _vectors(7, 0, d=9)})
    message = f"1.safetensors: its {side} have 9 dimensions, others 8; delete the benchmark's embe"
    with pytest.raises(DataError, match=message):
        read_pool(list(SIZES), *files)
    read_pool(["zh", "ar"], *files)  # what is not asked for does not matter


@pytest.mark.parametrize("side", [0, 1])
def test_a_file_that_does_not_say_what_it_is_of_is_named(tmp_path, side):
    files = _paths(tmp_path)
    if side:
        write_tensors(files[1][0], _tensors("ar"))
    else:
        write_table(files[0][0], pa.table({"candidate_id": _ids("ar")}))
    with pytest.raises(DataError, match=f"{files[side][0].name}: does not say"):
        read_pool(list(SIZES), *files)


def test_there_is_a_vector_for_every_query():
    check_queries(["a", "b"], np.zeros((2, 8)), "queries.parquet")
    message = r"queries.parquet: the benchmark has 3 queries, and 2 have vectors; delete the embe"
    with pytest.raises(DataError, match=message):
        check_queries(["a", "b", "c"], np.zeros((2, 8)), "queries.parquet")


def test_a_language_without_answers_to_the_queries_is_refused():
    qrels = {"en": [("a", "en:1"), ("b", "en:2")], "es": [("c", "es:1"), ("b", "es:2")]}
    check_answers(["a", "b"], qrels, "queries.parquet")
    with pytest.raises(DataError, match=r"queries.parquet: none of its 1 queries has .* 'es'"):
        check_answers(["a"], qrels, "queries.parquet")
