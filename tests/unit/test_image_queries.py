"""Metrics of every query between captions and images, against trec_eval and by hand."""

import weakref

import numpy as np
import pyarrow as pa
import pytest
import pytrec_eval

from hybridbatch.benchmarks._joined import joined
from hybridbatch.benchmarks.base import Collection, collection
from hybridbatch.evaluation.image_names import IMAGE_TO_TEXT, TEXT_TO_IMAGE
from hybridbatch.evaluation.image_queries import (
    image_query_metrics,
    with_keys,
)
from hybridbatch.runtime.errors import DataError

LANGUAGES = ("en", "es", "zu")
CUTS = {"recall.1,5,10", "map"}


def unit(rng: np.random.Generator, n: int) -> np.ndarray:
    """Unit vectors of few different values, so that many scores are equal."""
    vectors = rng.integers(-1, 2, size=(n, 4)).astype(np.float32)
    vectors[:, 0] += 3
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def case(images: int = 30) -> tuple[pa.Table, np.ndarray, pa.Table, np.ndarray]:
    """Captions in three languages: two of some images in Spanish, none of some in Zulu."""
    rng = np.random.default_rng(5)
    rows = []
    for language in LANGUAGES:
        for i in range(images):
            if language == "es" and i % 4 == 0:
                rows += [(f"i{i}:{n}", language, f"i{i}") for n in (0, 1)]
            elif language != "zu" or i % 5:
                rows.append((f"i{i}", language, f"i{i}"))
    order = rng.permutation(len(rows))
    ids, codes, of = zip(*(rows[i] for i in order), strict=True)
    captions = pa.table({"query_id": ids, "language": codes, "image_id": of})
    table = pa.table(
        {
            "image_id": [f"i{i}" for i in range(images)],
            "group": [f"g{i // 2}" for i in range(images)],
        }
    )
    return captions, unit(rng, len(rows)), table, unit(rng, images)


def by_trec_eval(qrels: dict, run: dict) -> dict[str, dict[str, float]]:
    return pytrec_eval.RelevanceEvaluator(qrels, CUTS).evaluate(run)


def test_values_are_those_of_trec_eval():
    captions, of_captions, images, of_images = case()
    frame = image_query_metrics(captions, of_captions, images, of_images, ["en"]).to_pandas()
    rows = captions.to_pylist()
    ids = images["image_id"].to_pylist()
    scores = (of_captions.astype(np.float64) @ of_images.T.astype(np.float64)).astype(np.float32)
    for language in LANGUAGES:
        asked = [i for i, row in enumerate(rows) if row["language"] == language]
        qrels = {rows[i]["query_id"]: {rows[i]["image_id"]: 1} for i in asked}
        run = {rows[i]["query_id"]: dict(zip(ids, scores[i].tolist(), strict=True)) for i in asked}
        theirs = by_trec_eval(qrels, run)
        part = frame[(frame["direction"] == TEXT_TO_IMAGE) & (frame["language"] == language)]
        assert set(part["query_id"]) == set(theirs)
        for row in part.to_dict("records"):
            for k in (1, 5, 10):
                assert row[f"recall_{k}"] == pytest.approx(theirs[row["query_id"]][f"recall_{k}"])
    for language in (*LANGUAGES, "all"):
        among = [i for i, row in enumerate(rows) if language in (row["language"], "all")]
        names = [f"{rows[i]['language']}:{rows[i]['query_id']}" for i in among]
        qrels, run = {}, {}
        for column, image in enumerate(ids):
            mine = {n: 1 for n, i in zip(names, among, strict=True) if rows[i]["image_id"] == image}
            if mine:
                qrels[image] = mine
                run[image] = dict(zip(names, scores[among, column].tolist(), strict=True))
        theirs = by_trec_eval(qrels, run)
        part = frame[(frame["direction"] == IMAGE_TO_TEXT) & (frame["language"] == language)]
        assert set(part["query_id"]) == set(theirs)
        assert set(part["candidates"]) == {len(among)}
        for row in part.to_dict("records"):
            expected = theirs[row["query_id"]]
            assert row["relevant"] == len(qrels[row["query_id"]])
            for k in (1, 5, 10):
                assert row[f"recall_{k}"] == pytest.approx(expected[f"recall_{k}"], abs=1e-9)
            if language == "all":
                assert row["map"] == pytest.approx(expected["map"], abs=1e-9)
                # By trec_eval's order: descending score, then descending id.
                order = sorted(run[row["query_id"]].items(), key=lambda of: (of[1], of[0]))[::-1]
                places = [i for i, (n, _) in enumerate(order) if n in qrels[row["query_id"]]]
                assert row["rank_distance"] == places[-1] - places[0]
                first = [name.split(":")[0] for name, _ in order[:10]]
                for code in LANGUAGES:
                    assert row[f"share_{code}"] == pytest.approx(first.count(code) / 10)


