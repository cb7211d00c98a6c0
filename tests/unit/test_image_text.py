"""Captions and images: means over seeds and splits, chance, and results that contradict."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from image_scores import LANGUAGES, rows_of, table_of, value_of
from image_scores import frames as frames
from image_scores import scores as scores
from image_scores import table as table

from hybridbatch.evaluation.image_names import IMAGE_TO_TEXT, TEXT_TO_IMAGE
from hybridbatch.evaluation.image_scores import MEAN_TRANSFER, SHARE_OF, chance_of, read_scores
from hybridbatch.evaluation.image_text import CHANCE, IMAGE_TEXT_COLUMNS
from hybridbatch.evaluation.metrics import average_precision, rank_distance, recall_at
from hybridbatch.evaluation.settings import ALL, MEAN, MEAN_SEEN, MEAN_UNSEEN
from hybridbatch.runtime.errors import DataError

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("direction", [TEXT_TO_IMAGE, IMAGE_TO_TEXT])
def test_a_language_s_value_is_the_mean_of_its_queries_in_all_splits_and_seeds(
    frames, table, direction
):
    place = {"tower": "hybrid", "captions": "en-en", "language": "hi"}
    whole = rows_of(pd.concat(frames), direction=direction, **place)
    for metric in ("recall_1", "recall_5", "recall_10"):
        found = value_of(table, setting=direction, metric=metric, **place)
        assert found == pytest.approx(whole[metric].mean())
    (row,) = rows_of(table, versus=None, setting=direction, metric="recall_1", **place).to_dict(
        "records"
    )
    assert (row["n_queries"], row["n_clusters"], row["n_splits"], row["n_seeds"]) == (48, 24, 2, 3)
    assert row["ci_low"] < row["value"] < row["ci_high"]


def test_means_are_over_trained_unseen_and_known_unseen_languages(table):
    place = {"tower": "x-y", "captions": "en-en", "setting": TEXT_TO_IMAGE, "metric": "recall_5"}
    of = {code: value_of(table, language=code, **place) for code in LANGUAGES}
    for name, members in {
        MEAN: LANGUAGES,
        MEAN_SEEN: ("en",),
        MEAN_UNSEEN: ("es", "hi", "zu"),
        MEAN_TRANSFER: ("es", "hi"),
    }.items():
        expected = np.mean([of[code] for code in members])
        assert value_of(table, language=name, **place) == pytest.approx(expected)
        (row,) = rows_of(table, versus=None, language=name, **place).to_dict("records")
        assert row["n_languages"] == len(members)


def test_a_mean_that_would_be_another_one_is_left_out(scores):
    table = table_of(scores, known=LANGUAGES)  # chance among its rows
    assert not (table["language"] == MEAN_TRANSFER).any()
    assert (table["language"] == MEAN_UNSEEN).any()


def test_all_languages_together_have_map_rank_distance_and_shares(frames, table):
    place = {"tower": "hybrid", "captions": "hybrid"}
    whole = rows_of(pd.concat(frames), direction=IMAGE_TO_TEXT, language=ALL, **place)
    place |= {"setting": IMAGE_TO_TEXT}
    for metric in ("map", "rank_distance"):
        found = value_of(table, metric=metric, language=ALL, **place)
        assert found == pytest.approx(whole[metric].mean())
    shares = rows_of(table, versus=None, metric=SHARE_OF, **place).set_index("language")["value"]
    assert set(shares.index) == set(LANGUAGES)
    assert shares.sum() == pytest.approx(1)
    assert shares["zu"] == pytest.approx(whole["share_zu"].mean())


def test_the_table_has_its_columns_and_the_control_and_no_row_twice(table):
    assert list(table.columns) == IMAGE_TEXT_COLUMNS
    assert (table["captions"] == "shuffled").any()
    keys = ["benchmark", "tower", "captions", "versus", "compared", "setting", "metric", "language"]
    assert not table[table["statement"].isna()].duplicated(keys).any()


# --- chance ---


@pytest.mark.parametrize(("n", "r"), [(5, 1), (5, 2), (6, 3)])
def test_chance_is_the_mean_over_all_orders(n, r):
    found = {"recall_1": [], "recall_5": [], "map": [], "rank_distance": []}
    for order in permutations(range(1, n + 1)):
        ranks, query, relevant = np.array(order[:r]), np.zeros(r, dtype=int), np.array([r])
        found["recall_1"] += [recall_at(ranks, query, relevant, 1)]
        found["recall_5"] += [recall_at(ranks, query, relevant, 5)]
        found["map"] += [average_precision(ranks, query, relevant)]
        found["rank_distance"] += [rank_distance(ranks, query, relevant)]
    for metric, values in found.items():
        expected = np.mean(values)
        np.testing.assert_allclose(chance_of(metric, np.array([n]), np.array([r])), [expected])


def test_chance_is_a_row_where_the_numbers_of_candidates_are_known(frames, table):
    place = {"tower": CHANCE, "setting": TEXT_TO_IMAGE, "metric": "recall_10"}
    assert value_of(table, language="zu", **place) == pytest.approx(10 / 24)
    for name in (MEAN, MEAN_SEEN, MEAN_UNSEEN, MEAN_TRANSFER):
        assert value_of(table, language=name, **place) == pytest.approx(10 / 24)
    place = {"tower": CHANCE, "setting": IMAGE_TO_TEXT}
    assert value_of(table, metric="rank_distance", language=ALL, **place) == pytest.approx(
        3 * 97 / 5
    )
    assert value_of(table, metric=SHARE_OF, language="hi", **place) == 0.25
    bare = [frame.drop(columns=["candidates", "relevant"]) for frame in frames]
    assert not (table_of(bare)["tower"] == CHANCE).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda frames: frames[1:],
            "x-x-mono with en-en captions has no recall_1 of en",
        ),
        (lambda frames: [frames[0][24:], *frames[1:]], "split 0 with seed 0, where others do"),
        (lambda frames: [f[(f["seed"] < 2) | (f["split"] < 1)] for f in frames], "with seed 2"),
        (lambda frames: [*frames, frames[0]], "were scored twice"),
        (lambda frames: [frames[0].assign(group="other"), *frames[1:]], "query 0-0a is of group"),
    ],
)
def test_incomplete_or_contradicting_results_are_named(frames, change, said):
    with pytest.raises(DataError, match=said):
        read_scores(change(frames))


def test_files_of_one_language_are_the_same_as_one_of_several(frames, table):
    keys = ["direction", "language"]
    apart = [part for frame in frames for _, part in frame.groupby(keys, sort=False)]
    pd.testing.assert_frame_equal(table_of(apart), table)