def test_rows_say_what_they_are_of():
    captions, of_captions, images, of_images = case()
    found = image_query_metrics(captions, of_captions, images, of_images, ["es"])
    frame = with_keys(found, {"tower": "x-y", "split": 2}).to_pandas()
    assert list(frame.columns[:2]) == ["tower", "split"]
    assert set(frame["tower"]) == {"x-y"}
    assert frame["split"].dtype == np.int64
    assert dict(frame.groupby("language")["seen"].first()) == {
        "all": False, "en": False, "es": True, "zu": False,
    }  # fmt: skip
    groups = dict(zip(*(images[name].to_pylist() for name in ("image_id", "group")), strict=True))
    assert all(groups[row.query_id.split(":")[0]] == row.group for row in frame.itertuples())
    whole = frame[frame["language"] == "all"]
    assert frame.loc[frame["language"] != "all", ["map", "rank_distance"]].isna().all(axis=None)
    assert np.allclose(whole[[f"share_{code}" for code in LANGUAGES]].sum(axis=1), 1)


def test_what_does_not_belong_together_is_refused():
    captions, of_captions, images, of_images = case()
    with pytest.raises(DataError, match="captions have 3 vectors"):
        image_query_metrics(captions, of_captions[:3], images, of_images, [])
    with pytest.raises(DataError, match="are of images that are not there, such as 'i"):
        image_query_metrics(captions, of_captions, images.slice(0, 29), of_images[:29], [])


def test_captions_of_all_languages_are_joined():
    images = {"cat": b"1", "dog": b"2", "owl": b"3"}

    def of(texts: dict[str, str], pictures=images):
        relevant = [(id_, id_) for id_ in texts]
        origins = {id_: ("pets", None) for id_ in texts if id_ != "owl"}
        return collection(texts, pictures, relevant, "image", origins)

    found = {"en": of({"cat": "cat", "dog": "dog"}), "es": of({"cat": "gato"})}
    captions, table = joined(found, found.get)
    assert captions.to_pylist() == [
        {"query_id": "cat", "language": "en", "text": "cat", "image_id": "cat"},
        {"query_id": "dog", "language": "en", "text": "dog", "image_id": "dog"},
        {"query_id": "cat", "language": "es", "text": "gato", "image_id": "cat"},
    ]
    # No language has a caption of the owl.
    assert table.to_pylist() == [
        {"image_id": "cat", "group": "pets"},
        {"image_id": "dog", "group": "pets"},
        {"image_id": "owl", "group": "owl"},
    ]
    found["es"] = of({"cat": "gato"}, {"cat": b"1", "dog": b"2"})
    with pytest.raises(DataError, match="en has 3 images and es has 2"):
        joined(found, found.get)
    with pytest.raises(DataError, match="no language"):
        joined({}, found.get)


def test_one_language_s_images_are_held_at_a_time():
    read: list[tuple[str, weakref.ref]] = []

    def of(language: str) -> Collection:
        assert [name for name, earlier in read if earlier() is not None] == []
        images = {id_: id_.encode() for id_ in ("cat", "dog")}
        found = collection({"cat": language}, images, [("cat", "cat")], "image")
        read.append((language, weakref.ref(found.candidates)))
        return found

    captions, _ = joined(["en", "es", "zu"], of)
    assert captions["text"].to_pylist() == [name for name, _ in read] == ["en", "es", "zu"]
